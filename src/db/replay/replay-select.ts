import { outcomes, presences } from '../../domain/ledger';
import type { Sql } from '../database';
import type { MailboxReader } from '../mailboxes';
import { newUuid } from '../new-id';

/** Which failures are meant; null asks for nothing. Without ids only those that are parked. */
export interface ReplayFilter {
  ids: string[] | null;
  mailboxId: string | null;
  kind: string | null;
  /** When it failed first: from, inclusive, until, exclusive. */
  since: Date | null;
  until: Date | null;
  /** Of the parser that tried it last. */
  parserVersion: number | null;
  /** Stands in the error's code or detail, in whatever case. */
  text: string | null;
  /** The sender's domain, or one below it. Read from the bytes when a message's turn comes. */
  senderDomain: string | null;
}

/** Nothing is asked for. */
export const anyFailure: ReplayFilter = {
  ids: null,
  mailboxId: null,
  kind: null,
  since: null,
  until: null,
  parserVersion: null,
  text: null,
  senderDomain: null,
};

/** What a replay is to do; the column `operation.task`. */
export interface ReplayTask {
  mode: 'for-good' | 'dry-run';
  senderDomain: string | null;
  /** The public id of who asked, or `system`. */
  actor: string;
}

/**
 * Writes the job that replays these failures, as they are now, and returns its id. The reader must be the tenant, an admin, or the owner of
 * the mailboxes: failures of others are left out.
 */
export async function insertReplay(
  sql: Sql,
  reader: MailboxReader,
  replay: { filter: ReplayFilter; task: ReplayTask },
): Promise<string> {
  const { filter, task } = replay;
  const operationId = await insertOperation(sql, reader.tenantId, { sourceId: filter.mailboxId, task });
  await sql.execute(selectFailures, [
    reader.tenantId,
    reader.userId,
    operationId,
    filter.ids,
    filter.mailboxId,
    filter.kind,
    filter.since,
    filter.until,
    filter.parserVersion,
    filter.text,
  ]);
  await countItems(sql, reader.tenantId, operationId);
  return operationId;
}

const selectFailures = `
INSERT INTO replay_item (tenant_id, operation_id, gen_id, uid, source_id, failure_id)
SELECT x.tenant_id, $3, x.gen_id, x.uid, x.source_id, x.id
FROM failure x JOIN source s ON s.tenant_id = x.tenant_id AND s.id = x.source_id AND s.deleted_at IS NULL
WHERE x.tenant_id = $1 AND ($2::uuid IS NULL OR s.owner_user_id = $2)
  AND CASE WHEN $4::uuid[] IS NULL THEN x.state = 'parked' ELSE x.id = ANY ($4) END
  AND ($5::uuid IS NULL OR x.source_id = $5) AND ($6::text IS NULL OR x.kind = $6)
  AND ($7::timestamptz IS NULL OR x.first_failed_at >= $7) AND ($8::timestamptz IS NULL OR x.first_failed_at < $8)
  AND ($9::integer IS NULL OR (x.versions ->> 'parser')::integer = $9)
  AND ($10::text IS NULL OR position(lower($10) IN lower(x.code || ' ' || x.detail::text)) > 0)`;

/** Writes the job that fetches the whole of a message of which a mailbox of the reader has only the header. Null where there is none. */
export async function insertFetch(
  sql: Sql,
  reader: MailboxReader,
  fetch: { messageId: string; task: ReplayTask },
): Promise<string | null> {
  const rows = await sql.query<{ gen_id: number; uid: number; source_id: string }>(
    `SELECT DISTINCT ON (c.id) p.gen_id, p.uid, p.source_id FROM copy c
     JOIN source s ON s.tenant_id = c.tenant_id AND s.id = c.source_id AND s.deleted_at IS NULL
     JOIN placement p ON p.copy_id = c.id AND p.outcome = ${String(outcomes['headers-only'])} AND p.presence = ${String(presences.live)}
     WHERE c.tenant_id = $1 AND c.message_id = $3 AND c.raw_state = 'none' AND ($2::uuid IS NULL OR s.owner_user_id = $2)
     ORDER BY c.id, p.gen_id, p.uid`,
    [reader.tenantId, reader.userId, fetch.messageId],
  );
  if (rows.length === 0) return null;
  const operationId = await insertOperation(sql, reader.tenantId, { sourceId: null, task: fetch.task });
  await sql.execute(
    `INSERT INTO replay_item (tenant_id, operation_id, gen_id, uid, source_id)
     SELECT $1, $2, gen_id, uid, source_id FROM unnest($3::bigint[], $4::bigint[], $5::uuid[]) AS r(gen_id, uid, source_id)`,
    [
      reader.tenantId,
      operationId,
      rows.map((row) => row.gen_id),
      rows.map((row) => row.uid),
      rows.map((row) => row.source_id),
    ],
  );
  await countItems(sql, reader.tenantId, operationId);
  return operationId;
}

const mostDue = 1_000;

/**
 * Writes the job that asks the server of a mailbox again for what it did not deliver and whose time has come, at most 1,000 messages; null
 * where there is none. Until the job has tried them they are put off by a day, so that nobody asks twice. Second run: null.
 */
export async function insertDueReplay(
  sql: Sql,
  { tenantId, mailboxId }: { tenantId: string; mailboxId: string },
): Promise<string | null> {
  const due = await sql.query<{ id: string }>(
    `UPDATE failure SET next_try_at = now() + interval '1 day' WHERE tenant_id = $1 AND id IN (
       SELECT id FROM failure WHERE tenant_id = $1 AND source_id = $2 AND state = 'parked' AND next_try_at <= now()
       ORDER BY next_try_at LIMIT ${String(mostDue)} FOR UPDATE SKIP LOCKED) RETURNING id`,
    [tenantId, mailboxId],
  );
  if (due.length === 0) return null;
  const filter = { ...anyFailure, mailboxId, ids: due.map(({ id }) => id) };
  const task: ReplayTask = { mode: 'for-good', senderDomain: null, actor: 'system' };
  return insertReplay(sql, { tenantId, userId: null }, { filter, task });
}

async function insertOperation(
  sql: Sql,
  tenantId: string,
  { sourceId, task }: { sourceId: string | null; task: ReplayTask },
): Promise<string> {
  const id = newUuid();
  await sql.execute(
    `INSERT INTO operation (tenant_id, id, kind, source_id, state, task) VALUES ($1, $2, 'replay', $3, 'waiting', $4)`,
    [tenantId, id, sourceId, JSON.stringify(task)],
  );
  return id;
}

async function countItems(sql: Sql, tenantId: string, operationId: string): Promise<void> {
  await sql.execute(
    'UPDATE operation SET total = (SELECT count(*) FROM replay_item WHERE operation_id = $2) WHERE tenant_id = $1 AND id = $2',
    [tenantId, operationId],
  );
}
