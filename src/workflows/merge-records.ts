import { continueAsNew, proxyActivities, setCurrentDetails, workflowInfo } from '@temporalio/workflow';

import type { Activities } from '../activities';
import { importOptions } from './activity-options';
import type { MergeInput } from './contract';

/**
 * Moves what belongs to a merged record to the one that it is a part of, or takes the two apart again: which of them stands in Postgres, and
 * how far it is, so that it can be started again at any moment.
 */
export async function mergeRecords(input: MergeInput): Promise<string> {
  // People wait for it: it goes before imports, and takes turns with other tenants.
  const { mergeRecords: merge } = proxyActivities<Pick<Activities, 'mergeRecords'>>({
    ...importOptions,
    priority: { priorityKey: 2, fairnessKey: input.tenantId },
    summary: 'move the links of a record',
  });
  setCurrentDetails('**moves links**');
  for (;;) {
    const { kind, done, total } = await merge(input);
    const counts = `${String(done)} of ${String(total)} links`;
    const report = `${counts} moved`;
    setCurrentDetails(kind === 'done' ? `**${report}**` : `**moves links: ${counts}**`);
    if (kind === 'done') return report;
    if (workflowInfo().continueAsNewSuggested) await continueAsNew<typeof mergeRecords>(input);
  }
}
