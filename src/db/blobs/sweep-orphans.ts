import type { Database, Sql } from '../database';
import { deleteBlobs } from './blob-rows';

const pageSize = 2_000;
const beforeAll = '00000000-0000-0000-0000-000000000000';

interface Page {
  deleted: number;
  /** Where the next page begins, null where there is none. */
  next: string | null;
}

/** See BlobStore.sweepOrphans. Goes through the tenant's blobs in pages, each a short transaction. */
export async function sweepOrphans(db: Database, tenantId: string, graceMs: number): Promise<number> {
  let deleted = 0;
  for (let after: string | null = beforeAll; after !== null;) {
    const page: Page = await db.inTenant(tenantId, (sql) => sweepPage(sql, { after: after ?? beforeAll, graceMs }));
    deleted += page.deleted;
    after = page.next;
  }
  return deleted;
}

async function sweepPage(sql: Sql, { after, graceMs }: { after: string; graceMs: number }): Promise<Page> {
  const page = await sql.query<{ id: string }>(
    `SELECT id FROM blob WHERE id > $1 AND created_at < now() - $2 * interval '1 millisecond' ORDER BY id LIMIT $3`,
    [after, graceMs, pageSize],
  );
  const ids = page.map(({ id }) => id);
  const orphans = await lockedOrphans(sql, ids);
  const deleted = orphans.length === 0 ? 0 : await deleteBlobs(sql, orphans);
  return { deleted, next: page.length < pageSize ? null : (ids.at(-1) ?? null) };
}

/**
 * Two statements: a row that is being referred to at this moment is locked by its foreign key and skipped; one whose reference was committed
 * just before we got the lock is seen by the second statement. After that nobody can refer to it any more.
 */
async function lockedOrphans(sql: Sql, ids: string[]): Promise<string[]> {
  const unreferenced = `NOT EXISTS (SELECT FROM copy WHERE copy.tenant_id = blob.tenant_id AND copy.blob_id = blob.id)
    AND NOT EXISTS (SELECT FROM placement WHERE placement.tenant_id = blob.tenant_id AND placement.blob_id = blob.id)`;
  const candidates = await sql.query<{ id: string }>(
    `SELECT id FROM blob WHERE id = ANY ($1) AND ${unreferenced} FOR UPDATE SKIP LOCKED`,
    [ids],
  );
  if (candidates.length === 0) return [];
  const orphans = await sql.query<{ id: string }>(`SELECT id FROM blob WHERE id = ANY ($1) AND ${unreferenced}`, [
    candidates.map(({ id }) => id),
  ]);
  return orphans.map(({ id }) => id);
}
