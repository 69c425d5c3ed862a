import type { Client } from '@temporalio/client';

import { publicId } from '../domain/ids';
import { taskQueues, workflowIds, workflowNames, type CascadeInput, type CascadeToRun } from '../workflows/contract';
import { foundBy } from '../workflows/contract-search-attributes';

const names = {
  record: workflowNames.deleteRecord,
  user: workflowNames.deleteUser,
  tenant: workflowNames.deleteTenant,
} as const;

/** Starts the deletion of a record, user or tenant. Second run: the one that runs goes on. */
export async function startCascade(client: Client, cascade: CascadeToRun): Promise<void> {
  const { tenantId, deletionId, kind, targetId } = cascade;
  const input: CascadeInput = { tenantId, deletionId };
  const shown = publicId(kind, targetId);
  await client.workflow.start(names[kind], {
    args: [input],
    taskQueue: taskQueues.sync,
    workflowId: workflowIds.deleteCascade(shown),
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    workflowIdConflictPolicy: 'USE_EXISTING',
    typedSearchAttributes: foundBy({ tenantId }),
    staticSummary: `Deletes the ${kind} ${shown}`,
  });
}
