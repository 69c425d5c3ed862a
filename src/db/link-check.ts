import { refreshActivities } from './activities/refresh';
import type { Database, Sql } from './database';
import { writeLinks } from './link-write';
import { matchDifferences } from './match-stored';
import { lockTenantForWriting } from './tenant-lock';
import { spreadReasons } from './thread-links/spread';
import { allMailRecord, refreshTimelines, tenantPrincipal } from './timeline-write';

/** A share of a source's copies, in the order of their hashes, which an index has. */
export interface CopyShare {
  tenantId: string;
  sourceId: string;
  /** Hex of the SHA-256 after which it goes on; null at the beginning. */
  after: string | null;
  limit: number;
}

/** How many messages of a share were not where they belong, and where the next share begins; null where there is none. */
export interface LinkChecked {
  mended: number;
  next: string | null;
}

/**
 * Finds recorded messages that are in no timeline although an address matches, or although a link stands, and puts them there. A share
 * that is as it should be is only read. While addresses are being matched anew nothing is looked at: what is missing is just being written.
 * Second run: finds nothing.
 */
export async function mendLinks(db: Database, check: CopyShare): Promise<LinkChecked> {
  const { tenantId } = check;
  const share = await db.inTenant(tenantId, async (sql) => {
    if (await rematchIsOpen(sql, tenantId)) return null;
    const copies = await nextCopies(sql, check);
    return { copies, lost: await lostMessages(sql, tenantId, copies) };
  });
  if (share === null) return { mended: 0, next: null };
  const { copies, lost } = share;
  const mended = lost.length === 0 ? 0 : await mend(db, tenantId, copies);
  const last = copies.at(-1);
  return { mended, next: last === undefined || copies.length < check.limit ? null : last.sha };
}

/** A copy of a share. */
export interface CheckedCopy {
  id: string;
  messageId: string;
  sha: string;
}

/** Whether addresses of the tenant are being matched anew: links are just being written then. */
async function rematchIsOpen(sql: Sql, tenantId: string): Promise<boolean> {
  const open = await sql.query(
    `SELECT FROM operation WHERE tenant_id = $1 AND kind = 'rematch' AND state IN ('waiting', 'running') LIMIT 1`,
    [tenantId],
  );
  return open.length > 0;
}

/** Whether a job is just writing links or timelines of the tenant: addresses, readers, or what a deleted user hands over. */
export async function timelinesAreBeingWritten(sql: Sql, tenantId: string): Promise<boolean> {
  const open = await sql.query(
    `SELECT FROM operation WHERE tenant_id = $1 AND kind IN ('rematch', 'visibility') AND state IN ('waiting', 'running')
     UNION ALL SELECT FROM deletion WHERE tenant_id = $1 AND state NOT IN ('done', 'cancelled') AND jsonb_array_length(coalesce(plan -> 'refresh', '[]')) > 0
     LIMIT 1`,
    [tenantId],
  );
  return open.length > 0;
}

/** The copies of a share. */
export function nextCopies(sql: Sql, { tenantId, sourceId, after, limit }: CopyShare): Promise<CheckedCopy[]> {
  return sql.query<CheckedCopy>(
    `SELECT id, message_id AS "messageId", encode(raw_sha, 'hex') AS sha FROM copy
     WHERE tenant_id = $1 AND source_id = $2 AND raw_sha > decode($3, 'hex') ORDER BY raw_sha LIMIT $4`,
    [tenantId, sourceId, after ?? '', limit],
  );
}

/** The messages of these copies that lack a link although an address matches, or that are in no timeline although a link stands. */
export async function lostMessages(
  sql: Sql,
  tenantId: string,
  copies: Pick<CheckedCopy, 'id' | 'messageId'>[],
): Promise<string[]> {
  if (copies.length === 0) return [];
  const messageIds = [...new Set(copies.map(({ messageId }) => messageId))];
  const { missing } = await matchDifferences(sql, tenantId, messageIds);
  return [
    ...new Set([...missing.map(({ messageId }) => messageId), ...(await withoutTimeline(sql, tenantId, messageIds))]),
  ];
}

/** Of these messages, those that the tenant itself would not find: among all its mail, or at a record that they are linked to. */
async function withoutTimeline(sql: Sql, tenantId: string, messageIds: string[]): Promise<string[]> {
  const rows = await sql.query<{ message_id: string }>(
    `SELECT w.message_id FROM unnest($2::uuid[]) AS w(message_id)
     CROSS JOIN LATERAL (
       SELECT $3::uuid AS record_id UNION ALL
       SELECT record_id FROM link WHERE tenant_id = $1 AND message_id = w.message_id AND state = 'active' OFFSET 0
     ) AS due
     WHERE NOT EXISTS (
       SELECT FROM timeline t WHERE t.tenant_id = $1 AND t.message_id = w.message_id AND t.principal = $4 AND t.record_id = due.record_id)`,
    [tenantId, messageIds, allMailRecord, tenantPrincipal],
  );
  return rows.map(({ message_id }) => message_id);
}

/** Under the tenant's lock, where it is asked once more: what has just been written is not missing. */
function mend(db: Database, tenantId: string, copies: CheckedCopy[]): Promise<number> {
  return db.inTenant(tenantId, async (sql) => {
    await lockTenantForWriting(sql, tenantId);
    const messageIds = [...new Set(copies.map(({ messageId }) => messageId))];
    const { missing } = await matchDifferences(sql, tenantId, messageIds);
    await writeLinks(sql, tenantId, missing);
    const replies = await spreadReasons(sql, tenantId, [...new Set(missing.map(({ messageId }) => messageId))]);
    const lost = await lostAfter(sql, tenantId, messageIds);
    const changed = [...new Set([...lost, ...replies])];
    await refreshTimelines(sql, tenantId, changed);
    await refreshActivities(sql, tenantId, changed);
    return lost.length;
  });
}

/** With its links written, a message that is not where it belongs lacks rows of a timeline; one that went meanwhile belongs nowhere. */
async function lostAfter(sql: Sql, tenantId: string, messageIds: string[]): Promise<string[]> {
  const there = await sql.query<{ id: string }>(
    'SELECT id FROM message WHERE tenant_id = $1 AND id = ANY ($2::uuid[])',
    [tenantId, messageIds],
  );
  return withoutTimeline(
    sql,
    tenantId,
    there.map(({ id }) => id),
  );
}
