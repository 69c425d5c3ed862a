import { leavingAlone, type FailureReach } from '../../domain/failure';
import type { Fence, MailboxState } from '../../domain/mailbox-state';
import type { Sql } from '../database';
import { settleNotices } from '../notices/notice-write';
import { insertEvent, plainEvent, systemActor, type Actor, type MailboxRow } from './event-write';

/** Why a mailbox gets another state, with what belongs to it. */
export type StateCause =
  /** A round has ended well. `still`: the code of what it has not got all the same. */
  | { kind: 'round-succeeded'; still: string | null; alternationsKept: number }
  /**
   * A round has failed; it is tried again after `retryAfterMs`, where it is tried again by itself. One that was put off because a server is left
   * alone says nothing against the server or the mailbox: it is no failure more, and no outage.
   */
  | {
      kind: 'round-failed';
      error: { kind: string; code: string; operation: string };
      /** The account's where absent. */
      reach?: FailureReach;
      retryAfterMs: number | null;
      alternationsKept: number;
    }
  /** Somebody wished it, or a wish was carried out. `until`: when it ends by itself. */
  | { kind: 'wish'; actor: Actor; until?: Date | null }
  /** There is another way to log in: failures with the old one are forgotten. */
  | { kind: 'new-access'; actor: Actor };

export interface StateChange {
  to: MailboxState;
  /** Only a mailbox in one of these is changed; null: whatever it is in. */
  from: readonly MailboxState[] | null;
  cause: StateCause;
}

/** A folder alone keeps the mailbox from nothing that is done for the others (`can-be-asked.ts`). */
function reachOf({ reach }: Extract<StateCause, { kind: 'round-failed' }>): { reach?: 'folder' } {
  return reach === 'folder' ? { reach } : {};
}

function reasonOf(cause: StateCause): string | null {
  if (cause.kind === 'round-failed') return cause.error.code;
  return cause.kind === 'round-succeeded' ? cause.still : null;
}

interface Changed {
  from_state: MailboxState;
  from_reason: string | null;
  state_since: Date;
  state_until: Date | null;
}

/**
 * The only way to another state of a mailbox: state, reason and times are written together with the event, and with the notices that the
 * change raises or clears. The transaction has locked the source. Where nothing changes there is no event. False where the mailbox is in
 * none of the states of `from`, or is not there.
 */
export async function changeState(sql: Sql, mailbox: MailboxRow, change: StateChange): Promise<boolean> {
  const { to, cause } = change;
  const reason = reasonOf(cause);
  const [changed] = await sql.query<Changed>(
    `WITH before AS (SELECT state, state_reason FROM mailbox WHERE tenant_id = $1 AND source_id = $2 AND ($5::text[] IS NULL OR state = ANY ($5)))
     UPDATE mailbox m SET state = $3, state_reason = $4, state_until = coalesce($9::timestamptz, now() + $6::double precision * interval '1 millisecond'),
       state_since = CASE WHEN before.state = $3 AND before.state_reason IS NOT DISTINCT FROM $4 THEN m.state_since
         ELSE date_trunc('milliseconds', clock_timestamp()) END,
       failed_rounds = CASE $7 WHEN 'round-failed' THEN m.failed_rounds + $10::integer WHEN 'wish' THEN m.failed_rounds ELSE 0 END,
       down_since = CASE $7 WHEN 'round-failed' THEN coalesce(m.down_since, CASE WHEN $10::integer > 0 THEN now() END) WHEN 'round-succeeded' THEN NULL ELSE m.down_since END,
       last_success_at = CASE $7 WHEN 'round-succeeded' THEN now() ELSE m.last_success_at END,
       last_error = CASE $7 WHEN 'round-succeeded' THEN NULL WHEN 'round-failed' THEN $8::jsonb || jsonb_build_object('at', now())
         ELSE m.last_error END
     FROM before WHERE m.tenant_id = $1 AND m.source_id = $2
     RETURNING before.state AS from_state, before.state_reason AS from_reason, m.state_since, m.state_until`,
    [
      mailbox.tenantId,
      mailbox.sourceId,
      to,
      reason,
      change.from,
      cause.kind === 'round-failed' ? cause.retryAfterMs : null,
      cause.kind,
      cause.kind === 'round-failed' ? JSON.stringify({ ...cause.error, ...reachOf(cause) }) : null,
      cause.kind === 'wish' ? (cause.until ?? null) : null,
      cause.kind === 'round-failed' && cause.error.operation !== leavingAlone ? 1 : 0,
    ],
  );
  if (changed === undefined) return false;
  if (changed.from_state !== to || changed.from_reason !== reason) await tell(sql, mailbox, { change, changed });
  return true;
}

async function tell(
  sql: Sql,
  mailbox: MailboxRow,
  { change: { to, cause }, changed }: { change: StateChange; changed: Changed },
): Promise<void> {
  const failed = cause.kind === 'round-failed' ? cause : null;
  const event = plainEvent('state', {
    from: changed.from_state,
    to,
    reason: reasonOf(cause),
    until: changed.state_until,
    lastError: failed?.error ?? null,
    actor: 'actor' in cause ? cause.actor : systemActor,
    at: changed.state_since,
  });
  await insertEvent(sql, mailbox, { event, alternationsKept: 'actor' in cause ? null : cause.alternationsKept });
  await settleNotices(sql, mailbox, { noSuccessHours: null });
}

/** Sets a flag of a mailbox or takes it away, with the event and the notices. The transaction has locked the source. Second run: no change. */
export async function changeFlag(
  sql: Sql,
  mailbox: MailboxRow,
  { flag, to }: { flag: string; to: 'set' | 'clear' },
): Promise<void> {
  const changed = await sql.execute(
    `UPDATE mailbox SET flags = CASE WHEN $4 THEN array_append(flags, $3::text) ELSE array_remove(flags, $3::text) END
     WHERE tenant_id = $1 AND source_id = $2 AND ($3::text = ANY (flags)) <> $4`,
    [mailbox.tenantId, mailbox.sourceId, flag, to === 'set'],
  );
  if (changed === 0) return;
  const named = to === 'set' ? { to: flag } : { from: flag };
  const event = plainEvent('flag', { ...named, actor: systemActor });
  await insertEvent(sql, mailbox, { event, alternationsKept: null });
  await settleNotices(sql, mailbox, { noSuccessHours: null });
}

/**
 * Locks the source of a mailbox until the transaction ends, as every change of state needs it. False where it is not there, or, with a
 * fence, has a newer wish.
 */
export async function lockForState(
  sql: Sql,
  { tenantId, sourceId }: MailboxRow,
  fence: Fence | null,
): Promise<boolean> {
  const rows = await sql.query(
    `SELECT FROM source WHERE tenant_id = $1 AND id = $2 AND deleted_at IS NULL
       AND ($3::integer IS NULL OR (epoch = $3 AND generation = $4)) FOR NO KEY UPDATE`,
    [tenantId, sourceId, fence?.epoch ?? null, fence?.generation ?? null],
  );
  return rows.length > 0;
}
