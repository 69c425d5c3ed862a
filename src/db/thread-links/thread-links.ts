import type { ThreadLinkMode } from '../../domain/link-reasons';
import type { Sql } from '../database';
import { maySee } from '../record-readers';
import { partsOfThread } from '../thread-parts';
import { principalsOf, type Reader } from '../timeline-read';

/** A record that a thread, or mail in it, is linked to. */
export interface ThreadLink {
  /** Of the link of the thread; where no person has linked it, of the oldest link of its messages. */
  id: string;
  recordId: string;
  type: string;
  name: string;
  /** null: no person has linked the thread. */
  mode: ThreadLinkMode | null;
  state: 'active' | 'unlinked';
  actor: string | null;
  note: string | null;
  /** How many messages of the thread stand at the record, and how many of them by rules. */
  messages: number;
  byRules: number;
  createdAt: Date;
  changedAt: Date | null;
}

/** The thread and the ids of those that became a part of it. */
const aliases = `(SELECT $2::uuid UNION SELECT id FROM thread WHERE tenant_id = $1 AND merged_into = ANY (${partsOfThread('$2::uuid')}))`;

/** Of several links of a thread to the same record this one is told. */
const firstOfSeveral = 'state, created_at DESC, id';

/** Of a longer thread the links of so many of its newest messages are told. */
export const linkedOfThread = 5_000;

/**
 * The records that a thread is linked to, by people and by rules, as far as the reader may see them; the oldest first. Links of single messages are those of
 * the newest ones (`newest`); `isWhole`: that is all of them.
 */
export async function linksOfThread(
  sql: Sql,
  reader: Reader,
  { threadId, newest = linkedOfThread }: { threadId: string; newest?: number },
): Promise<{ links: ThreadLink[]; isWhole: boolean }> {
  const [links, beyond] = await Promise.all([
    newestLinks(sql, reader, { threadId, newest }),
    sql.query(
      `SELECT FROM message WHERE tenant_id = $1 AND thread_id = ANY (${partsOfThread('$2::uuid')}) OFFSET $3 LIMIT 1`,
      [reader.tenantId, threadId, newest],
    ),
  ]);
  return { links, isWhole: beyond.length === 0 };
}

function newestLinks(
  sql: Sql,
  reader: Reader,
  { threadId, newest }: { threadId: string; newest: number },
): Promise<ThreadLink[]> {
  return sql.query<ThreadLink>(
    `WITH newest AS MATERIALIZED (
       SELECT m.id FROM unnest(${partsOfThread('$2::uuid')}) AS part(id) CROSS JOIN LATERAL (
         SELECT id, sort_at FROM message WHERE tenant_id = $1 AND thread_id = part.id ORDER BY sort_at DESC LIMIT $4) m
       ORDER BY m.sort_at DESC LIMIT $4
     ), held AS MATERIALIZED (
       SELECT l.record_id, min(l.id::text)::uuid AS id, count(*) AS messages, min(l.created_at) AS created_at,
         count(*) FILTER (WHERE EXISTS (SELECT FROM link_reason r WHERE r.tenant_id = $1 AND r.link_id = l.id
           AND (r.kind IN ('address', 'rule') OR r.key LIKE 'reply:%'))) AS by_rules
       FROM newest m CROSS JOIN LATERAL (
         SELECT id, record_id, created_at FROM link WHERE tenant_id = $1 AND message_id = m.id AND state = 'active' OFFSET 0) l
       WHERE EXISTS (
         SELECT FROM readable_timeline t WHERE t.tenant_id = $1 AND t.message_id = m.id AND t.record_id = l.record_id AND t.principal = ANY ($3::integer[]))
       GROUP BY l.record_id
     ), said AS MATERIALIZED (
       SELECT DISTINCT ON (record_id) * FROM thread_link WHERE tenant_id = $1 AND thread_id IN ${aliases} ORDER BY record_id, ${firstOfSeveral}
     )
     SELECT coalesce(s.id, h.id) AS id, r.id AS "recordId", r.type, r.name, s.mode, coalesce(s.state, 'active') AS state, s.actor, s.note,
       coalesce(h.messages, 0) AS messages, coalesce(h.by_rules, 0) AS "byRules", coalesce(s.created_at, h.created_at) AS "createdAt",
       s.changed_at AS "changedAt"
     FROM said s FULL JOIN held h ON h.record_id = s.record_id
     JOIN record r ON r.tenant_id = $1 AND r.id = coalesce(s.record_id, h.record_id) AND r.deleted_at IS NULL AND ${maySee('r', '$3')}
     ORDER BY 11, 1`,
    [reader.tenantId, threadId, principalsOf(reader), newest],
  );
}

/** Whether the reader may see any message of a thread. */
export async function readsThread(sql: Sql, reader: Reader, threadId: string): Promise<boolean> {
  const rows = await sql.query(
    `SELECT FROM message m WHERE m.tenant_id = $1 AND m.thread_id = ANY (${partsOfThread('$2::uuid')}) AND EXISTS (
       SELECT FROM readable_timeline t WHERE t.tenant_id = $1 AND t.message_id = m.id AND t.principal = ANY ($3::integer[])) LIMIT 1`,
    [reader.tenantId, threadId, principalsOf(reader)],
  );
  return rows.length > 0;
}

/** Of these messages, those that the reader may see. */
export async function readableAmong(sql: Sql, reader: Reader, messageIds: string[]): Promise<Set<string>> {
  const rows = await sql.query<{ id: string }>(
    `SELECT w.id FROM (SELECT DISTINCT unnest($2::uuid[]) AS id) w WHERE EXISTS (
       SELECT FROM readable_timeline t WHERE t.tenant_id = $1 AND t.message_id = w.id AND t.principal = ANY ($3::integer[]))`,
    [reader.tenantId, messageIds, principalsOf(reader)],
  );
  return new Set(rows.map(({ id }) => id));
}

/** Of these records, those that are not deleted and that the reader may see. */
export async function recordsAmong(sql: Sql, reader: Reader, recordIds: string[]): Promise<Set<string>> {
  const rows = await sql.query<{ id: string }>(
    `SELECT r.id FROM record r WHERE r.tenant_id = $1 AND r.id = ANY ($2::uuid[]) AND r.deleted_at IS NULL AND ${maySee('r', '$3')}`,
    [reader.tenantId, [...new Set(recordIds)], principalsOf(reader)],
  );
  return new Set(rows.map(({ id }) => id));
}

/** A link of a thread as a person has made it. */
export interface StoredThreadLink {
  id: string;
  recordId: string;
  mode: ThreadLinkMode;
  state: 'active' | 'unlinked';
}

/**
 * The links that people have made of a thread, by an id or by their record: several, where threads or records became one, and the one that is told
 * comes first.
 */
export function findThreadLinks(
  sql: Sql,
  tenantId: string,
  { threadId, ...by }: { threadId: string } & ({ linkId: string } | { recordId: string }),
): Promise<StoredThreadLink[]> {
  const column = 'linkId' in by ? 'id' : 'record_id';
  return sql.query<StoredThreadLink>(
    `SELECT id, record_id AS "recordId", mode, state FROM thread_link
     WHERE tenant_id = $1 AND thread_id IN ${aliases} AND ${column} = $3 ORDER BY ${firstOfSeveral}`,
    [tenantId, threadId, 'linkId' in by ? by.linkId : by.recordId],
  );
}

/** The record of a message's link, by the link's id, where the message is in this thread. */
export async function recordOfMessageLink(
  sql: Sql,
  tenantId: string,
  { threadId, linkId }: { threadId: string; linkId: string },
): Promise<string | null> {
  const [row] = await sql.query<{ record_id: string }>(
    `SELECT l.record_id FROM link l JOIN message m ON m.tenant_id = $1 AND m.id = l.message_id
     WHERE l.tenant_id = $1 AND l.id = $2 AND m.thread_id = ANY (${partsOfThread('$3::uuid')})`,
    [tenantId, linkId, threadId],
  );
  return row?.record_id ?? null;
}
