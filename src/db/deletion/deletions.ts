import type { DesiredState } from '../../domain/mailbox-state';
import type { Database, Sql } from '../database';
import { insertEvent, plainEvent, type Actor } from '../events/event-write';
import { changeState } from '../events/state-write';
import type { MailboxReader } from '../mailboxes';
import { newUuid } from '../new-id';

export type DeletionState = 'waiting' | 'stopping' | 'deleting' | 'verifying' | 'done' | 'cancelled';

/** What a deletion came to, without anything that says whose mail it was. Kept for good. */
export interface DeletionReport {
  /** Rows that were deleted, by table. */
  tables: Record<string, number>;
  /** Messages that stayed, because another source holds a copy. */
  messagesKept: number;
  /** Activities of which a note without content stays; absent where it is no mailbox. */
  activityNotes?: number;
  /** As they were stored. */
  bytesFreed: number;
  /** Mailboxes that were deleted with it; absent where it was one. */
  mailboxes?: number;
  seconds: number;
  /** Tables that were counted at the end, and had no row of the source. */
  verifiedTables: string[];
  verifiedAt: string;
  /** Of a person: mail between others that holds the address in subject or text, and stays; public ids of the newest. */
  mentions?: { messages: number; messageIds: string[] };
}

/** Why a deletion stands still: rows that it does not know how to delete, by table. */
export interface DeletionError {
  code: 'rows-left';
  tables: Record<string, number>;
}

/** What is deleted. */
export type DeletionKind = 'mailbox' | 'record' | 'user' | 'person' | 'tenant';

/** A deletion. Ids are UUIDs. */
export interface Deletion {
  id: string;
  kind: DeletionKind;
  /** The mailbox, record, user or tenant. */
  targetId: string;
  state: DeletionState;
  beginsAt: Date;
  /** Ledger rows of mailboxes, links of records, messages that a user could read; those of its mailboxes included. */
  done: number;
  total: number | null;
  counts: Record<string, number>;
  kept: number;
  bytes: number;
  /** Activities of which a note stays. */
  notes: number;
  report: DeletionReport | null;
  error: DeletionError | null;
  createdAt: Date;
  startedAt: Date | null;
  finishedAt: Date | null;
}

/** Which deletion of which source. */
export interface DeletionRef {
  tenantId: string;
  sourceId: string;
  deletionId: string;
  /** Only these copies go, and others of the source stay. Where they are not named, all of the source goes. */
  takes?: readonly string[];
}

/** A deletion of many mailboxes has a deletion of each for its parts. */
const withParts = (column: 'done' | 'kept' | 'bytes' | 'notes') =>
  `(${column} + coalesce((SELECT sum(part.${column}) FROM deletion part
     WHERE part.tenant_id = deletion.tenant_id AND part.parent_id = deletion.id), 0))::bigint AS ${column}`;

const columns = `id, kind, target_id AS "targetId", state, begins_at AS "beginsAt", total, counts, report, error,
  ${withParts('done')}, ${withParts('kept')}, ${withParts('bytes')}, ${withParts('notes')},
  created_at AS "createdAt", started_at AS "startedAt", finished_at AS "finishedAt"`;

/**
 * Asks for a deletion of a mailbox: from this commit on it is stopped, each write of it is refused, and no wish can start it again.
 * The rows go when the undo window of its policy is over. Second run: the deletion that is open already.
 */
export async function beginDeletion(
  sql: Sql,
  { tenantId, sourceId, actor }: { tenantId: string; sourceId: string; actor: Actor },
): Promise<Deletion> {
  const [source] = await sql.query<{
    desired: DesiredState;
    owner: string | null;
    undo: number;
    deletion: string | null;
  }>(
    `SELECT desired_state AS desired, owner_user_id AS owner, deletion_id AS deletion,
       coalesce((policy ->> 'deletionUndoSeconds')::integer, 0) AS undo
     FROM source WHERE tenant_id = $1 AND id = $2 AND deleted_at IS NULL FOR UPDATE`,
    [tenantId, sourceId],
  );
  if (source === undefined) throw new Error('the mailbox that was locked is not there');
  if (source.deletion !== null) return deletionById(sql, tenantId, source.deletion);
  const [deletion] = await sql.query<Deletion>(
    `INSERT INTO deletion (tenant_id, id, target_id, owner_user_id, state, desired_before, begins_at, actor)
     VALUES ($1, $2, $3, $4, 'waiting', $5, now() + $6 * interval '1 second', $7) RETURNING ${columns}`,
    [tenantId, newUuid(), sourceId, source.owner, source.desired, source.undo, actor],
  );
  if (deletion === undefined) throw new Error('the new deletion has no row');
  await sql.execute(
    `UPDATE source SET deletion_id = $3, desired_state = 'stopped', generation = generation + 1,
       updated_at = greatest(clock_timestamp(), updated_at + interval '1 millisecond') WHERE tenant_id = $1 AND id = $2`,
    [tenantId, sourceId, deletion.id],
  );
  const event = plainEvent('wish', { from: source.desired, to: 'stopped', reason: 'delete', actor });
  await insertEvent(sql, { tenantId, sourceId }, { event, alternationsKept: null });
  const until = source.undo > 0 ? deletion.beginsAt : null;
  await changeState(sql, { tenantId, sourceId }, { to: 'deleting', from: null, cause: { kind: 'wish', actor, until } });
  await sql.execute(
    `UPDATE operation SET state = 'superseded', finished_at = now()
     WHERE tenant_id = $1 AND source_id = $2 AND kind IN ('start', 'stop', 'pause', 'resume') AND state IN ('waiting', 'running')`,
    [tenantId, sourceId],
  );
  return deletion;
}

async function deletionById(sql: Sql, tenantId: string, id: string): Promise<Deletion> {
  const [row] = await sql.query<Deletion>(`SELECT ${columns} FROM deletion WHERE tenant_id = $1 AND id = $2`, [
    tenantId,
    id,
  ]);
  if (row === undefined) throw new Error('a deletion that is referred to is not there');
  return row;
}

const readable = `tenant_id = $1 AND ($2::uuid IS NULL OR owner_user_id = $2)`;

/** One deletion, or null where there is none that the reader may see: the tenant and its admins all, others of what was theirs. */
export async function findDeletion(sql: Sql, reader: MailboxReader, id: string): Promise<Deletion | null> {
  const rows = await sql.query<Deletion>(`SELECT ${columns} FROM deletion WHERE ${readable} AND id = $3`, [
    reader.tenantId,
    reader.userId,
    id,
  ]);
  return rows[0] ?? null;
}

/** Deletions, newest first, before `beforeId`. */
export function listDeletions(
  sql: Sql,
  reader: MailboxReader,
  page: { beforeId: string | null; limit: number },
): Promise<Deletion[]> {
  return sql.query<Deletion>(
    `SELECT ${columns} FROM deletion WHERE ${readable} AND ($3::uuid IS NULL OR id < $3) ORDER BY id DESC LIMIT $4`,
    [reader.tenantId, reader.userId, page.beforeId, page.limit],
  );
}

/** The deletion that a mailbox waits for or is in, or null. */
export async function openDeletionId(sql: Sql, tenantId: string, sourceId: string): Promise<string | null> {
  const [row] = await sql.query<{ id: string }>(
    `SELECT id FROM deletion WHERE tenant_id = $1 AND target_id = $2 AND state NOT IN ('done', 'cancelled')`,
    [tenantId, sourceId],
  );
  return row?.id ?? null;
}

/** What a mailbox goes back to when its deletion is cancelled; enough to tell the engine. */
export interface CancelledDeletion {
  deletion: Deletion;
  mailbox: { epoch: number; generation: number; desired: DesiredState; provider: string };
}

/** Takes a deletion back that has not begun; null where it has. The mailbox goes on as it did before. */
export async function cancelDeletion(sql: Sql, ref: DeletionRef & { actor: Actor }): Promise<CancelledDeletion | null> {
  const { tenantId, sourceId, deletionId, actor } = ref;
  await sql.query('SELECT FROM source WHERE tenant_id = $1 AND id = $2 FOR UPDATE', [tenantId, sourceId]);
  const [cancelled] = await sql.query<Deletion & { desiredBefore: DesiredState }>(
    `UPDATE deletion SET state = 'cancelled', finished_at = now() WHERE tenant_id = $1 AND id = $2 AND state = 'waiting'
     RETURNING ${columns}, desired_before AS "desiredBefore"`,
    [tenantId, deletionId],
  );
  if (cancelled === undefined) return null;
  const { desiredBefore: desired, ...deletion } = cancelled;
  const [source] = await sql.query<{ epoch: number; generation: number; provider: string }>(
    `UPDATE source s SET deletion_id = NULL, desired_state = $3, generation = generation + 1,
       running_since = CASE WHEN $3 = 'running' THEN now() ELSE running_since END,
       updated_at = greatest(clock_timestamp(), updated_at + interval '1 millisecond')
     FROM mailbox m WHERE s.tenant_id = $1 AND s.id = $2 AND m.tenant_id = $1 AND m.source_id = $2 RETURNING epoch, generation, provider`,
    [tenantId, sourceId, desired],
  );
  if (source === undefined) throw new Error('the mailbox of a deletion is not there');
  const event = plainEvent('wish', { from: 'stopped', to: desired, reason: 'keep', actor });
  await insertEvent(sql, { tenantId, sourceId }, { event, alternationsKept: null });
  const to = desired === 'running' ? 'connecting' : desired;
  await changeState(sql, { tenantId, sourceId }, { to, from: ['deleting'], cause: { kind: 'wish', actor } });
  return { deletion, mailbox: { ...source, desired } };
}

/**
 * Deletions of mailboxes of all tenants that have not ended, and whose undo window is over; not those that are part of another deletion,
 * which starts them itself. At most 200, of more any, so that those that run already stand in nobody's way for long. Starting one that runs
 * changes nothing.
 */
export function unfinishedDeletions(db: Database): Promise<{ tenantId: string; mailboxId: string }[]> {
  return db.acrossTenants((sql) =>
    sql.query(
      `SELECT "tenantId", "mailboxId" FROM (
         SELECT tenant_id AS "tenantId", target_id AS "mailboxId", begins_at FROM deletion
         WHERE kind = 'mailbox' AND parent_id IS NULL AND state NOT IN ('done', 'cancelled') AND begins_at <= now()
         ORDER BY random() LIMIT 200) picked ORDER BY begins_at`,
    ),
  );
}

/** Mailboxes of all tenants that are being deleted as a part of another deletion; at most 200, of more any. */
export function partsUnderWay(db: Database): Promise<{ tenantId: string; mailboxId: string }[]> {
  return db.acrossTenants((sql) =>
    sql.query(
      `SELECT tenant_id AS "tenantId", target_id AS "mailboxId" FROM deletion
       WHERE kind = 'mailbox' AND parent_id IS NOT NULL AND state IN ('stopping', 'deleting', 'verifying')
       ORDER BY random() LIMIT 200`,
    ),
  );
}
