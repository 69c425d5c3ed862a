import { refreshActivities } from '../activities/refresh';
import type { Database, Sql } from '../database';
import { beforeMerges, livingRecord, waysOfRecords } from '../merges/merged-records';
import { linkAgain } from '../rematch';
import { lockTenantForWriting } from '../tenant-lock';
import { walkThread } from '../thread-walk';
import { refreshTimelines } from '../timeline-write';
import { linkPairs, restorePairs, takePairs, unlinkPairs } from './apply-links';
import { linkKinds, linkTask, type LinkPair, type LinkRef, type LinkTask } from './link-task';
import { isItsOwn } from './reason-sql';
import { replyGraph } from './reply-graph';
import { settleReplies } from './settle';
import { spreadTo } from './spread';
import { dropStaleReasons } from './stale-reasons';
import { stageNext } from './staging';
import { tellLinks, type LinkEvent } from './tell';

/** How far an operation on links is; `none` where it has ended. */
export type LinkStep = { kind: 'more' | 'done'; done: number; total: number } | { kind: 'none' };

/** Does the next share of an operation in a transaction of its own. Second run: the share after it. */
export function linkChunk(db: Database, ref: LinkRef, limit: number): Promise<LinkStep> {
  return db.inTenant(ref.tenantId, async (sql) => {
    await lockTenantForWriting(sql, ref.tenantId);
    return workChunk(sql, ref, limit);
  });
}

/**
 * Does the next share of an operation, at most `limit` messages: links, timelines, activities and events together, and how far it is. With the last
 * of them it is done. Whatever is killed when, it goes on with what has not been done. To be called under the tenant's lock.
 */
export async function workChunk(sql: Sql, ref: LinkRef, limit: number): Promise<LinkStep> {
  const { tenantId, operationId } = ref;
  const [job] = await sql.query<{ task: unknown; done: number; total: number }>(
    `SELECT task, done, coalesce(total, 0) AS total FROM operation
     WHERE tenant_id = $1 AND id = $2 AND kind = ANY ($3::text[]) AND state IN ('waiting', 'running') FOR UPDATE`,
    [tenantId, operationId, [...linkKinds]],
  );
  if (job === undefined) return { kind: 'none' };
  const task = await stageNext(sql, ref, linkTask.parse(job.task));
  if (task.staging !== null) return { kind: 'more', done: job.done, total: job.total };
  const taken = await takePairs(sql, ref, limit);
  await apply(sql, ref, {
    task,
    taken,
    pairs: task.does === 'undo' ? await untouchedSince(sql, ref, { task, pairs: taken }) : taken,
  });
  const done = job.done + taken.length;
  if (taken.length === limit) {
    await sql.execute(
      `UPDATE operation SET state = 'running', started_at = coalesce(started_at, now()), done = $3 WHERE tenant_id = $1 AND id = $2`,
      [tenantId, operationId, done],
    );
    return { kind: 'more', done, total: job.total };
  }
  const othersAfter = await passOnToOthers(sql, ref, task);
  if (othersAfter !== null) {
    await sql.execute(
      `UPDATE operation SET done = $3, task = task || jsonb_build_object('othersAfter', $4::text) WHERE tenant_id = $1 AND id = $2`,
      [tenantId, operationId, done, othersAfter],
    );
    return { kind: 'more', done, total: job.total };
  }
  await finish(sql, ref, task);
  return { kind: 'done', done, total: job.total };
}

const events: Record<LinkTask['does'], LinkEvent['type']> = {
  link: 'message.linked',
  unlink: 'message.unlinked',
  undo: 'message.links-restored',
};

/** Changes the links of these pairs; what people do not say any more of the thread goes from all that were taken up. */
async function apply(
  sql: Sql,
  ref: LinkRef,
  change: { task: LinkTask; taken: LinkPair[]; pairs: LinkPair[] },
): Promise<void> {
  const { tenantId, operationId } = ref;
  const { task, pairs } = change;
  if (change.taken.length === 0) return;
  const messageIds = [...new Set(change.taken.map(({ messageId }) => messageId))];
  const ways = await waysOfRecords(sql, tenantId, [...new Set(pairs.map(({ recordId }) => recordId))]);
  switch (task.does) {
    case 'link':
      await linkPairs(sql, tenantId, change);
      break;
    case 'unlink':
      await unlinkPairs(sql, tenantId, change);
      break;
    case 'undo':
      await beforeMerges(sql, tenantId, { ways, pairs, change: () => restorePairs(sql, tenantId, change) });
  }
  const dropped =
    task.thread === null ? [] : await dropStaleReasons(sql, tenantId, { thread: task.thread, messageIds });
  // Nobody looked at what rules say of a link while it was taken away.
  if (task.does !== 'unlink') await linkAgain(sql, tenantId, messageIds);
  const passed = await passOn(sql, ref, { task, messageIds });
  const changed = [...new Set([...messageIds, ...dropped, ...passed])];
  await refreshTimelines(sql, tenantId, changed);
  await refreshActivities(sql, tenantId, changed);
  const told = pairs.map(({ messageId, recordId }) => ({ messageId, recordId: livingRecord(ways, recordId) }));
  await tellLinks(sql, tenantId, { type: events[task.does], operationId, pairs: told });
}

/**
 * What becomes of other mail by a change. What a person does to a thread says nothing of single messages: replies are looked at where one of them had,
 * or has, a reason of its own, or was kept away from those of others.
 */
async function passOn(sql: Sql, ref: LinkRef, change: { task: LinkTask; messageIds: string[] }): Promise<string[]> {
  const { task, messageIds } = change;
  if (task.thread === null || task.does === 'undo') return settleReplies(sql, ref.tenantId, messageIds);
  return settleReplies(sql, ref.tenantId, await withOwnReasons(sql, ref, messageIds));
}

/** So many messages of a thread are asked in one transaction whether an operation has changed them. */
const othersLookedAt = 1_000;

/**
 * What a person does to the whole conversation comes also to mail that arrived meanwhile, or that they cannot see; and what people do not say any more of
 * it goes from there. Looks through the next messages of the thread; returns where it goes on, null where that was all.
 */
async function passOnToOthers(
  sql: Sql,
  { tenantId, operationId }: LinkRef,
  { thread, othersAfter }: LinkTask,
): Promise<string | null> {
  if (thread === null) return null;
  const page = { threadId: thread.id, after: othersAfter, limit: othersLookedAt };
  const { messageIds, next } = await walkThread(sql, tenantId, page);
  const others = await sql.query<{ id: string }>(
    `SELECT w.id FROM unnest($3::uuid[]) AS w(id) WHERE NOT EXISTS (
       SELECT FROM link_change c WHERE c.tenant_id = $1 AND c.operation_id = $2 AND c.message_id = w.id OFFSET 0) ORDER BY w.id`,
    [tenantId, operationId, messageIds],
  );
  const takers = others.map(({ id }) => id);
  if (takers.length === 0) return next;
  const dropped = await dropStaleReasons(sql, tenantId, { thread, messageIds: takers });
  const spread = await spreadTo(sql, tenantId, { graph: await replyGraph(sql, tenantId, takers), takers });
  const changed = [...new Set([...dropped, ...spread])];
  await refreshTimelines(sql, tenantId, changed);
  await refreshActivities(sql, tenantId, changed);
  return next;
}

async function withOwnReasons(sql: Sql, { tenantId, operationId }: LinkRef, messageIds: string[]): Promise<string[]> {
  const rows = await sql.query<{ id: string }>(
    `SELECT DISTINCT c.message_id AS id FROM link_change c
     WHERE c.tenant_id = $1 AND c.operation_id = $2 AND c.message_id = ANY ($3::uuid[]) AND (c.before -> 'reasons' @> '[{"key": "by-hand"}]'
       OR c.before ->> 'state' = 'suppressed' OR EXISTS (
       SELECT FROM link l JOIN link_reason r ON r.tenant_id = $1 AND r.link_id = l.id AND ${isItsOwn('r')}
       WHERE l.tenant_id = $1 AND l.message_id = c.message_id AND l.record_id = c.record_id))`,
    [tenantId, operationId, messageIds],
  );
  return rows.map(({ id }) => id);
}

/** Of what is to be undone, what nobody has changed since, also at a record that its record has become a part of. */
async function untouchedSince(
  sql: Sql,
  { tenantId, operationId }: LinkRef,
  { task, pairs }: { task: LinkTask; pairs: LinkPair[] },
): Promise<LinkPair[]> {
  const ways = await waysOfRecords(sql, tenantId, [...new Set(pairs.map(({ recordId }) => recordId))]);
  const same = [...ways].flatMap(([recordId, way]) =>
    [recordId, ...way.map(({ intoRecordId }) => intoRecordId)].map((at) => ({ recordId, at })),
  );
  return sql.query<LinkPair>(
    `SELECT c.message_id AS "messageId", c.record_id AS "recordId"
     FROM link_change c JOIN unnest($3::uuid[], $4::uuid[]) AS p(message_id, record_id) USING (message_id, record_id)
     WHERE c.tenant_id = $1 AND c.operation_id = $2 AND NOT EXISTS (
       SELECT FROM link_change later WHERE later.tenant_id = $1 AND later.message_id = c.message_id AND later.record_id IN (
           SELECT s.at FROM unnest($6::uuid[], $7::uuid[]) AS s(record_id, at) WHERE s.record_id = c.record_id)
         AND later.operation_id NOT IN ($2, $5) AND later.done_at > c.done_at)`,
    [
      tenantId,
      task.undoes,
      pairs.map(({ messageId }) => messageId),
      pairs.map(({ recordId }) => recordId),
      operationId,
      same.map(({ recordId }) => recordId),
      same.map(({ at }) => at),
    ],
  );
}

async function finish(sql: Sql, { tenantId, operationId }: LinkRef, { does, undoes }: LinkTask): Promise<void> {
  await sql.execute(
    `UPDATE operation SET state = 'done', started_at = coalesce(started_at, now()), finished_at = clock_timestamp(), done = $3::bigint, total = $3::bigint,
       result = jsonb_build_object('messages', $3::bigint, 'does', $4::text) WHERE tenant_id = $1 AND id = $2`,
    [tenantId, operationId, await doneOf(sql, { tenantId, operationId }), does],
  );
  if (undoes !== null) {
    await sql.execute(
      `UPDATE operation SET task = task || jsonb_build_object('undoneBy', $3::text) WHERE tenant_id = $1 AND id = $2`,
      [tenantId, undoes, operationId],
    );
  }
}

/** What was deleted meanwhile is no longer counted. */
async function doneOf(sql: Sql, { tenantId, operationId }: LinkRef): Promise<number> {
  const [row] = await sql.query<{ count: number }>(
    'SELECT count(*) AS count FROM link_change WHERE tenant_id = $1 AND operation_id = $2',
    [tenantId, operationId],
  );
  return row?.count ?? 0;
}
