import type { z } from 'zod';

import { bytesOfMessage, type CopyBytes } from '../../db/messages-copies';
import { readMessage, type MessageDetail } from '../../db/messages';
import type { Language } from '../../domain/languages';
import type { ApiContext } from '../context';
import { notFound } from '../problems';
import type { Viewer } from '../viewer';
import { presentMessage } from './presenter';
import type { messageSchema } from './schemas';

type MessageAnswer = z.output<typeof messageSchema>;

/** A message as far as the viewer may know of it. @throws Problem 404 */
export async function knownMessage({ db }: ApiContext, viewer: Viewer, messageId: string): Promise<MessageDetail> {
  const message = await db.inTenant(viewer.tenantId, (sql) => readMessage(sql, viewer, messageId));
  if (message === null) throw notFound();
  return message;
}

/** One message for an answer; its HTML, where it is asked for, is read from the bytes and sanitised. @throws Problem 404 */
export async function messageAnswer(
  context: ApiContext,
  viewer: Viewer,
  wish: { messageId: string; html: 'none' | 'without-remote-content' | 'with-remote-content'; language: Language },
): Promise<MessageAnswer> {
  const { language } = wish;
  const message = await knownMessage(context, viewer, wish.messageId);
  if (message.level < 3) return presentMessage(message, { parts: null, html: null, language });
  const bytes = await context.db.inTenant(viewer.tenantId, (sql) =>
    bytesOfMessage(sql, viewer, { messageId: wish.messageId, copyId: null, wanted: 'parts' }),
  );
  const html =
    wish.html === 'none' ? null : await htmlOf(context, viewer, { bytes, show: wish.html, text: message.text });
  return presentMessage(message, { parts: bytes?.parts ?? [], html, language });
}

async function htmlOf(
  { blobs, content, limits }: ApiContext,
  { tenantId }: Viewer,
  of: { bytes: CopyBytes | null; show: 'without-remote-content' | 'with-remote-content'; text: string | null },
): Promise<MessageAnswer['html']> {
  const { bytes, show, text } = of;
  if (bytes?.blobId == null || !bytes.parts.some((part) => part.role === 'html')) return null;
  const shown = await content.showHtml({
    raw: await blobs.read(tenantId, bytes.blobId),
    parts: bytes.parts,
    maxCharacters: limits.maxHtmlCharacters,
    remoteContent: show === 'with-remote-content' ? 'allow' : 'block',
  });
  return shown === 'too-hard' ? { html: preformatted(text ?? ''), truncated: true, blockedRemote: 0 } : shown;
}

function preformatted(text: string): string {
  return `<pre>${text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')}</pre>`;
}
