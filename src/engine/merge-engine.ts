import type { Client } from '@temporalio/client';

import { publicId } from '../domain/ids';
import { taskQueues, workflowIds, workflowNames, type MergeInput } from '../workflows/contract';
import { foundBy } from '../workflows/contract-search-attributes';

/** Starts an operation that merges two records, or takes them apart. Second run: the one that runs is used. */
export async function startMerge(client: Client, input: MergeInput): Promise<void> {
  await client.workflow.start(workflowNames.mergeRecords, {
    args: [input],
    taskQueue: taskQueues.bulk,
    workflowId: workflowIds.mergeRecords(input.operationId),
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    workflowIdConflictPolicy: 'USE_EXISTING',
    typedSearchAttributes: foundBy(input),
    staticSummary: 'Merges two records, or takes them apart again',
    staticDetails: `Operation ${publicId('operation', input.operationId)}`,
  });
}
