import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';

import type { Database, Sql } from '../database';
import { newUuid } from '../new-id';
import { insertBlobs } from './blob-rows';
import type { BlobOwner } from './blob-store';
import { compressingStream, encodings, isWorthCompressing, type Encoding } from './compression';
import { chunksOfStream, copyChunks } from './copy-binary';

const readAtOnce = 1_048_576;

/** What went by on the way into the database. */
interface Passed {
  hash: ReturnType<typeof createHash>;
  size: number;
  storedSize: number;
}

/** Streams a file into a new blob, in one transaction: chunks first, then the row, whose sizes are known at the end only. */
export async function putFile(
  db: Database,
  owner: BlobOwner,
  file: { path: string; sha256: Buffer },
): Promise<{ blobId: string }> {
  const { tenantId } = owner;
  const blobId = newUuid();
  const encoding = (await isWorthCompressing(await sampleOf(file.path))) ? encodings.brotli : encodings.identity;
  await db.inTenant(tenantId, async (sql) => {
    const passed: Passed = { hash: createHash('sha256'), size: 0, storedSize: 0 };
    await copyFile({ sql, tenantId, blobId }, { path: file.path, encoding, passed });
    if (!passed.hash.digest().equals(file.sha256)) throw new Error('a file has other bytes than its SHA-256 says');
    const { size, storedSize } = passed;
    await insertBlobs(sql, owner, [{ id: blobId, sha256: file.sha256, size, storedSize, encoding }]);
  });
  return { blobId };
}

async function copyFile(
  into: { sql: Sql; tenantId: string; blobId: string },
  from: { path: string; encoding: Encoding; passed: Passed },
): Promise<void> {
  const { passed } = from;
  const bytes = createReadStream(from.path, { highWaterMark: readAtOnce });
  const hashed = async function* (source: AsyncIterable<Buffer>) {
    for await (const piece of source) {
      passed.hash.update(piece);
      passed.size += piece.length;
      yield piece;
    }
  };
  const copied = async (stored: AsyncIterable<Buffer>) => {
    await copyChunks(into.sql, into.tenantId, counted(chunksOfStream(into.blobId, stored), passed));
  };
  if (from.encoding === encodings.identity) await pipeline(bytes, hashed, copied);
  else await pipeline(bytes, hashed, compressingStream(), copied);
}

async function* counted<Piece extends { bytes: Buffer }>(
  pieces: AsyncIterable<Piece>,
  passed: Passed,
): AsyncGenerator<Piece> {
  for await (const piece of pieces) {
    passed.storedSize += piece.bytes.length;
    yield piece;
  }
}

/** From the middle: mail begins with text even where the rest is an archive. */
async function sampleOf(path: string): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const { buffer, bytesRead } = await file.read(Buffer.alloc(65_536), 0, 65_536, size >> 1);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
