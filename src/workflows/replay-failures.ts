import { continueAsNew, proxyActivities, setCurrentDetails, setHandler, workflowInfo } from '@temporalio/workflow';

import type { Activities } from '../activities';
import { importOptions } from './activity-options';
import type { ReplayInput } from './contract';
import { wishSignal } from './mailbox-messages';

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
  const wished = { again: true };
  setHandler(
    wishSignal,
    () => {
      wished.again = true;
    },
    { description: 'The job was let go on' },
  );
  let looked = input.looked ?? 0;
  let end = 'done';
  while (wished.again) {
    wished.again = false;
    const result = await replayShares({ tenantId, operationId });
    looked += result.looked;
    end = result.kind;
    setCurrentDetails(said(looked));
    if (result.kind === 'more') wished.again = true;
    if (workflowInfo().continueAsNewSuggested && wished.again)
      await continueAsNew<typeof replayFailures>({ tenantId, operationId, looked });
  }
  return end === 'done' ? said(looked) : `${said(looked)}; held by a person`;
}

function said(looked: number): string {
  return `${String(looked)} messages looked at again`;
}
