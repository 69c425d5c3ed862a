import { proxyActivities } from '@temporalio/workflow';

import type { Activities } from '../activities';
import type { StopStep } from '../activities/stop-mailbox';
import { publicId } from '../domain/ids';
import { countsOf, type StopEnd, type StopReport } from '../domain/stop';
import { rowOptions, stopOptions } from './activity-options';
import type { MailboxRef } from './contract';

const { beginStop, finishStop, goOn } = proxyActivities<Pick<Activities, 'beginStop' | 'finishStop' | 'goOn'>>({
  ...rowOptions,
  summary: 'note how far the stop is',
});

/** How a stop ended; `goes-on` where somebody wished otherwise meanwhile, and the mailbox runs. */
export type StopOutcome = { kind: 'stopped'; report: StopReport } | { kind: 'goes-on' };

const steps: [StopStep, StopEnd][] = [
  ['drain', 'drained'],
  ['cancel', 'cancelled'],
  ['terminate', 'terminated'],
];

/**
 * Ends all work on a mailbox, its import and its audit: lets it drain, else cancels it, else terminates it, and does not return before
 * nothing is open. For any workflow to call; the wish `stopped` (or the deletion) stands in Postgres before, so that nothing begins anew.
 */
export async function stopForCertain(
  mailbox: MailboxRef,
  tell: (doing: string) => void = () => undefined,
): Promise<StopOutcome> {
  tell('looks at what is under way');
  const begun = await beginStop(mailbox);
  if (begun.kind === 'goes-on') return begun;
  const { inFlight } = begun;
  const counts = countsOf(inFlight);
  tell(`lets the work in flight come to its end: ${counts}`);
  const { bringToEnd } = proxyActivities<Pick<Activities, 'bringToEnd'>>({
    ...stopOptions,
    summary: `bring open work of ${publicId('mailbox', mailbox.mailboxId)} to its end`,
  });
  for (const [step, ended] of steps) {
    const result = await bringToEnd({ ...mailbox, step });
    if (result === 'goes-on') {
      await goOn(mailbox);
      return { kind: 'goes-on' };
    }
    if (result === 'closed') return finished({ ...mailbox, report: { ended, inFlight } });
    tell(`what is open did not end when it was to be ${ended}; in flight when the stop began: ${counts}`);
  }
  throw new Error('what is terminated has ended');
}

async function finished(stop: MailboxRef & { report: StopReport }): Promise<StopOutcome> {
  const wish = await finishStop(stop);
  return wish === 'stopped' ? { kind: 'stopped', report: stop.report } : { kind: 'goes-on' };
}
