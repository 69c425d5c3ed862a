import type { Sql } from '../database';
import { partsOfThread } from '../thread-parts';
import { countStaged, type LinkRef, type LinkTask } from './link-task';
import { isAutomatic } from './reason-sql';

/** So many messages are written down in one transaction: mail that arrives meanwhile waits for it. */
const stagedAtOnce = 1_000;

/**
 * Notes which messages are in a thread now, for an operation that will change their links: their ids alone, since a long thread is written down message
 * by message in many transactions (`stageNext`). To be called under the tenant's lock. Returns how many.
 */
export async function noteThread(sql: Sql, { tenantId, operationId }: LinkRef, threadId: string): Promise<number> {
  const [row] = await sql.query<{ messages: number }>(
    `WITH noted AS (
       INSERT INTO link_staging (tenant_id, operation_id, n, message_ids)
       SELECT $1, $2, (n / $4)::integer, array_agg(id) FROM (
         SELECT id, row_number() OVER () - 1 AS n FROM message WHERE tenant_id = $1 AND thread_id = ANY (${partsOfThread('$3::uuid')})) m
       GROUP BY n / $4 RETURNING cardinality(message_ids) AS messages)
     SELECT coalesce(sum(messages), 0)::integer AS messages FROM noted`,
    [tenantId, operationId, threadId, stagedAtOnce],
  );
  return row?.messages ?? 0;
}

/** Notes how much an operation has to do, and writes down the first share of it. To be called in the transaction that writes the operation. */
export async function beginStaging(
  sql: Sql,
  ref: LinkRef,
  { task, messages }: { task: LinkTask; messages: number },
): Promise<void> {
  await sql.execute('UPDATE operation SET total = $3 WHERE tenant_id = $1 AND id = $2', [
    ref.tenantId,
    ref.operationId,
    messages,
  ]);
  await stageNext(sql, ref, task);
}

/**
 * Writes down the next of what an operation will change (at most a thousand messages); with the last of it, how much it is.
 * To be called under the tenant's lock. Returns the task as it stands now. Second run: the share after it.
 */
export async function stageNext(sql: Sql, ref: LinkRef, task: LinkTask): Promise<LinkTask> {
  if (task.staging === null) return task;
  const { more, byRules } =
    task.staging.of === 'thread' ? await ofThread(sql, ref, task) : await ofUndone(sql, ref, task);
  const suppresses = task.suppresses || (task.does === 'unlink' && byRules);
  const staged: LinkTask = { ...task, suppresses, staging: more ? task.staging : null };
  await sql.execute('UPDATE operation SET task = $3 WHERE tenant_id = $1 AND id = $2', [
    ref.tenantId,
    ref.operationId,
    JSON.stringify(staged),
  ]);
  if (!more) await countStaged(sql, ref);
  return staged;
}

interface Staged {
  more: boolean;
  /** Whether rules had linked any of these, or a person keeps it away already. */
  byRules: boolean;
}

/** A person links what they may see; what they take away goes from all of the thread. Whose record is no more is linked to nothing. */
async function ofThread(sql: Sql, { tenantId, operationId }: LinkRef, { thread, staging }: LinkTask): Promise<Staged> {
  const [row] = await sql.query<{ by_rules: boolean; more: boolean }>(
    `WITH next AS MATERIALIZED (
       DELETE FROM link_staging WHERE tenant_id = $1 AND operation_id = $2
         AND n = (SELECT min(n) FROM link_staging WHERE tenant_id = $1 AND operation_id = $2) RETURNING n, message_ids
     ), pairs AS MATERIALIZED (
       SELECT m.id AS message_id, t.record_id FROM next CROSS JOIN LATERAL unnest(next.message_ids) AS w(id)
       CROSS JOIN LATERAL (SELECT id FROM message WHERE tenant_id = $1 AND id = w.id OFFSET 0) m
       JOIN thread_link t ON t.tenant_id = $1 AND t.id = $3
       WHERE $4::integer[] IS NULL OR EXISTS (
         SELECT FROM readable_timeline r WHERE r.tenant_id = $1 AND r.message_id = m.id AND r.principal = ANY ($4::integer[]))
     ), staged AS (
       INSERT INTO link_change (tenant_id, operation_id, message_id, record_id)
       SELECT $1, $2, message_id, record_id FROM pairs ON CONFLICT DO NOTHING
     )
     SELECT EXISTS (
         SELECT FROM pairs p CROSS JOIN LATERAL (
           SELECT id FROM link WHERE tenant_id = $1 AND message_id = p.message_id AND record_id = p.record_id OFFSET 0) l
         JOIN link_reason r ON r.tenant_id = $1 AND r.link_id = l.id AND (${isAutomatic('r')} OR r.key LIKE 'unlinked:%')) AS by_rules,
       (SELECT count(*) FROM link_staging WHERE tenant_id = $1 AND operation_id = $2) > 1 AS more`,
    [tenantId, operationId, thread?.linkId, staging?.seenBy ?? null],
  );
  return { more: row?.more === true, byRules: row?.by_rules === true };
}

async function ofUndone(sql: Sql, { tenantId, operationId }: LinkRef, { undoes }: LinkTask): Promise<Staged> {
  const staged = await sql.execute(
    `INSERT INTO link_change (tenant_id, operation_id, message_id, record_id)
     SELECT $1, $2, c.message_id, c.record_id FROM link_change c
     WHERE c.tenant_id = $1 AND c.operation_id = $3 AND (c.message_id, c.record_id) > (
       SELECT message_id, record_id FROM (
         (SELECT message_id, record_id FROM link_change WHERE tenant_id = $1 AND operation_id = $2 ORDER BY message_id DESC, record_id DESC LIMIT 1)
         UNION ALL SELECT $4::uuid, $4::uuid) last LIMIT 1)
     ORDER BY c.message_id, c.record_id LIMIT $5`,
    [tenantId, operationId, undoes, beforeAll, stagedAtOnce],
  );
  return { more: staged === stagedAtOnce, byRules: false };
}

const beforeAll = '00000000-0000-0000-0000-000000000000';
