import { continueAsNew, proxyActivities } from '@temporalio/workflow';

import type { Activities } from '../activities';
import { importOptions } from './activity-options';
import type { ReprocessInput } from './contract';
import { workThrough } from './held-job';

/**
 * Reads stored mail again with the parser of today, a minute's work at a time, until nothing is left, or somebody has paused the job or called
 * it off: that stands in Postgres, and who lets it go on starts it again. A tenant with very much takes turns with the others.
 */
export async function reprocess(input: ReprocessInput & { looked?: number }): Promise<string> {
  const { tenantId, operationId } = input;
  const { reprocess: reprocessShares } = proxyActivities<Pick<Activities, 'reprocess'>>({
    ...importOptions,
    priority: { ...importOptions.priority, fairnessKey: tenantId },
    summary: 'read stored mail again',
  });
  return workThrough({
    looked: input.looked ?? 0,
    work: () => reprocessShares({ tenantId, operationId }),
    goOn: (looked) => continueAsNew<typeof reprocess>({ tenantId, operationId, looked }),
    doing: 'reads stored mail again',
    what: 'copies',
    said: (looked) => `${String(looked)} copies read again or written`,
  });
}
