import { overdueRemovals } from '../../db/removals/overdue';
import { desiredMailbox } from '../../db/sync/desired-mailboxes';
import { mailboxesToImport, waitingMailboxes, type WaitingMailbox } from '../../db/sync/waiting-work';
import type { ActivityContext, ActivityRun, OpenWork } from '../context';
import type { Pace } from './pace';
import type { Finding, Tallies } from './tally';

/** Work that was heard of so lately goes on, however long it has taken. */
const heardLatelyMs = 120_000;
/** A workflow task is tried again at once after a lost worker; so often only after errors of its own. */
const failingAttempts = 4;
/** An import is started by a round: a live mailbox without one has lost it. */
const settledMs = 120_000;

/**
 * Finds mailboxes for which work has waited too long while nothing moves, and helps: a workflow whose task keeps failing is begun anew, for
 * all that it needs is in Postgres; others are reminded. Second run: the same again, for those that still wait.
 */
export async function helpStuck(
  context: ActivityContext,
  run: ActivityRun,
  { tallies, pace }: { tallies: Tallies; pace: Pace },
): Promise<void> {
  const { stuckAfterMs, safetyTimerMs } = context.limits;
  for (const waiting of await waitingMailboxes(context.db, { waitedMs: stuckAfterMs, safetyMs: safetyTimerMs })) {
    run.signal.throwIfAborted();
    await pace();
    const finding = await help(context, waiting);
    run.heartbeat();
    if (finding === null) continue;
    tallies.count(waiting.tenantId, 'stuck');
    tallies.find(waiting.tenantId, finding);
  }
}

/** Null where work is under way after all, or none is there, which is for those to mend who start what is missing. */
async function help(context: ActivityContext, waiting: WaitingMailbox): Promise<Finding | null> {
  const { engine } = context;
  const { mailboxId, reason } = waiting;
  const open = await engine.openWork(mailboxId);
  if (reason === 'stop-waits') {
    await engine.stop(waiting);
    return { mailboxId, reason, action: 'stopped' };
  }
  const work = open.find(({ kind }) => kind === 'rounds');
  const mailbox = work === undefined ? null : await desiredMailbox(context.db, waiting);
  if (work === undefined || mailbox === null) return null;
  if (work.taskAttempts >= failingAttempts) {
    await engine.terminate(work, 'its workflow task kept failing');
    await engine.start(mailbox);
    return { mailboxId, reason: 'workflow-task-fails', action: 'restarted' };
  }
  if (moves(work, context.now())) return null;
  await engine.start(mailbox);
  await engine.poke(mailboxId, 'reconcile');
  return { mailboxId, reason, action: 'reminded' };
}

function moves({ heardAt }: OpenWork, now: number): boolean {
  return heardAt !== null && now - heardAt < heardLatelyMs;
}

/** A round carries removals out when their time has come; what is so long overdue has lost its timer. */
const removalsOverdueMs = 120_000;

/** Asks for a round where removals are overdue: their time is in Postgres, whatever became of a timer. Returns how many. */
export async function remindOfRemovals(context: ActivityContext, run: ActivityRun, pace: Pace): Promise<number> {
  const overdue = await overdueRemovals(context.db, removalsOverdueMs);
  for (const mailboxId of overdue) {
    run.signal.throwIfAborted();
    await pace();
    await context.engine.poke(mailboxId, 'reconcile');
    run.heartbeat();
  }
  return overdue.length;
}

/** Asks for a round where history is left and nobody imports it: the round starts the import. Returns how many. */
export async function remindOfImports(context: ActivityContext, run: ActivityRun, pace: Pace): Promise<number> {
  const left = await mailboxesToImport(context.db, settledMs);
  if (left.length === 0) return 0;
  const running = await context.engine.runningImports();
  const idle = left.filter((mailboxId) => !running.has(mailboxId));
  for (const mailboxId of idle) {
    run.signal.throwIfAborted();
    await pace();
    await context.engine.poke(mailboxId, 'reconcile');
    run.heartbeat();
  }
  return idle.length;
}
