import { uuidArray } from '../binary-array';
import type { Sql } from '../database';
import { isItsOwn, isOfConversation } from './reason-sql';
import { writeReasons, type NewReason } from './write-reasons';

/** A message and something that it refers to (SHA-256 of the message id). */
export interface Reference {
  messageId: string;
  hash: Buffer;
}

/** Passes on what the messages that these refer to have been linked for. Returns the messages that got a reason. Second run: none. */
export async function takeFromOriginals(sql: Sql, tenantId: string, references: Reference[]): Promise<string[]> {
  if (references.length === 0) return [];
  const due = await sql.query<DueReason>(takeStatement, [
    tenantId,
    uuidArray(references.map(({ messageId }) => messageId)),
    references.map(({ hash }) => hash),
  ]);
  return writeDue(sql, tenantId, due);
}

/**
 * Passes on what these messages are linked for: a link to whoever answers them, and what a person did to their thread to the whole
 * conversation, and on from there. A reference passes nothing on where its author does not belong to what it refers to (`answers` in the
 * database): everybody can write one. Returns the messages that got a reason. To be called under the tenant's lock. Second run: none.
 */
export async function spreadReasons(sql: Sql, tenantId: string, messageIds: string[]): Promise<string[]> {
  const taken = new Set<string>();
  let from = messageIds;
  while (from.length > 0) {
    const due = await sql.query<DueReason>(spreadStatement, [tenantId, uuidArray(from)]);
    from = await writeDue(sql, tenantId, due);
    for (const messageId of from) taken.add(messageId);
  }
  return [...taken];
}

/** Messages that refer to one of these. */
export async function answersTo(sql: Sql, tenantId: string, messageIds: string[]): Promise<string[]> {
  if (messageIds.length === 0) return [];
  const rows = await sql.query<{ id: string }>(
    `WITH ${origins}, ${around('origin')}
     SELECT DISTINCT a.id FROM around a CROSS JOIN LATERAL unnest(a.refs) AS ref
     JOIN origin o ON o.own = ref AND o.thread_id = a.thread_id AND o.id <> a.id`,
    [tenantId, uuidArray(messageIds)],
  );
  return rows.map(({ id }) => id);
}

/** Gives messages that have lost their reason another one, where something else that they refer to is linked. Returns those that got one. */
export async function takeAgain(sql: Sql, tenantId: string, messageIds: string[]): Promise<string[]> {
  if (messageIds.length === 0) return [];
  const due = await sql.query<DueReason>(takeAgainStatement, [tenantId, uuidArray(messageIds)]);
  return writeDue(sql, tenantId, due);
}

interface DueReason {
  messageId: string;
  recordId: string;
  key: string;
  version: number;
}

async function writeDue(sql: Sql, tenantId: string, due: DueReason[]): Promise<string[]> {
  if (due.length === 0) return [];
  // Of several that a message answers, one is enough to say why.
  const reasons = new Map<string, NewReason>();
  for (const reason of due) {
    const what = reason.key.startsWith('reply:') ? 'reply' : reason.key;
    const name = `${reason.messageId} ${reason.recordId} ${what}`;
    if (!reasons.has(name)) reasons.set(name, { ...reason, kind: 'thread', actor: 'rule' });
  }
  await writeReasons(sql, tenantId, [...reasons.values()]);
  const unlinked = [...reasons.values()].filter(({ key }) => key.startsWith('unlinked:'));
  if (unlinked.length > 0) await suppress(sql, tenantId, unlinked);
  return [...new Set(due.map(({ messageId }) => messageId))];
}

async function suppress(sql: Sql, tenantId: string, reasons: NewReason[]): Promise<void> {
  await sql.execute(
    `UPDATE link l SET state = 'suppressed' FROM unnest($2::uuid[], $3::uuid[]) AS u(message_id, record_id)
     WHERE l.tenant_id = $1 AND l.message_id = u.message_id AND l.record_id = u.record_id`,
    [tenantId, reasons.map(({ messageId }) => messageId), reasons.map(({ recordId }) => recordId)],
  );
}

/** Of messages with the same id, so many are asked: everybody can send what bears another's. */
const sameId = '10';
const sameIdRead = '1000';

// As elsewhere, OFFSET 0 makes each look-up go by its key, also without statistics.
const origins = `origin AS MATERIALIZED (
  SELECT id, thread_id, own, refs FROM (
    SELECT m.id, m.thread_id, ref_number(m.message_id_hash) AS own, m.refs,
      row_number() OVER (PARTITION BY m.thread_id, m.message_id_hash ORDER BY m.id) AS n
    FROM unnest($2::uuid[]) AS w(id) CROSS JOIN LATERAL (
      SELECT id, thread_id, message_id_hash, refs FROM message WHERE tenant_id = $1 AND id = w.id OFFSET 0) m
  ) numbered WHERE own IS NULL OR n <= ${sameId}
)`;

const around = (of: string) => `around AS MATERIALIZED (
  SELECT m.id, m.thread_id, ref_number(m.message_id_hash) AS own, m.refs FROM (SELECT DISTINCT thread_id FROM ${of}) AS t
  CROSS JOIN LATERAL (
    SELECT id, thread_id, message_id_hash, refs FROM message WHERE tenant_id = $1 AND thread_id = t.thread_id OFFSET 0) m
)`;

/** What the messages of a query with a column `id` have to pass on. */
const givenBy = (ids: string) => `given AS MATERIALIZED (
  SELECT DISTINCT g.id, l.record_id, p.version, CASE WHEN ${isOfConversation('r')} THEN r.key ELSE 'reply:' || g.id END AS key
  FROM (${ids}) AS g
  CROSS JOIN LATERAL (SELECT id, record_id, state FROM link WHERE tenant_id = $1 AND message_id = g.id OFFSET 0) l
  CROSS JOIN LATERAL (SELECT kind, key FROM link_reason WHERE tenant_id = $1 AND link_id = l.id OFFSET 0) r
  CROSS JOIN LATERAL (SELECT version FROM record WHERE tenant_id = $1 AND id = l.record_id AND deleted_at IS NULL OFFSET 0) p
  WHERE ${isOfConversation('r')} OR l.state = 'active' AND ${isItsOwn('r')}
)`;

/**
 * What is due by `step` (giver, taker, way): who has it already, and whom a person has taken away, gets nothing; nor does mail that an operation
 * on links is about to come to.
 */
const dueOfSteps = `passed AS MATERIALIZED (
  SELECT DISTINCT s.giver, s.taker, s.way, v.record_id, v.version, v.key, CASE WHEN v.key LIKE 'reply:%' THEN 'reply' ELSE v.key END AS what
  FROM step s JOIN given v ON v.id = s.giver AND (s.way = 'answer' OR v.key NOT LIKE 'reply:%')
), lacking AS MATERIALIZED (
  SELECT w.taker, w.record_id, w.what FROM (SELECT DISTINCT taker, record_id, what FROM passed) AS w
  WHERE NOT EXISTS (
    SELECT FROM link l LEFT JOIN link_reason r ON r.tenant_id = $1 AND r.link_id = l.id
    WHERE l.tenant_id = $1 AND l.message_id = w.taker AND l.record_id = w.record_id AND (
      r.key = w.what OR l.state = 'suppressed' AND w.what NOT LIKE 'unlinked:%' OR w.what = 'reply' AND ${isItsOwn('r')}))
  AND (w.what = 'reply' OR NOT EXISTS (
    SELECT FROM link_change c WHERE c.tenant_id = $1 AND c.message_id = w.taker AND c.record_id = w.record_id AND c.done_at IS NULL))
), due AS MATERIALIZED (SELECT p.* FROM lacking JOIN passed p USING (taker, record_id, what))
SELECT taker AS "messageId", record_id AS "recordId", key, version FROM due
WHERE CASE way WHEN 'answer' THEN answers(taker, giver) ELSE answers(giver, taker) END
ORDER BY taker, record_id, key`;

const spreadStatement = `WITH ${origins}, ${givenBy('SELECT id FROM origin')}, giving AS MATERIALIZED (
  SELECT * FROM origin WHERE id IN (SELECT id FROM given)
), ${around('giving')}, step AS MATERIALIZED (
  SELECT g.id AS giver, a.id AS taker, 'answer' AS way FROM around a CROSS JOIN LATERAL unnest(a.refs) AS ref
  JOIN giving g ON g.own = ref AND g.thread_id = a.thread_id AND g.id <> a.id
  UNION
  SELECT g.id, a.id, 'original' FROM giving g CROSS JOIN LATERAL unnest(g.refs) AS ref
  JOIN around a ON a.own = ref AND a.thread_id = g.thread_id AND a.id <> g.id
  WHERE EXISTS (SELECT FROM given v WHERE v.id = g.id AND v.key NOT LIKE 'reply:%')
), ${dueOfSteps}`;

const takeStatement = `WITH step AS MATERIALIZED (
  SELECT DISTINCT g.id AS giver, w.taker, 'answer' AS way FROM unnest($2::uuid[], $3::bytea[]) AS w(taker, ref) CROSS JOIN LATERAL (
    SELECT id FROM (SELECT id FROM message WHERE tenant_id = $1 AND message_id_hash = w.ref LIMIT ${sameIdRead}) same
    ORDER BY id LIMIT ${sameId}) g
  WHERE g.id <> w.taker
), ${givenBy('SELECT DISTINCT giver AS id FROM step')}, ${dueOfSteps}`;

const takeAgainStatement = `WITH taking AS MATERIALIZED (
  SELECT m.id, m.thread_id, m.refs FROM unnest($2::uuid[]) AS w(id) CROSS JOIN LATERAL (
    SELECT id, thread_id, refs FROM message WHERE tenant_id = $1 AND id = w.id OFFSET 0) m
), ${around('taking')}, step AS MATERIALIZED (
  SELECT DISTINCT a.id AS giver, t.id AS taker, 'answer' AS way FROM taking t CROSS JOIN LATERAL unnest(t.refs) AS ref
  JOIN around a ON a.own = ref AND a.thread_id = t.thread_id AND a.id <> t.id
), ${givenBy('SELECT DISTINCT giver AS id FROM step')}, ${dueOfSteps}`;
