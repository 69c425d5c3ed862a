import { Readable } from 'node:stream';

import type { FetchMessageObject } from 'imapflow';

import type { MessageEnvelope } from '../domain/folder';
import { MailFailure } from '../domain/failure';
import { envelopeOf, envelopeQuery, fetchRows, idPrefixOf, isRefusalOfMessages } from './fetching';
import { isServersExcuse } from './servers-excuse';
import type { Session } from './session';

const defaultChunkBytes = 1_048_576;

/** A server that ignores the partial range would never come to an end. */
const mostTimesSize = 2;

/** The same, for a message whose size the server does not say. */
const mostUnsizedBytes = 268_435_456;

/**
 * Streams one message window by window (BODY.PEEK[]<start.length>), so that memory stays flat and a slow reader holds nothing up but
 * itself. The end is an empty window, or a short one that reaches the announced size; a short one before that is asked on, for a
 * cut message must not look like a whole one. Null where the server gives no bytes for this UID, also where it refuses them.
 * Where it refuses size and date of this message, the bytes are asked for alone.
 * The stream fails with a MailFailure; `unreadable` (`stream-cut`) where the message stops before its size without an end.
 * @throws MailFailure
 */
export async function streamRaw(
  session: Session,
  request: { uid: number; items?: 'all' | 'bytes-alone' | undefined; chunkBytes?: number | undefined },
): Promise<{ envelope: MessageEnvelope; content: Readable } | null> {
  const window = { uid: request.uid, chunkBytes: request.chunkBytes ?? defaultChunkBytes };
  const first = await firstWindow(session, { ...window, items: request.items ?? 'all' });
  if (first?.bytes == null || isServersExcuse(first.bytes, request.uid)) return null;
  const envelope = { ...envelopeOf(first.row, idPrefixOf(session)), size: first.row.size ?? first.bytes.length };
  const most = first.row.size === undefined ? mostUnsizedBytes : first.row.size * mostTimesSize + window.chunkBytes;
  const chunks = windowsAfter(session, { ...window, size: envelope.size, most, first: first.bytes });
  return { envelope, content: Readable.from(chunks, { objectMode: false, highWaterMark: window.chunkBytes }) };
}

async function firstWindow(
  session: Session,
  window: { uid: number; chunkBytes: number; items: 'all' | 'bytes-alone' },
): Promise<Answer | null> {
  const ask = (query: object) => fetchWindow(session, { ...window, start: 0, query }).catch(refusedAsNull(session));
  const first = window.items === 'all' ? await ask(envelopeQuery) : null;
  return first?.bytes == null ? ask({ uid: true }) : first;
}

function refusedAsNull(session: Session): (error: unknown) => null {
  return (error) => {
    if (isRefusalOfMessages(session, error)) return null;
    throw error;
  };
}

async function* windowsAfter(
  session: Session,
  message: { uid: number; chunkBytes: number; size: number; most: number; first: Buffer },
): AsyncGenerator<Buffer> {
  const { uid, chunkBytes, size, most } = message;
  let bytes: Buffer | null = message.first;
  let done = 0;
  while (bytes !== null) {
    yield bytes;
    done += bytes.length;
    // More than a window is the whole message of a server that knows no ranges.
    if (bytes.length > chunkBytes || (bytes.length < chunkBytes && done >= size)) return;
    if (done > most) throw streamCut(uid);
    const next = await fetchWindow(session, { uid, chunkBytes, start: done, query: { uid: true } });
    if (next === null && done < size) throw streamCut(uid);
    bytes = next?.bytes ?? null;
  }
}

function streamCut(uid: number): MailFailure {
  return new MailFailure('unreadable', 'UID FETCH', { code: 'stream-cut', uid });
}

interface Answer {
  row: FetchMessageObject;
  bytes: Buffer | null;
}

/** One window; null where no row of this UID came, `bytes` null where there are none. */
async function fetchWindow(
  session: Session,
  window: { uid: number; chunkBytes: number; start: number; query: object },
): Promise<Answer | null> {
  const query = { ...window.query, source: { start: window.start, maxLength: window.chunkBytes } };
  let answer: Answer | null = null;
  await fetchRows(session, { uids: [window.uid], query }, (row) => {
    if (!('source' in row) || !startsAt(row, window.start)) return Promise.resolve();
    const source: unknown = row.source;
    const bytes = Buffer.isBuffer(source) && source.length > 0 ? source : null;
    if (answer?.bytes == null) answer = { row, bytes };
    return Promise.resolve();
  });
  return answer;
}

/** Apache James may answer with the window before; imapflow keeps where a window began in a hidden field. */
function startsAt(row: FetchMessageObject, start: number): boolean {
  const origins: unknown = Reflect.get(row, 'partialOrigins');
  const origin: unknown = origins instanceof Map ? origins.get('') : undefined;
  return origin === undefined || origin === start;
}
