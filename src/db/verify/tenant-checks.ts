import { publicId } from '../../domain/ids';
import type { Violation } from '../../domain/verify';
import type { Database } from '../database';
import { danglingRows, verifyGone } from '../deletion/verify';
import { mostTold } from './ledger-checks';

/** Deleted mailboxes that are looked for, the newest. */
const deletedLookedFor = 100;

/** What the rows of a tenant say against each other, beside those of its mailboxes; at most 100 of each kind. */
export async function brokenTenant(db: Database, tenantId: string): Promise<Violation[]> {
  return [
    ...(await messagesWithoutCopy(db, tenantId)),
    ...(await brokenActivities(db, tenantId)),
    ...(await inMergedThreads(db, tenantId)),
    ...(await brokenSequences(db, tenantId)),
    ...(await dangling(db, tenantId)),
    ...(await leftOfDeleted(db, tenantId)),
  ];
}

async function messagesWithoutCopy(db: Database, tenantId: string): Promise<Violation[]> {
  const rows = await db.inTenant(tenantId, (sql) =>
    sql.query<{ id: string }>(
      `SELECT m.id FROM message m WHERE m.tenant_id = $1
         AND NOT EXISTS (SELECT FROM copy c WHERE c.tenant_id = $1 AND c.message_id = m.id) LIMIT $2`,
      [tenantId, mostTold],
    ),
  );
  return rows.map(({ id }) => ({ invariant: 'message-without-copy', messageId: id }));
}

/** Who is to be seen in an activity must be there, and whoever opens it must find it where its message stands. */
async function brokenActivities(db: Database, tenantId: string): Promise<Violation[]> {
  const rows = await db.inTenant(tenantId, (sql) =>
    sql.query<{ message_id: string }>(
      `SELECT DISTINCT message_id FROM (
         SELECT a.message_id FROM activity a JOIN message m ON m.tenant_id = $1 AND m.id = a.message_id
         WHERE a.tenant_id = $1 AND (a.sort_at <> m.sort_at OR (a.owner_user_id IS NOT NULL
           AND NOT EXISTS (SELECT FROM app_user u WHERE u.tenant_id = $1 AND u.id = a.owner_user_id)))
         UNION ALL SELECT p.message_id FROM activity_party p WHERE p.tenant_id = $1 AND (
           NOT EXISTS (SELECT FROM activity a WHERE a.tenant_id = $1 AND a.message_id = p.message_id)
           OR (p.record_id IS NOT NULL AND NOT EXISTS (SELECT FROM record r WHERE r.tenant_id = $1 AND r.id = p.record_id))
           OR (p.user_id IS NOT NULL AND NOT EXISTS (SELECT FROM app_user u WHERE u.tenant_id = $1 AND u.id = p.user_id)))
       ) broken LIMIT $2`,
      [tenantId, mostTold],
    ),
  );
  return rows.map(({ message_id: messageId }) => ({ invariant: 'activity-broken', messageId }));
}

/** A thread that became part of another is only another name for it: nobody opens what stands in it. */
async function inMergedThreads(db: Database, tenantId: string): Promise<Violation[]> {
  const rows = await db.inTenant(tenantId, (sql) =>
    sql.query<{ id: string }>(
      `SELECT m.id FROM thread t JOIN message m ON m.tenant_id = $1 AND m.thread_id = t.id
       WHERE t.tenant_id = $1 AND t.merged_into IS NOT NULL
         AND NOT EXISTS (SELECT FROM thread_move v WHERE v.tenant_id = $1 AND v.thread_id = t.id) LIMIT $2`,
      [tenantId, mostTold],
    ),
  );
  return rows.map(({ id }) => ({ invariant: 'thread-merged', messageId: id }));
}

/** The numbers of a stream rise by one, none is given twice, and the next one is above them; no event is there under two of them. */
async function brokenSequences(db: Database, tenantId: string): Promise<Violation[]> {
  const { streams, events } = await db.inTenant(tenantId, async (sql) => ({
    streams: await sql.query<{ stream: string }>(
      `SELECT o.stream FROM (
         SELECT stream, epoch, count(DISTINCT seq) AS numbers, count(*) AS events, min(seq) AS first, max(seq) AS last
         FROM outbox WHERE tenant_id = $1 GROUP BY stream, epoch) o
       LEFT JOIN source s ON s.tenant_id = $1 AND s.id = o.stream
       LEFT JOIN tenant t ON t.tenant_id = o.stream AND t.tenant_id = $1
       WHERE o.events <> o.numbers OR o.events <> o.last - o.first + 1 OR (s.epoch = o.epoch AND s.next_seq <= o.last) OR t.next_seq <= o.last
       LIMIT $2`,
      [tenantId, mostTold],
    ),
    events: await sql.query<{ stream: string }>(
      `SELECT DISTINCT stream FROM outbox WHERE tenant_id = $1 AND event_id IN (
         SELECT event_id FROM outbox WHERE tenant_id = $1 GROUP BY event_id HAVING count(*) > 1) LIMIT $2`,
      [tenantId, mostTold],
    ),
  }));
  const ids = new Set([...streams, ...events].map(({ stream }) => stream));
  return [...ids].map((id) => ({
    invariant: 'sequence-broken',
    about: id === tenantId ? 'the tenant' : publicId('mailbox', id),
  }));
}

async function dangling(db: Database, tenantId: string): Promise<Violation[]> {
  const left = await db.inTenant(tenantId, (sql) => danglingRows(sql, tenantId));
  return Object.keys(left).map((about) => ({ invariant: 'dangling-rows', about }));
}

async function leftOfDeleted(db: Database, tenantId: string): Promise<Violation[]> {
  const deleted = await db.inTenant(tenantId, (sql) =>
    sql.query<{ id: string; target_id: string }>(
      `SELECT id, target_id FROM deletion WHERE tenant_id = $1 AND kind = 'mailbox' AND state = 'done' ORDER BY id DESC LIMIT $2`,
      [tenantId, deletedLookedFor],
    ),
  );
  const found: Violation[] = [];
  for (const { id: deletionId, target_id: sourceId } of deleted) {
    const { left } = await db.inTenant(tenantId, (sql) => verifyGone(sql, { tenantId, sourceId, deletionId }, []));
    const tables = Object.keys(left).sort().join(', ');
    if (tables === '') continue;
    found.push({ invariant: 'rows-of-deleted', about: `${publicId('mailbox', sourceId)}: ${tables}` });
  }
  return found;
}
