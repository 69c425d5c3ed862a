import type { Sql } from '../database';
import { uuidArray } from '../binary-array';
import type { BlobOwner, PackedBlob } from './blob-store';
import { chunksOf } from './copy-binary';

/** A row of `blob`. */
export type BlobRow = Omit<PackedBlob, 'stored'>;

/** One statement for all rows. */
export async function insertBlobs(sql: Sql, owner: BlobOwner, rows: readonly BlobRow[]): Promise<void> {
  await sql.execute(
    `INSERT INTO blob (tenant_id, source_id, id, sha256, size, stored_size, encoding)
     SELECT $1, $2, * FROM unnest($3::uuid[], $4::bytea[], $5::bigint[], $6::bigint[], $7::smallint[])`,
    [
      owner.tenantId,
      owner.sourceId,
      rows.map((row) => row.id),
      rows.map((row) => row.sha256),
      rows.map((row) => row.size),
      rows.map((row) => row.storedSize),
      rows.map((row) => row.encoding),
    ],
  );
}

/**
 * Stores a few small blobs in the transaction that writes what refers to them: there is no moment at which one is there without the other.
 * COPY is quicker for many, and costs a transaction of its own.
 */
export async function storePacked(sql: Sql, owner: BlobOwner, blobs: readonly PackedBlob[]): Promise<void> {
  if (blobs.length === 0) return;
  const chunks = blobs.flatMap(({ id, stored }) => [...chunksOf(id, stored)]);
  const rows = insertBlobs(sql, owner, blobs);
  const bytes = chunks.map((chunk) =>
    sql.execute('INSERT INTO blob_chunk (tenant_id, blob_id, n, bytes) VALUES ($1, $2, $3, $4)', [
      owner.tenantId,
      chunk.blobId,
      chunk.n,
      chunk.bytes,
    ]),
  );
  await Promise.all([rows, ...bytes]);
}

/** Rows and bytes. How many of the blobs were there. */
export async function deleteBlobs(sql: Sql, blobIds: readonly string[]): Promise<number> {
  const rows = await sql.query<{ deleted: number }>('SELECT delete_blobs($1) AS deleted', [uuidArray(blobIds)]);
  return rows[0]?.deleted ?? 0;
}
