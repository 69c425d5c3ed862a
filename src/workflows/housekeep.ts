import { proxyActivities, setCurrentDetails } from '@temporalio/workflow';

import type { Activities } from '../activities';
import { importOptions } from './activity-options';

const activities = proxyActivities<Pick<Activities, 'housekeep'>>({
  ...importOptions,
  summary: 'free what nothing refers to',
});

/** One run of the schedule: frees bytes that nothing refers to and completes the search. */
export async function housekeep(): Promise<string> {
  setCurrentDetails('**frees what nothing refers to, and completes the search**');
  const { blobsSwept, messagesIndexed } = await activities.housekeep();
  const report = `${String(blobsSwept)} orphaned blobs deleted, ${String(messagesIndexed)} messages made searchable`;
  setCurrentDetails(`**${report}**`);
  return report;
}
