import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';

import { ZipFile } from 'yazl';

import { BlobNotFound } from '../../db/blobs/blob-store';
import { exportedCopies, exportedNotes, exportedRecords, type ExportedCopy } from '../../db/people/export-rows';
import { publicId } from '../../domain/ids';
import type { ApiContext } from '../context';

type Exporting = Pick<ApiContext, 'db' | 'blobs' | 'now'> & { tenantId: string; addressKeys: string[] };

/** What the ZIP holds so far. */
interface Counts {
  copies: number;
  files: number;
  bytes: number;
  reduced: number;
  withoutBytes: number;
}

/**
 * A ZIP with all that there is of a person, made while it is read: mail byte for byte as `.eml`, JSON beside it, an index at the end. One
 * file is open at a time, and nothing of it is read before the reader takes what came before; a reader who goes away ends it all.
 * What fails on the way breaks the stream off, so that no half ZIP is taken for a whole one.
 */
export function exportZip(exporting: Exporting): Readable {
  const zip = new ZipFile();
  const output = Readable.from(zip.outputStream, { objectMode: false });
  const gone = new AbortController();
  output.once('close', () => {
    gone.abort();
  });
  const breakOff = (error: unknown) => {
    const reason = error instanceof Error ? error : new Error('the export failed');
    // While `output` waits for the next bytes it does not hear of its own end, and the reader would wait for ever.
    if ('destroy' in zip.outputStream) (zip.outputStream as Readable).destroy(reason);
    output.destroy(reason);
  };
  zip.on('error', breakOff);
  fill({ zip, signal: gone.signal }, exporting).catch(breakOff);
  return output;
}

interface Target {
  zip: ZipFile;
  signal: AbortSignal;
}

async function fill(target: Target, exporting: Exporting): Promise<void> {
  const { db, tenantId, addressKeys, now } = exporting;
  const counts: Counts = { copies: 0, files: 0, bytes: 0, reduced: 0, withoutBytes: 0 };
  for await (const page of exportedCopies(db, tenantId, addressKeys)) {
    for (const copy of page) await addMail(target, exporting, { copy, counts });
  }
  await addFile(target, { path: 'messages.json', content: Readable.from(messagesJson(exporting)), mtime: now() });
  const notes = Readable.from(notesJson(exporting));
  await addFile(target, { path: 'activity-notes.json', content: notes, mtime: now() });
  const records = await exportedRecords(db, tenantId, addressKeys);
  await addJson(target, { path: 'records.json', mtime: now() }, records.map(presentRecord));
  await addJson(target, { path: 'index.json', mtime: now() }, indexOf(exporting, counts));
  target.zip.end();
}

async function addMail(
  target: Target,
  { blobs, tenantId }: Exporting,
  { copy, counts }: { copy: ExportedCopy; counts: Counts },
): Promise<void> {
  counts.copies += 1;
  const path = pathOf(copy);
  if (copy.blobId === null || path === null) {
    counts.withoutBytes += 1;
    return;
  }
  target.signal.throwIfAborted();
  const blob = await blobs.open(tenantId, copy.blobId).catch((error: unknown) => {
    // It was deleted meanwhile.
    if (error instanceof BlobNotFound) return null;
    throw error;
  });
  if (blob === null) return;
  await addFile(target, { path, content: blob.content, mtime: copy.sortAt });
  counts.files += 1;
  counts.bytes += blob.size;
  if (copy.rawState === 'reduced') counts.reduced += 1;
}

/** Null where no bytes were kept. Bytes without their attachments are told by the name. */
function pathOf({ copyId, blobId, rawState }: Pick<ExportedCopy, 'copyId' | 'blobId' | 'rawState'>): string | null {
  if (blobId === null || rawState === 'none') return null;
  return `mail/${publicId('copy', copyId)}${rawState === 'reduced' ? '.reduced' : ''}.eml`;
}

/** Resolves when the file has been read to its end, which is when the reader has taken what came before. */
async function addFile(
  { zip, signal }: Target,
  { path, content, mtime }: { path: string; content: Readable; mtime: Date },
): Promise<void> {
  const isMail = path.endsWith('.eml');
  const giveUp = () => content.destroy();
  signal.addEventListener('abort', giveUp, { once: true });
  try {
    signal.throwIfAborted();
    // Mail goes as it is: to make it smaller would cost more than to send it.
    zip.addReadStream(content, path, { mtime: inDosTime(mtime), mode: 0o100600, compress: !isMail });
    await finished(content, { writable: false });
  } finally {
    signal.removeEventListener('abort', giveUp);
    content.destroy();
  }
}

function addJson(target: Target, { path, mtime }: { path: string; mtime: Date }, value: unknown): Promise<void> {
  return addFile(target, { path, mtime, content: Readable.from([`${JSON.stringify(value, null, 2)}\n`]) });
}

const firstDosTime = new Date('1980-01-02T00:00:00Z');
const lastDosTime = new Date('2107-12-30T00:00:00Z');

/** APPNOTE 4.4.6: a ZIP knows no time before 1980; a Date header may say any. */
function inDosTime(time: Date): Date {
  if (time < firstDosTime) return firstDosTime;
  return time > lastDosTime ? lastDosTime : time;
}

async function* messagesJson({ db, tenantId, addressKeys }: Exporting): AsyncGenerator<string> {
  yield* listJson(exportedCopies(db, tenantId, addressKeys), presentCopy);
}

async function* notesJson({ db, tenantId, addressKeys }: Exporting): AsyncGenerator<string> {
  yield* listJson(exportedNotes(db, tenantId, addressKeys), ({ id, recordIds, ...note }) => ({
    id: publicId('activity', id),
    ...note,
    recordIds: recordIds.map((recordId) => publicId('record', recordId)),
  }));
}

/** A JSON array, an item a line, page by page. */
async function* listJson<Row>(pages: AsyncIterable<Row[]>, present: (row: Row) => object): AsyncGenerator<string> {
  let before = '[\n';
  for await (const page of pages) {
    for (const row of page) {
      yield `${before}${JSON.stringify(present(row))}`;
      before = ',\n';
    }
  }
  yield before === '[\n' ? '[]\n' : '\n]\n';
}

function presentCopy({ copyId, messageId, threadId, sourceId, blobId, links, activity, ...copy }: ExportedCopy) {
  return {
    id: publicId('message', messageId),
    copyId: publicId('copy', copyId),
    threadId: publicId('thread', threadId),
    mailboxId: publicId('mailbox', sourceId),
    file: pathOf({ copyId, blobId, rawState: copy.rawState }),
    ...copy,
    activity: activity === null ? null : { ...activity, id: publicId('activity', activity.id) },
    links: links.map((link) => ({ ...link, recordId: publicId('record', link.recordId) })),
  };
}

function presentRecord(record: { id: string }) {
  return { ...record, id: publicId('record', record.id) };
}

function indexOf({ addressKeys, now }: Exporting, counts: Counts) {
  return {
    producedAt: now().toISOString(),
    addresses: addressKeys,
    ...counts,
    contents: {
      'mail/*.eml': 'Messages in which an address is sender or recipient, byte for byte as they were fetched.',
      'mail/*.reduced.eml': 'The same where attachments were left out when the mail was recorded.',
      'messages.json': 'What is known of each of these messages, with its links to records and its activity.',
      'activity-notes.json':
        'What is left of activities of earlier mail, which is gone: when it was, whose, and nothing of what.',
      'records.json': 'Records that have one of the addresses.',
    },
    notIncluded: [
      'Mail between others that only mentions an address in its text.',
      'Mail that could not be read, and whose sender and recipients are not known.',
    ],
  };
}
