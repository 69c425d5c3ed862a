import type { NoticeEnd, NoticeKind } from '../../domain/notice';
import type { Sql } from '../database';
import type { MailboxRow } from '../events/event-write';
import { writeOutbox, type OutboxEvent } from '../ingest/outbox-write';
import { newUuid } from '../new-id';
import { noticeChanges } from './due';

/**
 * Raises what is to be said of a mailbox and clears what no longer holds, each with its event in the outbox. The transaction has locked the
 * source. `noSuccessHours` null: only what a change of state or flag decides. Second run: no change.
 */
export async function settleNotices(
  sql: Sql,
  mailbox: MailboxRow,
  { noSuccessHours }: { noSuccessHours: number | null },
): Promise<void> {
  const changes = await sql.query<{ kind: NoticeKind; now: 'raised' | NoticeEnd }>(
    `${noticeChanges('s.tenant_id = $2 AND s.id = $3')} ORDER BY 3`,
    [noSuccessHours, mailbox.tenantId, mailbox.sourceId],
  );
  const events: OutboxEvent[] = [];
  for (const { kind, now } of changes) {
    const noticeIds = await (now === 'raised' ? raise(sql, mailbox, kind) : clear(sql, mailbox, { kind, now }));
    if (noticeIds.length === 0) continue;
    const ids = { mailboxId: mailbox.sourceId, kind, noticeIds };
    events.push(
      now === 'raised'
        ? { type: 'mailbox.notice', ids }
        : { type: 'mailbox.notice-cleared', ids: { ...ids, clearedBy: now } },
    );
  }
  if (events.length > 0) await putIntoOutbox(sql, mailbox, events);
}

/** To the owner, else to the members, else to the admins of the tenant; where there is nobody, to the tenant. */
async function raise(sql: Sql, mailbox: MailboxRow, kind: NoticeKind): Promise<string[]> {
  const { tenantId, sourceId } = mailbox;
  const people = await sql.query<{ user_id: string }>(
    `WITH owner AS (SELECT owner_user_id AS user_id FROM source WHERE tenant_id = $1 AND id = $2 AND owner_user_id IS NOT NULL),
       members AS (SELECT user_id FROM source_member WHERE tenant_id = $1 AND source_id = $2 AND NOT EXISTS (SELECT FROM owner)),
       admins AS (SELECT id AS user_id FROM app_user WHERE tenant_id = $1 AND role = 'admin'
         AND NOT EXISTS (SELECT FROM owner) AND NOT EXISTS (SELECT FROM members))
     SELECT user_id FROM owner UNION ALL SELECT user_id FROM members UNION ALL SELECT user_id FROM admins ORDER BY user_id`,
    [tenantId, sourceId],
  );
  const userIds = people.length > 0 ? people.map(({ user_id }) => user_id) : [null];
  const raised = await sql.query<{ id: string }>(
    `INSERT INTO notice (tenant_id, id, user_id, source_id, kind, ids)
     SELECT $1, id, user_id, $2, $3, jsonb_build_object('mailboxId', $2::uuid)
     FROM unnest($4::uuid[], $5::uuid[]) AS t (id, user_id) ON CONFLICT DO NOTHING RETURNING id`,
    [tenantId, sourceId, kind, userIds.map(() => newUuid()), userIds],
  );
  return raised.map(({ id }) => id);
}

/** It is news that a mailbox is well again, also for those who have read that it was not; that somebody has stopped it is none. */
async function clear(
  sql: Sql,
  { tenantId, sourceId }: MailboxRow,
  { kind, now }: { kind: NoticeKind; now: NoticeEnd },
): Promise<string[]> {
  const cleared = await sql.query<{ id: string }>(
    `UPDATE notice SET cleared_at = now(), read_at = CASE WHEN $4 = 'stopped' THEN read_at END,
       ids = ids || jsonb_build_object('clearedBy', $4::text)
     WHERE tenant_id = $1 AND source_id = $2 AND kind = $3 AND cleared_at IS NULL RETURNING id`,
    [tenantId, sourceId, kind, now],
  );
  return cleared.map(({ id }) => id);
}

async function putIntoOutbox(sql: Sql, mailbox: MailboxRow, events: OutboxEvent[]): Promise<void> {
  const { tenantId, sourceId } = mailbox;
  const [source] = await sql.query<{ epoch: number; generation: number; next_seq: number }>(
    'SELECT epoch, generation, next_seq FROM source WHERE tenant_id = $1 AND id = $2 FOR NO KEY UPDATE',
    [tenantId, sourceId],
  );
  if (source === undefined) return;
  const { epoch, generation, next_seq: nextSeq } = source;
  await writeOutbox(sql, { ...mailbox, fence: { epoch, generation } }, { nextSeq, events });
}
