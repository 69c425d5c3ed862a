import { reasonKeys } from '../../domain/link-reasons';
import { uuidArray } from '../binary-array';
import type { Sql } from '../database';
import { isAutomatic, isOfConversation } from './reason-sql';
import type { LinkPair, LinkTask } from './link-task';
import { writeReasons } from './write-reasons';

interface Change {
  task: LinkTask;
  pairs: LinkPair[];
}

/** Of `link l`, those of the pairs $2, $3. */
const ofPairs = `unnest($2::uuid[], $3::uuid[]) AS p(message_id, record_id) WHERE l.tenant_id = $1 AND l.message_id = p.message_id AND l.record_id = p.record_id`;

function valuesOf(tenantId: string, pairs: LinkPair[]): unknown[] {
  const messageIds = uuidArray(pairs.map(({ messageId }) => messageId));
  return [tenantId, messageIds, uuidArray(pairs.map(({ recordId }) => recordId))];
}

/** Links messages for a person: also those that were taken away. Second run: no change. */
export async function linkPairs(sql: Sql, tenantId: string, { task, pairs }: Change): Promise<void> {
  const values = valuesOf(tenantId, pairs);
  const { kind, key } = reasonOf(task);
  const versions = await versionsOf(sql, tenantId, pairs);
  await writeReasons(
    sql,
    tenantId,
    pairs.flatMap((pair) => {
      const version = versions.get(pair.recordId);
      return version === undefined ? [] : [{ ...pair, kind, key, actor: task.actor, version }];
    }),
  );
  // What was said of the same thread before no longer holds, nor what took these away.
  const [linkId] = task.thread === null ? [] : [task.thread.linkId];
  const before = linkId === undefined ? [] : [reasonKeys.follow(linkId), reasonKeys.snapshot(linkId)];
  await sql.execute(
    `DELETE FROM link_reason r USING link l, ${ofPairs} AND r.tenant_id = $1 AND r.link_id = l.id
       AND (r.key = 'taken-away' OR r.key LIKE 'unlinked:%' OR r.key = ANY ($4::text[]))`,
    [...values, before.filter((old) => old !== key)],
  );
  await sql.execute(`UPDATE link l SET state = 'active' FROM ${ofPairs} AND l.state <> 'active'`, values);
}

function reasonOf({ thread }: LinkTask): { kind: 'person' | 'thread'; key: string } {
  if (thread === null) return { kind: 'person', key: reasonKeys.byHand };
  return thread.after?.mode === 'follow'
    ? { kind: 'thread', key: reasonKeys.follow(thread.linkId) }
    : { kind: 'person', key: reasonKeys.snapshot(thread.linkId) };
}

async function versionsOf(sql: Sql, tenantId: string, pairs: LinkPair[]): Promise<Map<string, number>> {
  const rows = await sql.query<{ id: string; version: number }>(
    'SELECT id, version FROM record WHERE tenant_id = $1 AND id = ANY ($2::uuid[])',
    [tenantId, [...new Set(pairs.map(({ recordId }) => recordId))]],
  );
  return new Map(rows.map(({ id, version }) => [id, version]));
}

/**
 * Takes links away for a person: what people had linked goes, and what would come again by itself stays as suppressed: a message that a rule or its
 * conversation brings, and of a thread that rules had linked every message. Second run: no change.
 */
export async function unlinkPairs(sql: Sql, tenantId: string, { task, pairs }: Change): Promise<void> {
  const values = valuesOf(tenantId, pairs);
  // Rules that link mail of a thread since it was taken away link it as they do its later mail.
  const single = task.thread === null ? await comingAgain(sql, values) : [];
  const left = task.suppresses ? pairs : single;
  await sql.execute(
    `DELETE FROM link_reason r USING link l, ${ofPairs} AND r.tenant_id = $1 AND r.link_id = l.id
       AND (r.key = 'by-hand' OR r.key LIKE 'snapshot:%' OR r.key LIKE 'follow:%')`,
    values,
  );
  const versions = await versionsOf(sql, tenantId, left);
  const key = task.thread === null ? reasonKeys.takenAway : reasonKeys.unlinked(task.thread.linkId);
  await writeReasons(
    sql,
    tenantId,
    left.flatMap((pair) => {
      const version = versions.get(pair.recordId);
      return version === undefined ? [] : [{ ...pair, kind: 'person' as const, key, actor: task.actor, version }];
    }),
  );
  if (left.length > 0)
    await sql.execute(
      `UPDATE link l SET state = 'suppressed' FROM ${ofPairs} AND l.state <> 'suppressed'`,
      valuesOf(tenantId, left),
    );
  await sql.execute(
    `DELETE FROM link l USING ${ofPairs} AND NOT EXISTS (SELECT FROM link_reason r WHERE r.tenant_id = $1 AND r.link_id = l.id)`,
    values,
  );
}

function comingAgain(sql: Sql, values: unknown[]): Promise<LinkPair[]> {
  return sql.query<LinkPair>(
    `SELECT l.message_id AS "messageId", l.record_id AS "recordId" FROM link l, ${ofPairs} AND EXISTS (
       SELECT FROM link_reason r WHERE r.tenant_id = $1 AND r.link_id = l.id AND (${isAutomatic('r')} OR ${isOfConversation('r')}))`,
    values,
  );
}

/**
 * Makes what people did to links again what it was before an operation. What rules say is not touched: it is looked at anew after this. Second
 * run: no change.
 */
export async function restorePairs(sql: Sql, tenantId: string, { task, pairs }: Change): Promise<void> {
  const values = [...valuesOf(tenantId, pairs), task.undoes];
  const before = `link_change c, ${ofPairs} AND c.tenant_id = $1 AND c.operation_id = $4 AND c.message_id = p.message_id AND c.record_id = p.record_id`;
  await sql.execute(
    `DELETE FROM link_reason r USING link l, ${before} AND r.tenant_id = $1 AND r.link_id = l.id AND r.kind IN ('person', 'thread')
       AND r.key NOT LIKE 'reply:%' AND NOT coalesce(c.before -> 'reasons', '[]') @> jsonb_build_array(jsonb_build_object('kind', r.kind, 'key', r.key))`,
    values,
  );
  await writeReasons(sql, tenantId, await reasonsBefore(sql, values));
  await sql.execute(
    `UPDATE link l SET state = coalesce(c.before ->> 'state', 'active') FROM ${before} AND l.state <> coalesce(c.before ->> 'state', 'active')`,
    values,
  );
  await sql.execute(
    `DELETE FROM link l USING ${ofPairs} AND NOT EXISTS (SELECT FROM link_reason r WHERE r.tenant_id = $1 AND r.link_id = l.id)`,
    values.slice(0, 3),
  );
}

function reasonsBefore(sql: Sql, values: unknown[]) {
  return sql.query<LinkPair & { kind: 'person' | 'thread'; key: string; actor: string; version: number }>(
    `SELECT c.message_id AS "messageId", c.record_id AS "recordId", b.kind, b.key, b.actor, b.version
     FROM link_change c JOIN unnest($2::uuid[], $3::uuid[]) AS p(message_id, record_id) USING (message_id, record_id)
     CROSS JOIN LATERAL jsonb_to_recordset(c.before -> 'reasons') AS b(kind text, key text, actor text, version integer)
     WHERE c.tenant_id = $1 AND c.operation_id = $4 AND c.before IS NOT NULL`,
    values,
  );
}

/**
 * Notes what people have said before it is changed, and that it is done. Returns the pairs that are to be changed now. The time is that under the tenant's
 * lock: which of two changes was the later one shows by it, and a transaction may have begun long before it got the lock.
 */
export async function takePairs(
  sql: Sql,
  { tenantId, operationId }: { tenantId: string; operationId: string },
  limit: number,
): Promise<LinkPair[]> {
  return sql.query<LinkPair>(
    `WITH next AS MATERIALIZED (
       SELECT message_id, record_id FROM link_change WHERE tenant_id = $1 AND operation_id = $2 AND done_at IS NULL
       ORDER BY message_id, record_id LIMIT $3
     )
     UPDATE link_change c SET done_at = clock_timestamp(), before = (
       SELECT jsonb_build_object('state', l.state, 'reasons', coalesce((
         SELECT jsonb_agg(jsonb_build_object('kind', r.kind, 'key', r.key, 'actor', r.actor, 'version', r.record_version))
         FROM link_reason r WHERE r.tenant_id = $1 AND r.link_id = l.id AND r.kind IN ('person', 'thread') AND r.key NOT LIKE 'reply:%'), '[]'))
       FROM link l WHERE l.tenant_id = $1 AND l.message_id = c.message_id AND l.record_id = c.record_id)
     FROM next WHERE c.tenant_id = $1 AND c.operation_id = $2 AND c.message_id = next.message_id AND c.record_id = next.record_id
     RETURNING c.message_id AS "messageId", c.record_id AS "recordId"`,
    [tenantId, operationId, limit],
  );
}
