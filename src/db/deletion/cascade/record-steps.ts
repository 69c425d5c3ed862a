import { publicId } from '../../../domain/ids';
import { leaveRecord } from '../../activities/leave';
import { refreshActivities } from '../../activities/refresh';
import type { Database, Sql } from '../../database';
import { lockTenantForWriting } from '../../tenant-lock';
import { refreshTimelines } from '../../timeline-write';
import { deleteChildren, readCatalogue } from '../catalogue';
import { noteStep, type RowCounts } from '../steps';
import { countCarried } from './carriers';
import type { CascadeSteps, StepOptions } from './cascade-steps';
import type { Cascade } from './cascades';
import { deleteSome } from './delete-some';

/** What carries a record beside its links, and is deleted by it. */
const besideLinks: readonly string[] = [
  'timeline',
  'record_address',
  'record_domain',
  'removed_link',
  'thread_link',
  'link_change',
  'record_scope',
  'record_merge_dependent',
  'record_merge',
];

/** Every table that the deletion of a record knows: a test compares it with the schema. */
export const tablesOfRecord: readonly string[] = ['link', ...besideLinks, 'activity_party', 'record'];

/** Timelines of so many messages are told anew by one transaction. */
const mostMessages = 1_000;

/**
 * How a record is deleted: its links, also those that a person took away, its place in timelines, its addresses. Messages stay; those that
 * nothing else links are unassigned from the same transaction on. Whoever worked there works for no company. What was merged into it goes with
 * it, the innermost first.
 */
export function recordSteps(cascade: Cascade, { chunkRows }: StepOptions): CascadeSteps {
  const { tenantId, targetId } = cascade;
  const values = [tenantId, targetId];
  const carried = (sql: Sql) => countCarried(sql, cascade, []);
  return {
    count: async (sql) => {
      const [row] = await sql.query<{ count: number }>(
        'SELECT count(*) AS count FROM link WHERE tenant_id = $1 AND record_id = $2',
        values,
      );
      return row?.count ?? 0;
    },
    next: async (db) =>
      (await deleteLinks(db, cascade, Math.min(chunkRows, mostMessages))) ||
      (await leaveActivities(db, cascade)) ||
      deleteBeside(db, cascade),
    look: async (sql) => (await carried(sql)).left,
    last: async (sql) => ({
      idempotency_key: await sql.execute(
        `DELETE FROM idempotency_key WHERE tenant_id = $1 AND response::text LIKE '%' || $2 || '%'`,
        [tenantId, publicId('record', targetId)],
      ),
      record: await sql.execute('DELETE FROM record WHERE tenant_id = $1 AND id = $2', values),
    }),
    verify: carried,
  };
}

async function deleteLinks(db: Database, cascade: Cascade, limit: number): Promise<number> {
  const { tenantId, targetId } = cascade;
  return db.inTenant(tenantId, async (sql) => {
    await lockTenantForWriting(sql, tenantId);
    const links = await sql.query<{ id: string; message_id: string }>(
      `SELECT id, message_id FROM link WHERE tenant_id = $1 AND record_id = $2 LIMIT ${String(limit)}`,
      [tenantId, recordId],
    );
    if (links.length === 0) return 0;
    const linkIds = links.map((link) => link.id);
    const messageIds = links.map((link) => link.message_id);
    const counts: Record<string, number> = {};
    for (const child of (await readCatalogue(sql)).link) {
      counts[child.name] = await deleteChildren(sql, tenantId, { child, parentIds: linkIds });
    }
    counts['timeline'] = await sql.execute(
      'DELETE FROM timeline WHERE tenant_id = $1 AND record_id = $2 AND message_id = ANY ($3::uuid[])',
      [tenantId, recordId, messageIds],
    );
    counts['link'] = await sql.execute('DELETE FROM link WHERE tenant_id = $1 AND id = ANY ($2::uuid[])', [
      tenantId,
      linkIds,
    ]);
    await refreshTimelines(sql, tenantId, messageIds);
    await refreshActivities(sql, tenantId, messageIds);
    await noteStep(sql, cascade, { counts, placements: links.length, kept: links.length });
    return links.length;
  });
}

function leaveActivities(db: Database, { tenantId, targetId }: Cascade): Promise<number> {
  return db.inTenant(tenantId, async (sql) => {
    await lockTenantForWriting(sql, tenantId);
    return leaveRecord(sql, tenantId, { recordId: targetId, limit: mostMessages });
  });
}

async function deleteBeside(db: Database, cascade: Cascade, recordId: string): Promise<number> {
  for (const table of besideLinks) {
    const rows = await deleteSome(db, cascade, { table, column: 'record_id', value: recordId });
    if (rows > 0) return rows;
  }
  const merges = await deleteSome(db, cascade, { table: 'record_merge', column: 'into_record_id', value: recordId });
  return (
    merges ||
    (await letGo(db, cascade, { recordId, column: 'company_id' })) ||
    letGo(db, cascade, { recordId, column: 'intermediary_id' })
  );
}

/** Whoever worked there, or came by it, stays without. */
function letGo(
  db: Database,
  { tenantId }: Cascade,
  { recordId, column }: { recordId: string; column: 'company_id' | 'intermediary_id' },
): Promise<number> {
  return db.inTenant(tenantId, (sql) =>
    sql.execute(
      `UPDATE record SET ${column} = NULL, version = version + 1, updated_at = now() WHERE tenant_id = $1 AND id = ANY (ARRAY(
         SELECT id FROM record WHERE tenant_id = $1 AND ${column} = $2 LIMIT 5000))`,
      [tenantId, recordId],
    ),
  );
}
