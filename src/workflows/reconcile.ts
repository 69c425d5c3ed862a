import { proxyActivities } from '@temporalio/workflow';

import type { Activities } from '../activities';
import { roundOptions } from './activity-options';

const { reconcileMailboxes } = proxyActivities<Pick<Activities, 'reconcileMailboxes'>>({
  ...roundOptions,
  summary: 'start what should run and does not',
});

/** One run of the schedule: makes the running workflows match the wishes in Postgres. */
export async function reconcile(): Promise<string> {
  const { desired, running, started, reminded, rematches } = await reconcileMailboxes();
  return `${desired} desired, ${running} running, ${started} started, ${reminded} reminded, ${rematches} rematches`;
}
