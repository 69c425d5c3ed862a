import { continueAsNew, proxyActivities, workflowInfo } from '@temporalio/workflow';

import type { Activities } from '../activities';
import { importOptions } from './activity-options';
import type { RematchInput } from './contract';

const { rematchHistory } = proxyActivities<Pick<Activities, 'rematchHistory'>>({
  ...importOptions,
  summary: 'link stored mail again, or tell anew who reads it',
});

/** Links history again after addresses of records changed, or tells anew who may read it, a minute's work at a time. */
export async function rematch(input: RematchInput): Promise<string> {
  while ((await rematchHistory(input)).kind === 'more') {
    if (workflowInfo().continueAsNewSuggested) await continueAsNew<typeof rematch>(input);
  }
  return 'stored mail is as its links and readers are now';
}
