import { deleteBlobs } from '../blobs/blob-rows';
import type { Database, Sql } from '../database';
import { uuidArray } from '../binary-array';
import type { DeletionRef } from './deletions';
import { noteStep } from './steps';

const blobsPerTransaction = 500;
const bytesPerTransaction = 67_108_864;

/**
 * Frees the next bytes that the deletion has let go of, without the tenant's lock: nobody waits for it. Bytes that something refers to
 * after all stay. Second run: finds nothing left. Returns whether there is more.
 */
export async function freeBytes(db: Database, ref: DeletionRef): Promise<boolean> {
  return db.inTenant(ref.tenantId, async (sql) => {
    const noted = await sql.query<{ blob_id: string }>(
      'SELECT blob_id FROM deletion_blob WHERE tenant_id = $1 AND source_id = $2 ORDER BY blob_id LIMIT $3',
      [ref.tenantId, ref.sourceId, blobsPerTransaction],
    );
    if (noted.length === 0) return false;
    const { handled, free } = await freeAmong(
      sql,
      ref.tenantId,
      noted.map((row) => row.blob_id),
    );
    const blobs =
      free.length === 0
        ? 0
        : await deleteBlobs(
            sql,
            free.map((row) => row.id),
          );
    await refuseLeftBytes(
      sql,
      free.map((row) => row.id),
    );
    await sql.execute(
      'DELETE FROM deletion_blob WHERE tenant_id = $1 AND source_id = $2 AND blob_id = ANY ($3::uuid[])',
      [ref.tenantId, ref.sourceId, uuidArray(handled)],
    );
    await noteStep(sql, ref, { counts: { blob: blobs }, bytes: free.reduce((sum, row) => sum + row.stored_size, 0) });
    return true;
  });
}

/**
 * Notes bytes of the source that nothing refers to, to be freed: they were stored when the mailbox was stopped, and their batch was refused.
 * To be called when the content is gone. Second run: the same. Returns how many there are.
 */
export async function noteOrphans(db: Database, ref: DeletionRef): Promise<number> {
  return db.inTenant(ref.tenantId, (sql) =>
    sql.execute(
      `INSERT INTO deletion_blob (tenant_id, source_id, blob_id)
       SELECT tenant_id, source_id, id FROM blob WHERE tenant_id = $1 AND source_id = $2
         AND NOT EXISTS (SELECT FROM copy WHERE copy.tenant_id = $1 AND copy.blob_id = blob.id OFFSET 0)
         AND NOT EXISTS (SELECT FROM placement WHERE placement.tenant_id = $1 AND placement.blob_id = blob.id OFFSET 0)
       ORDER BY id LIMIT $3 ON CONFLICT DO NOTHING`,
      [ref.tenantId, ref.sourceId, blobsPerTransaction],
    ),
  );
}

interface Blob {
  id: string;
  stored_size: number;
}

/**
 * Two statements, as the sweep does: the lock waits for whoever is just referring to the bytes, and the second statement sees them.
 * `handled` are those that fit into one transaction.
 */
async function freeAmong(sql: Sql, tenantId: string, blobIds: string[]): Promise<{ handled: string[]; free: Blob[] }> {
  const locked = await sql.query<Blob>(
    'SELECT id, stored_size FROM blob WHERE tenant_id = $1 AND id = ANY ($2::uuid[]) ORDER BY id FOR UPDATE',
    [tenantId, uuidArray(blobIds)],
  );
  let bytes = 0;
  const fitting = locked.filter(({ stored_size }) => (bytes += stored_size) - stored_size < bytesPerTransaction);
  const there = new Set(locked.map((row) => row.id));
  const handled = [...blobIds.filter((id) => !there.has(id)), ...fitting.map((row) => row.id)];
  const free = await sql.query<Blob>(
    `SELECT id, stored_size FROM blob WHERE tenant_id = $1 AND id = ANY ($2::uuid[])
       AND NOT EXISTS (SELECT FROM copy WHERE copy.tenant_id = $1 AND copy.blob_id = blob.id OFFSET 0)
       AND NOT EXISTS (SELECT FROM placement WHERE placement.tenant_id = $1 AND placement.blob_id = blob.id OFFSET 0)`,
    [tenantId, uuidArray(fitting.map((row) => row.id))],
  );
  return { handled, free };
}

/** No foreign key guards the chunks, which are written by COPY. */
async function refuseLeftBytes(sql: Sql, blobIds: string[]): Promise<void> {
  const left = await sql.query('SELECT FROM blob_bytes WHERE blob_id = ANY ($1::uuid[]) LIMIT 1', [uuidArray(blobIds)]);
  if (left.length > 0) throw new Error('bytes are left of a blob that was deleted');
}
