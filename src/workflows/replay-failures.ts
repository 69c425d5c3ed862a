import { continueAsNew, proxyActivities } from '@temporalio/workflow';

import type { Activities } from '../activities';
import { importOptions } from './activity-options';
import type { ReplayInput } from './contract';
import { workThrough } from './held-job';

/**
 * Replays failures a minute's work at a time, until nothing is left, or somebody has paused the job or called it off: that stands in
 * Postgres, and who lets it go on starts it again. A tenant with very many takes turns with the others.
 */
export async function replayFailures(input: ReplayInput & { looked?: number }): Promise<string> {
  const { tenantId, operationId } = input;
  const { replayFailures: replayShares } = proxyActivities<Pick<Activities, 'replayFailures'>>({
    ...importOptions,
    priority: { ...importOptions.priority, fairnessKey: tenantId },
    summary: 'read what failed again',
  });
  return workThrough({
    looked: input.looked ?? 0,
    work: () => replayShares({ tenantId, operationId }),
    goOn: (looked) => continueAsNew<typeof replayFailures>({ tenantId, operationId, looked }),
    doing: 'reads messages again',
    what: 'messages',
    said: (looked) => `${String(looked)} messages looked at again`,
  });
}
