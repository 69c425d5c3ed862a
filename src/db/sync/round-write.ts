import type { FailureReach } from '../../domain/failure';
import { mailboxStates, type DesiredState, type MailboxState } from '../../domain/mailbox-state';
import type { Database } from '../database';
import { systemActor } from '../events/event-write';
import { changeState, lockForState, type StateChange } from '../events/state-write';
import { foldersOnRecord, type FolderOnRecord } from '../ingest/folder-read';
import type { FencedSource } from '../ingest/source-lock';
import { endSyncOperations } from './sync-operations';

/** How a round ended well. `roundBegunAt` is by the database's clock. */
export interface RoundSuccess {
  roundBegunAt: Date;
  recorded: number;
  filtered: number;
  parked: number;
  /** The code of what it has not got all the same; null or left out where it has all. */
  still?: string | null;
  /** How many changes to and fro of a flapping server the history shows one by one. */
  alternationsKept: number;
}

/**
 * A round has ended well: the mailbox is live, and who asked for a `sync` before it began has it. The folders as they are on record then;
 * after a newer wish nothing but those. Second run: only the time moves.
 */
export async function recordRoundSuccess(
  db: Database,
  source: FencedSource,
  success: RoundSuccess,
): Promise<FolderOnRecord[]> {
  return db.preparedInTenant(source.tenantId, async (sql) => {
    if (!(await lockForState(sql, source, source.fence))) return foldersOnRecord(sql, source);
    const { roundBegunAt, alternationsKept, still = null, ...result } = success;
    const [, , folders] = await Promise.all([
      changeState(sql, source, { to: 'live', from: null, cause: { kind: 'round-succeeded', still, alternationsKept } }),
      endSyncOperations(sql, { ...source, askedBy: roundBegunAt }, { state: 'done', result }),
      foldersOnRecord(sql, source),
    ]);
    return folders;
  });
}

/** How a round failed. Codes only: never a server's words, an address or a path. */
export interface RoundFailure {
  state: MailboxState;
  kind: string;
  code: string;
  operation: string;
  /** `folder`: the others were looked at. */
  reach?: FailureReach | undefined;
  retryAfterMs: number | null;
  /** By the database's clock; null where it was no round, but another work on the mailbox that failed. */
  roundBegunAt: Date | null;
  /** How many changes to and fro of a flapping server the history shows one by one. */
  alternationsKept: number;
}

/**
 * A round has failed: state, reason and, where it will be tried again, until when. Who asked for a `sync` before it began is told.
 * Second run: one failed round more.
 */
export async function recordRoundFailure(db: Database, source: FencedSource, failure: RoundFailure): Promise<void> {
  await db.inTenant(source.tenantId, async (sql) => {
    if (!(await lockForState(sql, source, source.fence))) return;
    const { state, kind, code, operation, reach = 'account', retryAfterMs, roundBegunAt, alternationsKept } = failure;
    const error = { kind, code, operation };
    const cause = { kind: 'round-failed', error, reach, retryAfterMs, alternationsKept } as const;
    await changeState(sql, source, { to: state, from: null, cause });
    if (roundBegunAt === null) return;
    await endSyncOperations(sql, { ...source, askedBy: roundBegunAt }, { state: 'failed', error: { kind, code } });
  });
}

const cause = { kind: 'wish', actor: systemActor } as const;

/** A mailbox that runs already goes on in the state that it is in. */
const stateOfWish: Record<'running' | 'paused', StateChange> = {
  running: { to: 'connecting', from: ['paused', 'stopped', 'stopping'], cause },
  paused: { to: 'paused', from: mailboxStates.filter((state) => state !== 'paused'), cause },
};

interface AppliedWish {
  desired: DesiredState;
  generation: number;
  epoch: number;
}

/**
 * The workflow has carried out the newest wish: its generation is noted, the mailbox says so, and the operations that wait for it,
 * or for an older one, end; so does a `sync` where there will be no round. That a mailbox has stopped is for `recordStopped` to say, when
 * nothing of it is open any more. Second run: no change.
 */
export async function recordWishApplied(
  db: Database,
  ref: { tenantId: string; mailboxId: string },
): Promise<AppliedWish | null> {
  return db.inTenant(ref.tenantId, async (sql) => {
    const values = [ref.tenantId, ref.mailboxId];
    const [source] = await sql.query<AppliedWish & { readAt: Date }>(
      `SELECT desired_state AS desired, generation, epoch, now() AS "readAt" FROM source
       WHERE tenant_id = $1 AND id = $2 AND deleted_at IS NULL FOR UPDATE`,
      values,
    );
    if (source === undefined) return null;
    const { desired, generation, epoch, readAt } = source;
    if (desired === 'stopped') return { desired, generation, epoch };
    await sql.execute('UPDATE source SET applied_generation = generation WHERE tenant_id = $1 AND id = $2', values);
    await changeState(sql, { tenantId: ref.tenantId, sourceId: ref.mailboxId }, stateOfWish[desired]);
    await sql.execute(
      `UPDATE operation SET state = CASE WHEN generation = $3 THEN 'done' ELSE 'superseded' END,
         started_at = coalesce(started_at, now()), finished_at = now()
       WHERE tenant_id = $1 AND source_id = $2 AND generation <= $3 AND kind IN ('start', 'pause', 'resume', 'stop')
         AND state IN ('waiting', 'running')`,
      [...values, generation],
    );
    if (desired === 'paused') {
      const ended = { tenantId: ref.tenantId, sourceId: ref.mailboxId, askedBy: readAt };
      await endSyncOperations(sql, ended, { state: 'failed', error: { code: desired } });
    }
    return { desired, generation, epoch };
  });
}
