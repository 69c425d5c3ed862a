import { proxyActivities } from '@temporalio/workflow';

import type { Activities } from '../activities';
import { importOptions } from './activity-options';

const activities = proxyActivities<Pick<Activities, 'housekeep'>>({
  ...importOptions,
  summary: 'free what nothing refers to',
});

/** One run of the schedule: frees bytes that nothing refers to and completes the search. */
export async function housekeep(): Promise<string> {
  const { blobsSwept, messagesIndexed } = await activities.housekeep();
  return `${blobsSwept} orphaned blobs deleted, ${messagesIndexed} messages made searchable`;
}
