import { Readable } from 'node:stream';

import { bytesOfMessage, type CopyBytes } from '../../db/messages-copies';
import { levelOf } from '../../db/timeline-read';
import type { PartDescriptor } from '../../domain/message';
import type { ApiContext } from '../context';
import { Problem } from '../problem';
import { forbidden, notFound } from '../problems';
import type { Viewer } from '../viewer';
import { decodablePieces, spanOf } from './part-stream';
import { withOwnHeaderOnly } from './shared-header';

export interface BytesWish {
  messageId: string;
  copyId: string | null;
}

/** Bytes for a download. */
export interface Download {
  content: Readable;
  /** null where it is known only at the end. */
  size: number | null;
  rawState: 'full' | 'reduced' | 'own-header-only';
}

/** Where a message's bytes are, for a viewer who may see it in full. @throws Problem 403, 404 */
async function readableBytes(
  { db }: ApiContext,
  viewer: Viewer,
  wish: BytesWish & { wanted: 'raw' | 'parts' },
): Promise<CopyBytes & { blobId: string }> {
  const copy = await db.inTenant(viewer.tenantId, async (sql) => {
    const level = await levelOf(sql, viewer, wish.messageId);
    if (level === null) throw notFound();
    if (level < 3) throw forbidden('This key may not see the content of the message.');
    return bytesOfMessage(sql, viewer, wish);
  });
  if (copy === null) throw notFound();
  const { blobId } = copy;
  if (blobId === null) throw bytesNotKept();
  return { ...copy, blobId };
}

/**
 * The bytes as they were fetched, or as the policy kept them. Who sees the message without holding a copy gets it with the header fields
 * that are its own, because all others belong to the copy. @throws Problem 403, 404
 */
export async function rawMessage(context: ApiContext, viewer: Viewer, wish: BytesWish): Promise<Download> {
  const { blobId, held, rawState } = await readableBytes(context, viewer, { ...wish, wanted: 'raw' });
  const { size, content } = await context.blobs.open(viewer.tenantId, blobId);
  if (held) return { content, size, rawState: rawState === 'reduced' ? 'reduced' : 'full' };
  const own = withOwnHeaderOnly(content, context.limits.maxHeaderBytes);
  return { content: Readable.from(own, { objectMode: false }), size: null, rawState: 'own-header-only' };
}

/** One attachment, decoded while it is sent. @throws Problem 403, 404 */
export async function attachmentOf(
  context: ApiContext,
  viewer: Viewer,
  wish: BytesWish & { n: number },
): Promise<{ part: PartDescriptor; content: Readable }> {
  const { blobId, parts } = await readableBytes(context, viewer, { ...wish, wanted: 'parts' });
  const part = parts.find(({ n, role }) => n === wish.n && role === 'attachment');
  if (part === undefined) throw notFound();
  if (!part.kept) throw bytesNotKept();
  const { content } = await context.blobs.open(viewer.tenantId, blobId);
  return { part, content: Readable.from(decoded(context, content, part), { objectMode: false }) };
}

async function* decoded({ content: reading }: ApiContext, raw: Readable, part: PartDescriptor): AsyncGenerator<Buffer> {
  for await (const piece of decodablePieces(spanOf(raw as AsyncIterable<Buffer>, part), part.encoding)) {
    const bytes = reading.decodePart(piece, part);
    if (bytes.length > 0) yield bytes;
  }
}

function bytesNotKept(): Problem {
  return new Problem({
    status: 404,
    slug: 'bytes-not-kept',
    title: 'These bytes were not kept',
    detail: 'The policy of the mailbox keeps no bytes of this. What is known of the message is at /v1/messages/{id}.',
  });
}
