import type { DesiredState, MailboxState } from '../../domain/mailbox-state';
import type { Database } from '../database';
import type { FencedSource } from '../ingest/source-lock';
import { endSyncOperations } from './sync-operations';

/** How a round ended well. `roundBegunAt` is by the database's clock. */
export interface RoundSuccess {
  roundBegunAt: Date;
  recorded: number;
  filtered: number;
  parked: number;
}

/** A round has ended well: the mailbox is live, and who asked for a `sync` before it began has it. Second run: only the time moves. */
export async function recordRoundSuccess(db: Database, source: FencedSource, success: RoundSuccess): Promise<void> {
  await db.inTenant(source.tenantId, async (sql) => {
    const touched = await sql.execute(
      `UPDATE mailbox m SET last_success_at = now(), failed_rounds = 0, last_error = NULL, state = 'live', state_reason = NULL,
         state_until = NULL, state_since = CASE WHEN m.state = 'live' THEN m.state_since ELSE now() END
       FROM source s WHERE s.tenant_id = $1 AND s.id = $2 AND s.epoch = $3 AND s.generation = $4
         AND m.tenant_id = s.tenant_id AND m.source_id = s.id`,
      [source.tenantId, source.sourceId, source.fence.epoch, source.fence.generation],
    );
    if (touched === 0) return;
    const { roundBegunAt, ...result } = success;
    await endSyncOperations(sql, { ...source, askedBy: roundBegunAt }, { state: 'done', result });
  });
}

/** How a round failed. Codes only: never a server's words, an address or a path. */
export interface RoundFailure {
  state: MailboxState;
  kind: string;
  code: string;
  operation: string;
  retryAfterMs: number | null;
  /** By the database's clock; null where it was no round, but another work on the mailbox that failed. */
  roundBegunAt: Date | null;
}

/**
 * A round has failed: state, reason and, where it will be tried again, until when. Who asked for a `sync` before it began is told.
 * Second run: one failed round more.
 */
export async function recordRoundFailure(db: Database, source: FencedSource, failure: RoundFailure): Promise<void> {
  await db.inTenant(source.tenantId, async (sql) => {
    const touched = await sql.execute(
      `UPDATE mailbox m SET failed_rounds = failed_rounds + 1, state = $5, state_reason = $6,
         state_since = CASE WHEN m.state = $5 AND m.state_reason = $6 THEN m.state_since ELSE now() END,
         state_until = now() + $7::double precision * interval '1 millisecond',
         last_error = jsonb_build_object('kind', $8::text, 'code', $6::text, 'operation', $9::text, 'at', now())
       FROM source s WHERE s.tenant_id = $1 AND s.id = $2 AND s.epoch = $3 AND s.generation = $4
         AND m.tenant_id = s.tenant_id AND m.source_id = s.id`,
      [
        source.tenantId,
        source.sourceId,
        source.fence.epoch,
        source.fence.generation,
        failure.state,
        failure.code,
        failure.retryAfterMs,
        failure.kind,
        failure.operation,
      ],
    );
    const { roundBegunAt, kind, code } = failure;
    if (touched === 0 || roundBegunAt === null) return;
    await endSyncOperations(sql, { ...source, askedBy: roundBegunAt }, { state: 'failed', error: { kind, code } });
  });
}

const stateOfWish: Record<DesiredState, MailboxState> = { running: 'connecting', paused: 'paused', stopped: 'stopped' };

/**
 * The workflow has carried out the newest wish: its generation is noted, the mailbox says so, and the operations that wait for it,
 * or for an older one, end; so does a `sync` where there will be no round. Second run: no change.
 */
export async function recordWishApplied(
  db: Database,
  ref: { tenantId: string; mailboxId: string },
): Promise<{ desired: DesiredState; generation: number; epoch: number } | null> {
  return db.inTenant(ref.tenantId, async (sql) => {
    const values = [ref.tenantId, ref.mailboxId];
    const [source] = await sql.query<{ desired_state: DesiredState; generation: number; epoch: number; read_at: Date }>(
      `UPDATE source SET applied_generation = generation WHERE tenant_id = $1 AND id = $2 AND deleted_at IS NULL
       RETURNING desired_state, generation, epoch, now() AS read_at`,
      values,
    );
    if (source === undefined) return null;
    await sql.execute(
      `UPDATE mailbox SET state = $3, state_reason = NULL, state_until = NULL, state_since = now()
       WHERE tenant_id = $1 AND source_id = $2 AND state <> $3
         AND ($3 <> 'connecting' OR state IN ('paused', 'stopped', 'stopping'))`,
      [...values, stateOfWish[source.desired_state]],
    );
    await sql.execute(
      `UPDATE operation SET state = CASE WHEN generation = $3 THEN 'done' ELSE 'superseded' END,
         started_at = coalesce(started_at, now()), finished_at = now()
       WHERE tenant_id = $1 AND source_id = $2 AND generation <= $3 AND kind IN ('start', 'pause', 'resume', 'stop')
         AND state IN ('waiting', 'running')`,
      [...values, source.generation],
    );
    if (source.desired_state !== 'running') {
      const ended = { tenantId: ref.tenantId, sourceId: ref.mailboxId, askedBy: source.read_at };
      await endSyncOperations(sql, ended, { state: 'failed', error: { code: source.desired_state } });
    }
    return { desired: source.desired_state, generation: source.generation, epoch: source.epoch };
  });
}
