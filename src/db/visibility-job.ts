import { refreshActivities } from './activities/refresh';
import type { Database, Sql } from './database';
import { refreshDirections } from './directions';
import { newUuid } from './new-id';
import { lockTenantForWriting } from './tenant-lock';
import { partsOfThread } from './thread-parts';
import { walkThread } from './thread-walk';
import { everybodyPrincipal, refreshTimelines } from './timeline-write';
import {
  countMail,
  messagesOf,
  messagesOfSource,
  visibilityTask,
  type ChangedMail,
  type VisibilityTask,
} from './visibility-mail';

/** What has changed, as it is told to `queueVisibility`. */
export interface ReadersChange {
  mail: ChangedMail;
  /** Users who may read less than before; from the commit on, whatever is still written of them. Who was in the scope of a record is found. */
  narrowedUserIds: string[];
}

/** A job that tells anew who may read stored mail, and how many messages it will look at. */
export interface QueuedVisibility {
  operationId: string;
  messages: number;
}

interface JobRef {
  tenantId: string;
  operationId: string;
}

/**
 * Writes the job that tells anew who may read this mail, which is to be run after the commit; null where there is no such mail. To be called
 * in the transaction that changes the owner, the members or the addresses: what it takes away nobody reads from its commit on, because rows of
 * those users are asked until the job has ended; what it gives comes with the job.
 */
export async function queueVisibility(
  sql: Sql,
  tenantId: string,
  { mail, narrowedUserIds }: ReadersChange,
): Promise<QueuedVisibility | null> {
  const changed = await withMail(sql, tenantId, mail);
  const messages = changed === null ? 0 : await countMail(sql, tenantId, changed);
  if (changed === null || messages === 0) return null;
  const operationId = newUuid();
  const task: VisibilityTask = { ...changed, after: null, closing: narrowedUserIds.length > 0 && closes(changed) };
  await sql.execute(
    `INSERT INTO operation (tenant_id, id, kind, source_id, state, total, task) VALUES ($1, $2, 'visibility', $3, 'waiting', $4, $5)`,
    [tenantId, operationId, changed.of === 'source' ? changed.sourceId : null, messages, JSON.stringify(task)],
  );
  await narrowReaders(sql, tenantId, { operationId, mail: changed, narrowedUserIds });
  return { operationId, messages };
}

/**
 * Has the rows of those who may read less of this mail asked one by one until the job has ended: these users, and whoever is found. To be called in
 * the transaction of the change, which holds the job. Second run: no change.
 */
export async function narrowReaders(
  sql: Sql,
  tenantId: string,
  { operationId, mail, narrowedUserIds }: ReadersChange & { operationId: string },
): Promise<void> {
  await sql.execute(
    `INSERT INTO narrowed_reader (tenant_id, principal, operation_id)
     SELECT $1::uuid, principal, $2::uuid FROM app_user WHERE tenant_id = $1 AND id = ANY ($3::uuid[])
     UNION SELECT $1::uuid, principal, $2::uuid FROM unnest($4::integer[]) AS principal
     ON CONFLICT DO NOTHING`,
    [tenantId, operationId, narrowedUserIds, await othersNarrowed(sql, tenantId, mail)],
  );
}

/**
 * Writes the job that gives all copies of a source this level for others, also those that were recorded before; jobs of an earlier wish for the
 * same end where they are. A source without mail has one too, which is done.
 */
export async function applyVisibility(
  sql: Sql,
  tenantId: string,
  { sourceId, level }: { sourceId: string; level: number },
): Promise<QueuedVisibility> {
  await sql.execute(
    `UPDATE operation SET state = 'superseded', finished_at = now(), task = NULL
     WHERE tenant_id = $1 AND source_id = $2 AND kind = 'visibility' AND state IN ('waiting', 'running') AND task ? 'level'`,
    [tenantId, sourceId],
  );
  const mail = { of: 'source' as const, sourceId, level };
  const messages = await countMail(sql, tenantId, mail);
  const operationId = newUuid();
  const task: VisibilityTask = { ...mail, after: null, closing: false };
  await sql.execute(
    `INSERT INTO operation (tenant_id, id, kind, source_id, state, total, task) VALUES ($1, $2, 'visibility', $3, 'waiting', $4, $5)`,
    [tenantId, operationId, sourceId, messages, JSON.stringify(task)],
  );
  return { operationId, messages };
}

/** Of many records that were written most have no mail: the task names those that have. Null where none has. */
async function withMail(sql: Sql, tenantId: string, mail: ChangedMail): Promise<ChangedMail | null> {
  if (mail.of !== 'records') return mail;
  const rows = await sql.query<{ id: string }>(
    `SELECT w.id FROM (SELECT DISTINCT unnest($2::uuid[]) AS id) AS w CROSS JOIN LATERAL (
       SELECT FROM link WHERE tenant_id = $1 AND record_id = w.id LIMIT 1) AS l ORDER BY w.id`,
    [tenantId, mail.recordIds],
  );
  return rows.length === 0 ? null : { ...mail, recordIds: rows.map((row) => row.id) };
}

/** Whether the rows of who lost a source or an address are deleted first: of records and threads only the telling knows them. */
function closes(mail: ChangedMail): boolean {
  return mail.of === 'source' || mail.of === 'addresses';
}

/**
 * Everybody, and each team and user, with rows at a record that is deleted, or restricted and not to them: they may have lost its mail. Of a thread
 * whoever reads any of its mail, or may. Found by one look at the index for each of them.
 */
async function othersNarrowed(sql: Sql, tenantId: string, mail: ChangedMail): Promise<number[]> {
  if (mail.of === 'thread') return narrowedOfThread(sql, tenantId, mail.threadId);
  if (mail.of !== 'records') return [];
  const rows = await sql.query<{ principal: number }>(readersOfClosed, [tenantId, mail.recordIds]);
  return rows.map((row) => row.principal);
}

/** Of longer threads nobody looks through all rows while the tenant's mail waits. */
const readThroughAtMost = 2_000;

async function narrowedOfThread(sql: Sql, tenantId: string, threadId: string): Promise<number[]> {
  const { next } = await walkThread(sql, tenantId, { threadId, after: null, limit: readThroughAtMost });
  const rows = await sql.query<{ principal: number }>(
    next === null ? readersOfThread : audienceOfTenant,
    next === null ? [tenantId, threadId] : [tenantId],
  );
  return rows.map((row) => row.principal);
}

const readersOfThread = `SELECT DISTINCT t.principal FROM message m
  CROSS JOIN LATERAL (SELECT principal FROM timeline WHERE tenant_id = $1 AND message_id = m.id AND principal >= 0 OFFSET 0) t
  WHERE m.tenant_id = $1 AND m.thread_id = ANY (${partsOfThread('$2::uuid')})`;

/** Everybody who may read mail for no reason of their own but through records: others lose nothing by what is said of a thread. */
const audienceOfTenant = `WITH RECURSIVE scoped (principal) AS (
  SELECT (SELECT principal FROM record_scope WHERE tenant_id = $1 ORDER BY principal LIMIT 1)
  UNION ALL SELECT (SELECT s.principal FROM record_scope s WHERE s.tenant_id = $1 AND s.principal > scoped.principal ORDER BY s.principal LIMIT 1)
  FROM scoped WHERE scoped.principal IS NOT NULL
)
SELECT principal FROM scoped WHERE principal IS NOT NULL UNION SELECT ${String(everybodyPrincipal)}`;

const readersOfClosed = `WITH RECURSIVE walk (record_id, principal) AS (
  SELECT r.id, (SELECT t.principal FROM timeline t WHERE t.record_id = r.id AND t.tenant_id = $1 AND t.principal >= 0 ORDER BY t.principal LIMIT 1)
  FROM record r WHERE r.tenant_id = $1 AND r.id = ANY ($2::uuid[]) AND (r.restricted OR r.deleted_at IS NOT NULL)
  UNION ALL
  SELECT w.record_id, (SELECT t.principal FROM timeline t WHERE t.record_id = w.record_id AND t.tenant_id = $1 AND t.principal > w.principal ORDER BY t.principal LIMIT 1)
  FROM walk w WHERE w.principal IS NOT NULL
)
SELECT DISTINCT w.principal FROM walk w JOIN record r ON r.tenant_id = $1 AND r.id = w.record_id WHERE w.principal IS NOT NULL
  AND (r.deleted_at IS NOT NULL
    OR NOT EXISTS (SELECT FROM record_scope s WHERE s.tenant_id = $1 AND s.record_id = w.record_id AND s.principal = w.principal))`;

/** What became of a chunk of a job: `none` where it has ended, or is none of this kind. */
export type VisibilityStep = 'more' | 'done' | 'none';

/**
 * Tells the next messages of a job anew, at most `limit`, and notes how far it is, in one transaction under the tenant's lock; with the last of
 * them it is done, and the rows of those who lost something are as good as those of others. Second run: the next chunk.
 */
export async function visibilityChunk(db: Database, ref: JobRef, limit: number): Promise<VisibilityStep> {
  const { tenantId, operationId } = ref;
  return db.inTenant<VisibilityStep>(tenantId, async (sql) => {
    await lockTenantForWriting(sql, tenantId);
    const [job] = await sql.query<{ task: unknown }>(
      `SELECT task FROM operation WHERE tenant_id = $1 AND id = $2 AND kind = 'visibility' AND state IN ('waiting', 'running') FOR UPDATE`,
      [tenantId, operationId],
    );
    if (job === undefined) return 'none';
    const task = visibilityTask.parse(job.task);
    if (task.closing && !(await closeNext(sql, ref, { task, limit: limit * closedPerTold }))) return 'more';
    const from = task.closing ? { ...task, after: null } : task;
    const { messageIds, next } = await messagesOf(sql, tenantId, { task: from, limit });
    if (from.of === 'source' && from.level !== undefined)
      await applyLevel(sql, tenantId, { ...from, messageIds, level: from.level });
    if (from.of === 'addresses') await refreshDirections(sql, tenantId, messageIds);
    await refreshTimelines(sql, tenantId, messageIds);
    await refreshActivities(sql, tenantId, messageIds);
    if (next === null) await finish(sql, ref);
    else await sql.execute(goesOn, [tenantId, operationId, messageIds.length, next]);
    return next === null ? 'done' : 'more';
  });
}

/** What the policy says now for mail that was recorded before. */
async function applyLevel(
  sql: Sql,
  tenantId: string,
  to: { sourceId: string; messageIds: string[]; level: number },
): Promise<void> {
  await sql.execute(
    `UPDATE copy SET visibility = $4 WHERE tenant_id = $1 AND message_id = ANY ($2::uuid[]) AND source_id = $3 AND visibility <> $4`,
    [tenantId, to.messageIds, to.sourceId, to.level],
  );
}

/** Closing a message costs a small part of telling it anew. */
const closedPerTold = 5;

/**
 * Deletes the rows of those who lost something and have no reason left to read these messages; so whoever lost a big mailbox does not page
 * through it until the job has ended. Returns whether all mail of the job is through.
 */
async function closeNext(
  sql: Sql,
  { tenantId, operationId }: JobRef,
  from: { task: VisibilityTask; limit: number },
): Promise<boolean> {
  const { messageIds, next } = await messagesOf(sql, tenantId, from);
  await sql.execute(closeLost, [tenantId, operationId, messageIds]);
  await sql.execute(
    `UPDATE operation SET state = 'running', started_at = coalesce(started_at, now()),
       task = task || jsonb_build_object('after', $3::text, 'closing', $3::text IS NOT NULL) WHERE tenant_id = $1 AND id = $2`,
    [tenantId, operationId, next],
  );
  return next === null;
}

// The rules of timeline-write.ts for who reads a message at all. What only a record hides from them is left to the telling.
const closeLost = `WITH narrowed AS MATERIALIZED (
  SELECT u.id, u.principal FROM narrowed_reader n JOIN app_user u ON u.tenant_id = $1 AND u.principal = n.principal
  WHERE n.tenant_id = $1 AND n.operation_id = $2
), held AS MATERIALIZED (
  SELECT n.principal, s.id AS source_id FROM narrowed n JOIN source s ON s.tenant_id = $1 AND s.owner_user_id = n.id
  UNION SELECT n.principal, m.source_id FROM narrowed n JOIN source_member m ON m.tenant_id = $1 AND m.user_id = n.id
), theirs AS MATERIALIZED (
  SELECT n.principal, a.address_key FROM narrowed n JOIN user_address a ON a.tenant_id = $1 AND a.user_id = n.id
), copies AS MATERIALIZED (
  SELECT w.message_id, c.id, c.source_id FROM unnest($3::uuid[]) AS w(message_id)
  CROSS JOIN LATERAL (SELECT id, source_id FROM copy WHERE tenant_id = $1 AND message_id = w.message_id OFFSET 0) c
), readers AS MATERIALIZED (
  SELECT c.message_id, h.principal FROM copies c JOIN held h USING (source_id)
  UNION
  SELECT c.message_id, a.principal FROM copies c CROSS JOIN LATERAL (
    SELECT address_key FROM copy_address WHERE tenant_id = $1 AND copy_id = c.id AND role IN ('from', 'to', 'cc') OFFSET 0
  ) ca JOIN theirs a USING (address_key)
)
DELETE FROM timeline t WHERE t.tenant_id = $1 AND t.message_id = ANY ($3::uuid[])
  AND t.principal = ANY (ARRAY(SELECT principal FROM narrowed))
  AND NOT EXISTS (SELECT FROM readers r WHERE r.message_id = t.message_id AND r.principal = t.principal)
  AND (t.principal <> ALL (ARRAY(SELECT s.principal FROM narrowed n JOIN record_scope s ON s.tenant_id = $1 AND s.principal = n.principal))
    OR level_still_read(t.record_id, t.principal, t.message_id) IS NULL)`;

const goesOn = `UPDATE operation SET state = 'running', started_at = coalesce(started_at, now()), done = least(done + $3, total),
    task = jsonb_set(task, '{after}', to_jsonb($4::text)) WHERE tenant_id = $1 AND id = $2`;

async function finish(sql: Sql, { tenantId, operationId }: JobRef): Promise<void> {
  await sql.execute(
    `UPDATE operation SET state = 'done', started_at = coalesce(started_at, now()), finished_at = now(), done = coalesce(total, done), task = NULL
     WHERE tenant_id = $1 AND id = $2`,
    [tenantId, operationId],
  );
  await sql.execute('DELETE FROM narrowed_reader WHERE tenant_id = $1 AND operation_id = $2', [tenantId, operationId]);
}

const messagesPerTransaction = 500;

/** Does a job here and now, to its end. Second run, or beside another: no change. */
export async function runVisibility(db: Database, ref: JobRef): Promise<void> {
  while ((await visibilityChunk(db, ref, messagesPerTransaction)) === 'more');
}

/**
 * Tells the next mail of a source anew, for a job of another kind whose part it is, in a transaction that holds the tenant's lock. Returns where
 * it goes on, or null where that was all. Second run: no change.
 */
export async function retellSource(
  sql: Sql,
  tenantId: string,
  from: { sourceId: string; after: string | null; limit: number },
): Promise<string | null> {
  const limit = Math.min(from.limit, messagesPerTransaction);
  const { messageIds, next } = await messagesOfSource(sql, tenantId, { ...from, limit });
  await refreshTimelines(sql, tenantId, messageIds);
  await refreshActivities(sql, tenantId, messageIds);
  return next;
}

/** The owner and the members of a source: whoever reads its copies. */
export async function holdersOf(sql: Sql, tenantId: string, sourceId: string): Promise<string[]> {
  const rows = await sql.query<{ user_id: string }>(
    `SELECT owner_user_id AS user_id FROM source WHERE tenant_id = $1 AND id = $2 AND owner_user_id IS NOT NULL
     UNION SELECT user_id FROM source_member WHERE tenant_id = $1 AND source_id = $2`,
    [tenantId, sourceId],
  );
  return rows.map((row) => row.user_id);
}
