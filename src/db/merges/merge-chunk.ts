import { z } from 'zod';

import { refreshActivities } from '../activities/refresh';
import type { Database, Sql } from '../database';
import { keysOfRecords } from '../record-keys';
import { queueRematch } from '../records-rematch';
import { queueRetelling } from '../retelling';
import { lockTenantForWriting } from '../tenant-lock';
import { settleReplies } from '../thread-links/settle';
import { refreshTimelines } from '../timeline-write';
import { joinLinks, partLinks } from './move-links';
import { partSince } from './part-since';
import { partScopes } from './undo-merge';

const mergeTask = z.object({
  part: z.enum(['links', 'since', 'company', 'intermediary']),
  /** The message or record after which it goes on. */
  after: z.string().nullable(),
});
type MergeTask = z.output<typeof mergeTask>;

/** An operation that merges records, or takes them apart. */
export interface MergeRef {
  tenantId: string;
  operationId: string;
}

/** What became of a share of it: the jobs are written, and to be started after the commit. `none`: it has ended. */
export type MergeStep =
  { kind: 'none' } | { kind: 'more' | 'done'; done: number; total: number; operationIds: string[] };

interface Merging {
  tenantId: string;
  operationId: string;
  kind: 'merge' | 'merge-undo';
  mergeId: string;
  recordId: string;
  intoRecordId: string;
  done: number;
  total: number;
  task: MergeTask;
}

/** What was done, and where it goes on; null: with the next part. */
interface Share {
  count: number;
  after: string | null;
  operationIds: string[];
}

/**
 * Does the next share of a merge, or of its undoing, in one transaction under the tenant's lock: the links of at most `limit` messages with
 * their reasons, or so many records whose company or intermediary it was; after the last one addresses are matched anew. Second run: the next
 * share.
 */
export async function mergeChunk(db: Database, ref: MergeRef, limit: number): Promise<MergeStep> {
  return db.inTenant<MergeStep>(ref.tenantId, async (sql) => {
    await lockTenantForWriting(sql, ref.tenantId);
    const merging = await readMerging(sql, ref);
    if (merging === null) {
      await endOrphan(sql, ref);
      return { kind: 'none' };
    }
    const share = await shareOf(sql, merging, limit);
    const next = nextTask(merging, share.after);
    const { operationIds } = share;
    if (next === null) operationIds.push(...(await finish(sql, merging)));
    else await goOn(sql, merging, { task: next, count: share.count });
    const done = merging.done + share.count;
    return { kind: next === null ? 'done' : 'more', done, total: Math.max(merging.total, done), operationIds };
  });
}

function shareOf(sql: Sql, merging: Merging, limit: number): Promise<Share> {
  switch (merging.task.part) {
    case 'links':
      return moveLinks(sql, merging, limit);
    case 'since':
      return giveBackSince(sql, merging, limit);
    case 'company':
    case 'intermediary':
      return moveRecords(sql, merging, limit);
  }
}

async function readMerging(sql: Sql, { tenantId, operationId }: MergeRef): Promise<Merging | null> {
  const [row] = await sql.query<Omit<Merging, 'task' | 'tenantId' | 'operationId'> & { task: unknown }>(
    `SELECT o.kind, o.done, o.total, o.task, m.id AS "mergeId", m.record_id AS "recordId", m.into_record_id AS "intoRecordId"
     FROM operation o JOIN record_merge m ON m.tenant_id = $1 AND m.operation_id = o.id
     WHERE o.tenant_id = $1 AND o.id = $2 AND o.kind IN ('merge', 'merge-undo') AND o.state IN ('waiting', 'running') FOR UPDATE OF o`,
    [tenantId, operationId],
  );
  return row === undefined ? null : { ...row, tenantId, operationId, task: mergeTask.parse(row.task) };
}

/** One of the records was erased meanwhile, and the merge with it. */
async function endOrphan(sql: Sql, { tenantId, operationId }: MergeRef): Promise<void> {
  await sql.execute(
    `UPDATE operation SET state = 'failed', finished_at = now(), task = NULL, error = '{"code": "record-erased"}'
     WHERE tenant_id = $1 AND id = $2 AND kind IN ('merge', 'merge-undo') AND state IN ('waiting', 'running')`,
    [tenantId, operationId],
  );
}

const partsOf: Record<Merging['kind'], readonly MergeTask['part'][]> = {
  merge: ['links', 'company', 'intermediary'],
  'merge-undo': ['links', 'since', 'company', 'intermediary'],
};

function nextTask({ kind, task: { part } }: Merging, after: string | null): MergeTask | null {
  if (after !== null) return { part, after };
  const parts = partsOf[kind];
  const following = parts[parts.indexOf(part) + 1];
  return following === undefined ? null : { part: following, after: null };
}

const beforeAll = '00000000-0000-0000-0000-000000000000';
const statesOf = { merge: ['active', 'suppressed'], 'merge-undo': ['merged', 'merged-suppressed'] };

async function moveLinks(sql: Sql, merging: Merging, limit: number): Promise<Share> {
  const { tenantId, recordId, kind, task } = merging;
  const rows = await sql.query<{ message_id: string }>(
    `SELECT message_id FROM link WHERE tenant_id = $1 AND record_id = $2 AND message_id > $3 AND state = ANY ($4::text[])
     ORDER BY record_id, message_id LIMIT $5`,
    [tenantId, recordId, task.after ?? beforeAll, statesOf[kind], limit],
  );
  const messageIds = rows.map((row) => row.message_id);
  if (messageIds.length > 0) {
    await (kind === 'merge' ? joinLinks : partLinks)(sql, merging, messageIds);
    const settled = await settleReplies(sql, tenantId, messageIds);
    const touched = [...new Set([...messageIds, ...settled])];
    await refreshTimelines(sql, tenantId, touched);
    await refreshActivities(sql, tenantId, touched);
  }
  const after = rows.length < limit ? null : (messageIds.at(-1) ?? null);
  return { count: messageIds.length, after, operationIds: [] };
}

/** Of an undoing: mail that came meanwhile. */
async function giveBackSince(sql: Sql, merging: Merging, limit: number): Promise<Share> {
  const { tenantId, task } = merging;
  const { messageIds, changedIds } = await partSince(sql, merging, { after: task.after ?? beforeAll, limit });
  await refreshTimelines(sql, tenantId, changedIds);
  await refreshActivities(sql, tenantId, changedIds);
  return { count: 0, after: messageIds.length < limit ? null : (messageIds.at(-1) ?? null), operationIds: [] };
}

/** Records whose company or intermediary it was have the other now, or have it again where nobody gave them a third meanwhile. */
async function moveRecords(sql: Sql, merging: Merging, limit: number): Promise<Share> {
  const { tenantId, kind, task } = merging;
  const field = task.part === 'intermediary' ? 'intermediary' : 'company';
  const moved =
    kind === 'merge'
      ? await giveRecords(sql, merging, { field, limit })
      : await takeRecords(sql, merging, { field, limit });
  const recordIds = moved.map(({ id }) => id);
  const retelling = await queueRetelling(sql, tenantId, { recordIds });
  const rematch =
    field === 'company' ? await queueRematch(sql, tenantId, await keysOfRecords(sql, tenantId, recordIds)) : null;
  const operationIds = [retelling, rematch].flatMap((job) => (job === null ? [] : [job.operationId]));
  return { count: 0, after: moved.length < limit ? null : (recordIds.at(-1) ?? null), operationIds };
}

async function giveRecords(
  sql: Sql,
  { tenantId, recordId, intoRecordId, mergeId }: Merging,
  { field, limit }: { field: 'company' | 'intermediary'; limit: number },
): Promise<{ id: string }[]> {
  const column = `${field}_id`;
  return sql.query<{ id: string }>(
    `WITH next AS MATERIALIZED (
       SELECT id FROM record WHERE tenant_id = $1 AND ${column} = $2 AND id <> $3 ORDER BY id LIMIT $5
     ), noted AS (
       INSERT INTO record_merge_dependent (tenant_id, merge_id, record_id, field) SELECT $1, $4, id, '${field}' FROM next ON CONFLICT DO NOTHING
     )
     UPDATE record r SET ${column} = $3, version = r.version + 1, updated_at = now() FROM next
     WHERE r.tenant_id = $1 AND r.id = next.id RETURNING r.id`,
    [tenantId, recordId, intoRecordId, mergeId, limit],
  );
}

async function takeRecords(
  sql: Sql,
  { tenantId, recordId, intoRecordId, mergeId }: Merging,
  { field, limit }: { field: 'company' | 'intermediary'; limit: number },
): Promise<{ id: string }[]> {
  const column = `${field}_id`;
  return sql.query<{ id: string }>(
    `WITH next AS MATERIALIZED (
       DELETE FROM record_merge_dependent WHERE tenant_id = $1 AND merge_id = $4 AND field = '${field}' AND record_id = ANY (ARRAY(
         SELECT record_id FROM record_merge_dependent WHERE tenant_id = $1 AND merge_id = $4 AND field = '${field}' LIMIT $5))
       RETURNING record_id
     ), given AS (
       UPDATE record r SET ${column} = $2, version = r.version + 1, updated_at = now() FROM next
       WHERE r.tenant_id = $1 AND r.id = next.record_id AND r.${column} = $3
     )
     SELECT record_id AS id FROM next`,
    [tenantId, recordId, intoRecordId, mergeId, limit],
  );
}

async function goOn(
  sql: Sql,
  { tenantId, operationId }: Merging,
  to: { task: MergeTask; count: number },
): Promise<void> {
  await sql.execute(
    `UPDATE operation SET state = 'running', started_at = coalesce(started_at, now()), done = least(done + $3, total), task = $4
     WHERE tenant_id = $1 AND id = $2`,
    [tenantId, operationId, to.count, JSON.stringify(to.task)],
  );
}

/** Matches the addresses of both anew: mail that came meanwhile, and what the policies say of the record that has them now. */
async function finish(sql: Sql, merging: Merging): Promise<string[]> {
  const { tenantId, operationId, mergeId, recordId, intoRecordId, kind } = merging;
  await sql.execute(
    `UPDATE operation SET state = 'done', started_at = coalesce(started_at, now()), finished_at = now(), done = coalesce(total, done), task = NULL,
       result = $3 WHERE tenant_id = $1 AND id = $2`,
    [tenantId, operationId, JSON.stringify({ links: merging.total })],
  );
  await sql.execute(
    kind === 'merge'
      ? `UPDATE record_merge SET state = 'merged' WHERE tenant_id = $1 AND id = $2`
      : `UPDATE record_merge SET state = 'undone', undone_at = now() WHERE tenant_id = $1 AND id = $2`,
    [tenantId, mergeId],
  );
  const isShownToOthers = kind === 'merge-undo' && (await partScopes(sql, tenantId, mergeId));
  const jobs = [
    await queueRematch(sql, tenantId, await keysOfRecords(sql, tenantId, [recordId, intoRecordId])),
    await queueRetelling(sql, tenantId, { recordIds: isShownToOthers ? [intoRecordId] : [] }),
  ];
  return jobs.flatMap((job) => (job === null ? [] : [job.operationId]));
}
