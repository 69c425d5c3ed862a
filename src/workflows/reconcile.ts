import { proxyActivities, setCurrentDetails } from '@temporalio/workflow';

import type { Activities } from '../activities';
import type { ReconcileResult } from '../activities/reconcile-mailboxes';
import { roundOptions } from './activity-options';

const { reconcileMailboxes } = proxyActivities<Pick<Activities, 'reconcileMailboxes'>>({
  ...roundOptions,
  summary: 'start what should run and does not',
});

// What it cannot do now is done in the next minute.
const { watchHealth } = proxyActivities<Pick<Activities, 'watchHealth'>>({
  ...roundOptions,
  retry: { maximumAttempts: 3 },
  summary: 'tell people whose mailbox is not well',
});

/** One run of the schedule: makes the running workflows match the wishes in Postgres, then tells people whose mailbox is not well. */
export async function reconcile(): Promise<string> {
  setCurrentDetails('**compares what runs with what should**');
  const done = await reconcileMailboxes();
  const report = reportOf(done);
  setCurrentDetails(`**tells people whose mailbox is not well**\n\n${report}`);
  const { told } = await watchHealth();
  const all = `${report}, ${String(told)} told`;
  setCurrentDetails(`**done**\n\n${all}`);
  return all;
}

function reportOf(done: ReconcileResult): string {
  const counts = [
    `${String(done.desired)} desired`,
    `${String(done.running)} running`,
    `${String(done.started)} started`,
    `${String(done.reminded)} reminded`,
    `${String(done.ended)} ended`,
    `${String(done.stuck)} stuck`,
    `${String(done.poked)} looked at by the clock`,
    `${String(done.audits)} audits`,
    `${String(done.rematches)} rematches`,
    `${String(done.deletions)} deletions`,
  ];
  const idle = done.queuesWithoutWorkers.map((queue) => `nobody works on ${queue}`);
  return [...counts, ...idle].join(', ');
}
