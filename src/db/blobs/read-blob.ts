import { pipeline, Readable } from 'node:stream';
import { createBrotliDecompress } from 'node:zlib';

import type { Database } from '../database';
import { BlobDamaged, BlobNotFound, type ByteRange } from './blob-store';
import { encodings, unpacked } from './compression';
import { chunkBytes } from './copy-binary';

interface BlobAt {
  tenantId: string;
  blobId: string;
}

interface Described {
  size: number;
  stored_size: number;
  encoding: number;
}

/** About a megabyte. */
const rowsAtOnce = 128;

const describing = 'SELECT size, stored_size, encoding FROM blob WHERE id = $1';

/** See BlobStore.read. */
export async function readBlob(db: Database, tenantId: string, blobId: string): Promise<Buffer> {
  const { blob, stored } = await db.inTenant(tenantId, async (sql) => {
    const [found] = await sql.query<Described>(describing, [blobId]);
    if (found === undefined) throw new BlobNotFound(blobId);
    const chunks = await sql.query<{ bytes: Buffer }>('SELECT bytes FROM blob_bytes WHERE blob_id = $1 ORDER BY n', [
      blobId,
    ]);
    return { blob: found, stored: Buffer.concat(chunks.map(({ bytes }) => bytes)) };
  });
  if (stored.length !== blob.stored_size) throw new BlobDamaged(blobId);
  return unpacked(stored, blob.encoding);
}

/** See BlobStore.readRange: only the chunks that hold the span are read; where the blob is compressed, all before it too. */
export async function readBlobRange(db: Database, at: BlobAt, range: ByteRange): Promise<Buffer> {
  const blob = await describe(db, at);
  const end = Math.min(range.offset + range.length, blob.size);
  if (range.offset >= end) return Buffer.alloc(0);
  if (blob.encoding !== encodings.identity) return spanOf(contentOf(db, at, blob), { from: range.offset, to: end });
  const first = Math.floor(range.offset / chunkBytes);
  const chunks = storedChunks(db, at, { first, last: Math.floor((end - 1) / chunkBytes) });
  return spanOf(chunks, { from: range.offset - first * chunkBytes, to: end - first * chunkBytes });
}

/** See BlobStore.open. Each megabyte is a transaction of its own, so a slow reader holds no connection. */
export async function openBlob(
  db: Database,
  tenantId: string,
  blobId: string,
): Promise<{ size: number; content: Readable }> {
  const at = { tenantId, blobId };
  const blob = await describe(db, at);
  return { size: blob.size, content: contentOf(db, at, blob) };
}

async function describe(db: Database, { tenantId, blobId }: BlobAt): Promise<Described> {
  const [blob] = await db.inTenant(tenantId, (sql) => sql.query<Described>(describing, [blobId]));
  if (blob === undefined) throw new BlobNotFound(blobId);
  return blob;
}

function contentOf(db: Database, at: BlobAt, blob: Described): Readable {
  const last = Math.ceil(blob.stored_size / chunkBytes) - 1;
  const stored = Readable.from(storedChunks(db, at, { first: 0, last }), { objectMode: false });
  if (blob.encoding === encodings.identity) return stored;
  // The reader hears of an error by the stream it reads; the callback is only there to be given.
  return pipeline(stored, createBrotliDecompress({ chunkSize: 262_144 }), () => undefined);
}

async function* storedChunks(
  db: Database,
  { tenantId, blobId }: BlobAt,
  { first, last }: { first: number; last: number },
): AsyncGenerator<Buffer> {
  for (let from = first; from <= last; from += rowsAtOnce) {
    const to = Math.min(from + rowsAtOnce - 1, last);
    const rows = await db.inTenant(tenantId, (sql) =>
      sql.query<{ bytes: Buffer }>(
        'SELECT bytes FROM blob_bytes WHERE blob_id = $1 AND n BETWEEN $2 AND $3 ORDER BY n',
        [blobId, from, to],
      ),
    );
    if (rows.length !== to - from + 1) throw new BlobDamaged(blobId);
    yield Buffer.concat(rows.map(({ bytes }) => bytes));
  }
}

/** Reads no further than the span needs. */
async function spanOf(content: AsyncIterable<Buffer>, span: { from: number; to: number }): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let position = 0;
  for await (const piece of content) {
    pieces.push(piece.subarray(Math.max(0, span.from - position), Math.max(0, span.to - position)));
    position += piece.length;
    if (position >= span.to) break;
  }
  return Buffer.concat(pieces);
}
