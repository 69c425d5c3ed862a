import {
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  isCancellation,
  proxyActivities,
  workflowInfo,
} from '@temporalio/workflow';

import type { Activities } from '../activities';
import { publicId } from '../domain/ids';
import { roundOptions, rowOptions } from './activity-options';
import { listen } from './mailbox-listen';
import { afterRound } from './mailbox-after-round';
import { beginRun, carriedBy, type MailboxRun, type MailboxRunInput } from './mailbox-run';
import { showStatus } from './mailbox-story';

const { applyWish } = proxyActivities<Pick<Activities, 'applyWish'>>({
  ...rowOptions,
  summary: 'take up the newest wish',
});

/**
 * One mailbox, for as long as it is connected: parked until it is poked or the refresh time is over, then a round. Pokes that come during
 * a round make one more round. It backs off after failures, waits for a password without trying, pauses and stops as wished, and ends
 * with a sentence. Cancelled, it leaves off what it does, and ends where that is wished; else it begins anew. Ids only in its history.
 */
export async function mailboxSync(input: MailboxRunInput): Promise<string> {
  const run = beginRun(input);
  listen(run);
  try {
    return await liveOn(run);
  } catch (error) {
    if (!isCancellation(error)) throw error;
    return CancellationScope.nonCancellable(() => leaveOff(run));
  }
}

async function liveOn(run: MailboxRun): Promise<string> {
  for (;;) {
    if (run.wishIsNew) await takeUpWish(run);
    else if (run.desired === 'stopped') await condition(() => allHandlersFinished() || run.wishIsNew);
    else if (run.desired === 'running' && run.isDue) await goRound(run);
    else await park(run);
    // A wish that comes at the last moment is taken up.
    if (run.desired === 'stopped' && !run.wishIsNew && allHandlersFinished()) return end(run);
  }
}

async function leaveOff(run: MailboxRun): Promise<string> {
  do {
    await takeUpWish(run);
    // Whoever waits for a round is told first that there will be none; meanwhile a newer wish may come.
    await condition(allHandlersFinished);
  } while (run.wishIsNew);
  if (run.desired !== 'stopped') await continueAsNew<typeof mailboxSync>(carriedBy(run));
  run.why = `${run.why}, cancelled`;
  return end(run);
}

async function takeUpWish(run: MailboxRun): Promise<void> {
  run.wishIsNew = false;
  const wish = await applyWish(run.mailbox);
  if (wish.kind === 'gone') {
    run.desired = 'stopped';
    run.why = 'the mailbox is no more';
    return;
  }
  run.desired = wish.desired;
  run.fence = { epoch: wish.epoch, generation: wish.generation };
  run.waitingFor = null;
  run.isDue = true;
}

async function goRound(run: MailboxRun): Promise<void> {
  run.isDue = false;
  run.isAskedFor = false;
  run.isPressing = false;
  run.notBefore = 0;
  run.roundsBegun += 1;
  showStatus(run.story, { doing: 'a round over the folders', status: null });
  const { runRound } = proxyActivities<Pick<Activities, 'runRound'>>({
    ...roundOptions,
    summary: `a round over the folders of ${publicId('mailbox', run.mailbox.mailboxId)}`,
  });
  const result = await runRound({ ...run.mailbox, fence: run.fence, unprovenBefore: run.unproven });
  run.story.rounds += 1;
  if (result.kind === 'superseded') run.wishIsNew = true;
  else await afterRound(run, result);
  run.last = result;
  run.roundsEnded = run.roundsBegun;
}

const eventsPerRun = 2_000;

/** Waits for a wish, a poke or the timer; between two of them is the place to begin a new run with a short history. */
async function park(run: MailboxRun): Promise<void> {
  if (run.desired === 'paused') {
    run.timer.stop();
    showStatus(run.story, { doing: 'paused; goes on when it is resumed', status: 'paused' });
  }
  const hasWork = () => run.wishIsNew || (run.isDue && run.desired === 'running');
  const info = workflowInfo();
  if (info.continueAsNewSuggested || info.historyLength > eventsPerRun) {
    // Whoever waits for the round that has just ended gets the answer first.
    await condition(() => allHandlersFinished() || hasWork());
    if (allHandlersFinished()) await continueAsNew<typeof mailboxSync>(carriedBy(run));
  }
  await condition(hasWork);
}

/** The result is what a person reads in the list of closed workflows. */
function end({ story, why, timer }: MailboxRun): string {
  timer.stop();
  showStatus(story, { doing: why, status: 'stopped' });
  return `${why} after ${String(story.rounds)} rounds, ${String(story.recorded)} messages recorded, ${String(story.parked)} parked`;
}
