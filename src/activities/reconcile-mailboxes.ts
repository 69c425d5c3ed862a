import { setTimeout as sleep } from 'node:timers/promises';

import { unfinishedDeletions } from '../db/deletion/deletions';
import { unfinishedRematches } from '../db/records-rematch';
import { desiredMailboxes } from '../db/sync/desired-mailboxes';
import type { ActivityContext, ActivityRun } from './context';
import { pokeUnwatched } from './shard/poke-unwatched';

export interface ReconcileResult {
  desired: number;
  running: number;
  started: number;
  reminded: number;
  /** Mailboxes that nobody watches, and that were looked at by the clock. */
  poked: number;
  /** Jobs that link stored mail again and that nobody was running. */
  rematches: number;
  /** Deletions that have not ended. */
  deletions: number;
}

const unattendedAfterMs = 60_000;

/**
 * Makes the running workflows match the wishes in Postgres: starts what should run and does not, at most so many a second and the most
 * recently active first, and reminds a workflow of a wish it has not taken up. Second run: a start or a reminder too many is a no-op.
 */
export async function reconcileMailboxes(context: ActivityContext, run: ActivityRun): Promise<ReconcileResult> {
  const desired = await desiredMailboxes(context.db);
  const running = await context.engine.runningMailboxes();
  const result = {
    desired: desired.length,
    running: running.size,
    started: 0,
    reminded: 0,
    poked: 0,
    rematches: 0,
    deletions: 0,
  };
  const pauseMs = 1_000 / context.limits.reconcileStartsPerSecond;
  for (const mailbox of desired) {
    if (run.signal.aborted) break;
    const isRunning = running.has(mailbox.mailboxId);
    if (isRunning && mailbox.applied) continue;
    await (isRunning ? context.engine.remind(mailbox) : context.engine.start(mailbox));
    result[isRunning ? 'reminded' : 'started'] += 1;
    run.heartbeat();
    await sleep(pauseMs);
  }
  await context.engine.ensureShards();
  result.poked = await pokeUnwatched(context, run);
  for (const job of await unfinishedRematches(context.db, unattendedAfterMs)) {
    await context.engine.startRematch(job);
    result.rematches += 1;
  }
  for (const mailbox of await unfinishedDeletions(context.db)) {
    await context.engine.startDeletion(mailbox);
    result.deletions += 1;
  }
  return result;
}
