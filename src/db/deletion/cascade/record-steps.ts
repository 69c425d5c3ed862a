import { publicId } from '../../../domain/ids';
import { leaveRecord } from '../../activities/leave';
import { leaveNotesOfRecord } from '../../activities/note-leave';
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
export const tablesOfRecord: readonly string[] = [
  'link',
  ...besideLinks,
  'activity_party',
  'activity_note_record',
  'record',
];

/** Timelines of so many messages are told anew by one transaction. */
const mostMessages = 1_000;
const notesAtOnce = 5_000;

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
        `${partsOf} SELECT count(*) AS count FROM parts JOIN link ON tenant_id = $1 AND record_id = parts.id`,
        values,
      );
      return row?.count ?? 0;
    },
    next: async (db) => {
      const recordId = await db.inTenant(tenantId, (sql) => innermost(sql, cascade));
      const part = { ...cascade, targetId: recordId };
      const rows =
        (await deleteLinks(db, part, Math.min(chunkRows, mostMessages))) ||
        (await leaveActivities(db, part)) ||
        (await leaveNotes(db, part)) ||
        (await deleteBeside(db, part));
      return rows > 0 || recordId === targetId ? rows : deletePart(db, part);
    },
    look: async (sql) => (await carried(sql)).left,
    last: (sql) => deleteRecordRow(sql, cascade),
    verify: carried,
  };
}

/** The record, and all that was merged into it, over however many merges. */
const partsOf = `WITH RECURSIVE parts AS (
  SELECT $2::uuid AS id, 0 AS depth
  UNION ALL SELECT r.id, parts.depth + 1 FROM parts JOIN record r ON r.tenant_id = $1 AND r.merged_into = parts.id
)`;

async function innermost(sql: Sql, { tenantId, targetId }: Cascade): Promise<string> {
  const [row] = await sql.query<{ id: string }>(`${partsOf} SELECT id FROM parts ORDER BY depth DESC, id LIMIT 1`, [
    tenantId,
    targetId,
  ]);
  return row?.id ?? targetId;
}

/** A record that was a part of the one that is deleted. */
function deletePart(db: Database, part: Cascade): Promise<number> {
  return db.inTenant(part.tenantId, async (sql) => {
    await noteStep(sql, part, { counts: await deleteRecordRow(sql, part) });
    return 1;
  });
}

/** With what says its id: answers to repeated requests, and lines of uploads that were refused. */
async function deleteRecordRow(sql: Sql, { tenantId, targetId }: Cascade): Promise<RowCounts> {
  const shown = [tenantId, publicId('record', targetId)];
  return {
    idempotency_key: await sql.execute(
      `DELETE FROM idempotency_key WHERE tenant_id = $1 AND response::text LIKE '%' || $2 || '%'`,
      shown,
    ),
    record_upload_refusal: await sql.execute(
      `DELETE FROM record_upload_refusal WHERE tenant_id = $1 AND errors::text LIKE '%' || $2 || '%'`,
      shown,
    ),
    record: await sql.execute('DELETE FROM record WHERE tenant_id = $1 AND id = $2', [tenantId, targetId]),
  };
}

async function deleteLinks(db: Database, cascade: Cascade, limit: number): Promise<number> {
  const { tenantId, targetId } = cascade;
  return db.inTenant(tenantId, async (sql) => {
    await lockTenantForWriting(sql, tenantId);
    const links = await sql.query<{ id: string; message_id: string }>(
      `SELECT id, message_id FROM link WHERE tenant_id = $1 AND record_id = $2 LIMIT ${String(limit)}`,
      [tenantId, targetId],
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
      [tenantId, targetId, messageIds],
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

function leaveNotes(db: Database, cascade: Cascade): Promise<number> {
  const { tenantId, targetId } = cascade;
  return db.inTenant(tenantId, async (sql) => {
    await lockTenantForWriting(sql, tenantId);
    const notes = { recordId: targetId, limit: notesAtOnce };
    const { left, deleted } = await leaveNotesOfRecord(sql, tenantId, notes);
    const counts = { activity_note_record: left, activity_note: deleted };
    if (left > 0) await noteStep(sql, cascade, { counts });
    return left;
  });
}

async function deleteBeside(db: Database, cascade: Cascade): Promise<number> {
  const value = cascade.targetId;
  for (const table of besideLinks) {
    const rows = await deleteSome(db, cascade, { table, column: 'record_id', value });
    if (rows > 0) return rows;
  }
  return (
    (await deleteSome(db, cascade, { table: 'record_merge', column: 'into_record_id', value })) ||
    (await letGo(db, cascade, 'company_id')) ||
    letGo(db, cascade, 'intermediary_id')
  );
}

/** Whoever worked there, or came by it, stays without. */
function letGo(
  db: Database,
  { tenantId, targetId }: Cascade,
  column: 'company_id' | 'intermediary_id',
): Promise<number> {
  return db.inTenant(tenantId, (sql) =>
    sql.execute(
      `UPDATE record SET ${column} = NULL, version = version + 1, updated_at = now() WHERE tenant_id = $1 AND id = ANY (ARRAY(
         SELECT id FROM record WHERE tenant_id = $1 AND ${column} = $2 LIMIT 5000))`,
      [tenantId, targetId],
    ),
  );
}
