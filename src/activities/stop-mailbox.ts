import { setTimeout as sleep } from 'node:timers/promises';

import type { InFlight, StopReport } from '../domain/stop';
import { desiredMailbox } from '../db/sync/desired-mailboxes';
import { recordStopBegun, recordStopped, stopWish } from '../db/sync/stop-write';
import type { ActivityContext, ActivityRun, OpenWork } from './context';

interface MailboxRef {
  tenantId: string;
  mailboxId: string;
}

/** What is under way, or that the mailbox is to run by now. */
export type StopBegun = { kind: 'begun'; inFlight: InFlight } | { kind: 'goes-on' };

/** Notes that a stop is being carried out, and counts what is under way. Second run: counts again. */
export async function beginStop(context: ActivityContext, ref: MailboxRef): Promise<StopBegun> {
  const wish = await stopWish(context.db, ref);
  if (wish.kind === 'goes-on') return wish;
  await recordStopBegun(context.db, ref);
  const inFlight: InFlight = { rounds: 0, imports: 0, audits: 0 };
  for (const { kind, isBusy } of await context.engine.openWork(ref.mailboxId)) if (isBusy) inFlight[kind] += 1;
  return { kind: 'begun', inFlight };
}

/** How a mailbox's work is brought to its end: told of the wish, asked to leave off, cut off. */
export type StopStep = 'drain' | 'cancel' | 'terminate';

/** `closed` when nothing is open any more. */
export type StepResult = 'closed' | 'open' | 'goes-on';

const firstPauseMs = 50;
const longestPauseMs = 1_000;

/**
 * Carries out one step at all that is open of a mailbox, also at what opens meanwhile, and looks until nothing is or the step's time is
 * over. Second run: the same again; work that has ended stays so.
 */
export async function bringToEnd(
  context: ActivityContext,
  run: ActivityRun,
  input: MailboxRef & { step: StopStep },
): Promise<StepResult> {
  const { stopDrainMs, stopCancelMs } = context.limits;
  const endsAt = context.now() + (input.step === 'drain' ? stopDrainMs : stopCancelMs);
  const nudged = new Set<string>();
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
    run.signal.throwIfAborted();
    const wish = await stopWish(context.db, input);
    if (wish.kind === 'goes-on') return 'goes-on';
    const open = await context.engine.openWork(input.mailboxId);
    if (open.length === 0) return 'closed';
    for (const work of open) {
      // A wish that is newer still is told once more.
      const key = `${work.runId} ${String(wish.generation)}`;
      if (!nudged.has(key)) await nudge(context, work, { step: input.step, generation: wish.generation });
      nudged.add(key);
    }
    if (context.now() >= endsAt) return leftOpen(input.step);
    run.heartbeat();
    await sleep(pauseMs, undefined, { signal: run.signal });
  }
}

/** What is terminated is closed at once. A server that says otherwise is asked again, by another run of the activity. */
function leftOpen(step: StopStep): 'open' {
  if (step === 'terminate') throw new Error('work is open that was terminated');
  return 'open';
}

function nudge(
  { engine }: ActivityContext,
  work: OpenWork,
  { step, generation }: { step: StopStep; generation: number },
): Promise<void> {
  switch (step) {
    case 'drain':
      return engine.tell(work, { generation, desired: 'stopped' });
    case 'cancel':
      return engine.cancel(work);
    case 'terminate':
      return engine.terminate(work, 'it was stopped, and did not end when it was cancelled');
  }
}

/**
 * Writes down that a mailbox has stopped, and how. One that is to run by now is started, for this stop may just have ended it.
 * Second run: no change.
 */
export async function finishStop(
  context: ActivityContext,
  { report, ...ref }: MailboxRef & { report: StopReport },
): Promise<'stopped' | 'goes-on'> {
  const wish = await recordStopped(context.db, ref, report);
  if (wish.kind === 'stop') return 'stopped';
  await goOn(context, ref);
  return 'goes-on';
}

/** Starts a mailbox that is to run after all. Second run: the workflow that runs is used. */
export async function goOn(context: ActivityContext, ref: MailboxRef): Promise<void> {
  const mailbox = await desiredMailbox(context.db, ref);
  if (mailbox !== null) await context.engine.start(mailbox);
}
