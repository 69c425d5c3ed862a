import { proxyActivities } from '@temporalio/workflow';

import type { Activities } from '../activities';
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
  const { desired, running, started, reminded, poked, rematches, deletions } = await reconcileMailboxes();
  const { told } = await watchHealth();
  return `${desired} desired, ${running} running, ${started} started, ${reminded} reminded, ${poked} looked at by the clock, ${rematches} rematches, ${deletions} deletions, ${told} told`;
}
