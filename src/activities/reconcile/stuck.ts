import { overdueRemovals } from '../../db/removals/overdue';
import { desiredMailbox } from '../../db/sync/desired-mailboxes';
import { mailboxesToImport, waitingMailboxes, workAtRest, type WaitingMailbox } from '../../db/sync/waiting-work';
import { publicId } from '../../domain/ids';
import type { ActivityContext, OpenWork } from '../context';
import { endIfFailing, failingAttempts, whyEnded } from './failing-run';
import { inTurn, type Turns } from './in-turn';
import { foundFailing, type Finding, type Tallies } from './tally';

/** Work that was heard of so lately goes on, however long it has taken. */
const heardLatelyMs = 120_000;
/** An import is started by a round: a live mailbox without one has lost it. */
const settledMs = 120_000;

/**
 * Finds mailboxes for which work has waited too long while nothing moves, and helps: a workflow whose task keeps failing is begun anew, for
 * all that it needs is in Postgres; others are reminded. Second run: the same again, for those that still wait.
 */
export async function helpStuck(context: ActivityContext, turns: Turns, tallies: Tallies): Promise<void> {
  const { stuckAfterMs, safetyTimerMs } = context.limits;
  for (const waiting of await waitingMailboxes(context.db, { waitedMs: stuckAfterMs, safetyMs: safetyTimerMs })) {
    await inTurn(turns, about('not helped', waiting.mailboxId), async () => {
      const finding = await help(context, waiting);
      if (finding === null) return;
      tallies.count(waiting.tenantId, 'stuck');
      tallies.find(waiting.tenantId, finding);
    });
  }
}

/** Null where work is under way after all, or none is there, which is for those to mend who start what is missing. */
async function help(context: ActivityContext, waiting: WaitingMailbox): Promise<Finding | null> {
  const { engine } = context;
  const { mailboxId, reason } = waiting;
  if (reason === 'stop-waits') return stopAgain(context, waiting, reason);
  const work = (await engine.openWork(mailboxId)).find(({ kind }) => kind === 'rounds');
  const mailbox = work === undefined ? null : await desiredMailbox(context.db, waiting);
  if (work === undefined || mailbox === null) return null;
  if (work.taskAttempts >= failingAttempts) {
    await engine.terminate(work, whyEnded);
    await engine.start(mailbox);
    return { mailboxId, reason: 'workflow-task-fails', action: 'restarted' };
  }
  if (moves(work, context.now())) return null;
  await engine.start(mailbox);
  await engine.poke(mailboxId, 'reconcile');
  return { mailboxId, reason, action: 'reminded' };
}

/** Stops a mailbox, and says why that stands out: the stop that was begun before is told, or begun anew where it cannot go on. */
export async function stopAgain(
  context: ActivityContext,
  { tenantId, mailboxId }: { tenantId: string; mailboxId: string },
  reason: string,
): Promise<Finding> {
  const standing = await endIfFailing(context, { kind: 'stop', id: mailboxId });
  await context.engine.stop({ tenantId, mailboxId });
  if (standing === 'ended') return { mailboxId, reason: 'workflow-task-fails', action: 'restarted' };
  return { mailboxId, reason, action: 'stopped' };
}

function moves({ heardAt }: OpenWork, now: number): boolean {
  return heardAt !== null && now - heardAt < heardLatelyMs;
}

/**
 * Begins anew imports and audits that nothing has been heard of for long and whose workflow task keeps failing. Second run: one that was begun
 * anew is left alone.
 */
export async function helpWorkAtRest(context: ActivityContext, turns: Turns, tallies: Tallies): Promise<void> {
  const { db, engine, limits } = context;
  for (const { kind, ...work } of await workAtRest(db, limits.stuckAfterMs)) {
    const { tenantId, mailboxId } = work;
    await inTurn(turns, about(`${kind} not helped`, mailboxId), async () => {
      if ((await endIfFailing(context, { kind, id: mailboxId })) !== 'ended') return;
      foundFailing(tallies, tenantId, { mailboxId });
      // An import is started by a round.
      await (kind === 'import' ? engine.poke(mailboxId, 'reconcile') : engine.startAudit(work));
    });
  }
}

/** A round carries removals out when their time has come; what is so long overdue has lost its timer. */
const removalsOverdueMs = 120_000;

/** Asks for a round where removals are overdue: their time is in Postgres, whatever became of a timer. Returns how many. */
export async function remindOfRemovals(context: ActivityContext, turns: Turns): Promise<number> {
  const overdue = await overdueRemovals(context.db, removalsOverdueMs);
  await pokeEach(context, turns, overdue);
  return overdue.length;
}

/** Asks for a round where history is left and nobody imports it: the round starts the import. Returns how many. */
export async function remindOfImports(context: ActivityContext, turns: Turns): Promise<number> {
  const left = await mailboxesToImport(context.db, settledMs);
  if (left.length === 0) return 0;
  const running = await context.engine.runningImports();
  const idle = left.filter((mailboxId) => !running.has(mailboxId));
  await pokeEach(context, turns, idle);
  return idle.length;
}

async function pokeEach({ engine }: ActivityContext, turns: Turns, mailboxIds: string[]): Promise<void> {
  for (const mailboxId of mailboxIds)
    await inTurn(turns, about('no round asked for', mailboxId), () => engine.poke(mailboxId, 'reconcile'));
}

function about(what: string, mailboxId: string) {
  return { what, ids: { mailboxId: publicId('mailbox', mailboxId) } };
}
