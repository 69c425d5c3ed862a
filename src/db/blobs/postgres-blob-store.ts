import type { Database } from '../database';
import { newUuid } from '../new-id';
import { deleteBlobs, insertBlobs } from './blob-rows';
import type { BlobOwner, BlobStore, PackedBlob } from './blob-store';
import { packed } from './compression';
import { chunksOf, copyChunks, type Chunk } from './copy-binary';
import { openBlob, readBlob, readBlobRange } from './read-blob';
import { putFile } from './put-file';
import { sweepOrphans } from './sweep-orphans';

/** Blobs in Postgres: a row in `blob`, the bytes in `blob_chunk`, both in one transaction. */
export function createPostgresBlobStore(db: Database): BlobStore {
  return {
    putBatch: (owner, blobs) => putBatch(db, owner, blobs),
    pack: (blobs) => Promise.all(blobs.map(packedRow)),
    putFile: (owner, file) => putFile(db, owner, file),
    read: (tenantId, blobId) => readBlob(db, tenantId, blobId),
    readRange: (tenantId, blobId, range) => readBlobRange(db, { tenantId, blobId }, range),
    open: (tenantId, blobId) => openBlob(db, tenantId, blobId),
    delete: (tenantId, blobIds) => db.inTenant(tenantId, (sql) => deleteBlobs(sql, blobIds)),
    sweepOrphans: (tenantId, { graceMs }) => sweepOrphans(db, tenantId, graceMs),
  };
}

async function putBatch(
  db: Database,
  owner: BlobOwner,
  blobs: readonly { sha256: Buffer; bytes: Buffer }[],
): Promise<{ blobId: string }[]> {
  if (blobs.length === 0) return [];
  // All at once: libuv's threads take one after the other, and the bytes are in memory anyway.
  const rows = await Promise.all(blobs.map((blob) => packedRow(blob)));
  await db.inTenant(owner.tenantId, async (sql) => {
    // The disk is not waited for here: the commit of the rows that refer to these bytes waits for all that was logged before it, and so
    // for them (PostgreSQL 18, 28.4). What a crash takes between the two, no row knows of.
    await sql.execute('SET LOCAL synchronous_commit = off');
    await copyChunks(sql, owner.tenantId, chunksOfAll(rows));
    await insertBlobs(sql, owner, rows);
  });
  return rows.map(({ id }) => ({ blobId: id }));
}

async function packedRow({ sha256, bytes }: { sha256: Buffer; bytes: Buffer }): Promise<PackedBlob> {
  const id = newUuid();
  const { encoding, stored } = await packed(bytes);
  return { id, sha256, size: bytes.length, storedSize: stored.length, encoding, stored };
}

function* chunksOfAll(rows: PackedBlob[]): Generator<Chunk> {
  for (const { id, stored } of rows) yield* chunksOf(id, stored);
}
