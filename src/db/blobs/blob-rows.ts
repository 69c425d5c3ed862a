import type { Sql } from '../database';
import { uuidArray } from '../uuid-array';
import type { BlobOwner } from './blob-store';
import type { Encoding } from './compression';

/** A row of `blob`. */
export interface BlobRow {
  id: string;
  sha256: Buffer;
  size: number;
  storedSize: number;
  encoding: Encoding;
}

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

/** Rows and bytes. How many of the blobs were there. */
export async function deleteBlobs(sql: Sql, blobIds: readonly string[]): Promise<number> {
  const rows = await sql.query<{ deleted: number }>('SELECT delete_blobs($1) AS deleted', [uuidArray(blobIds)]);
  return rows[0]?.deleted ?? 0;
}
