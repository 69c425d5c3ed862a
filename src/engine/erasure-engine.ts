import type { Client } from '@temporalio/client';

import { publicId } from '../domain/ids';
import { taskQueues, workflowIds, workflowNames, type ErasureInput } from '../workflows/contract';
import { foundBy } from '../workflows/contract-search-attributes';

/** Starts the erasure of a person; a second start is a no-op. */
export async function startErasure(client: Client, { tenantId, deletionId }: ErasureInput): Promise<void> {
  await client.workflow.start(workflowNames.erasePerson, {
    args: [{ tenantId, deletionId }],
    taskQueue: taskQueues.bulk,
    workflowId: workflowIds.erasePerson(deletionId),
    workflowIdConflictPolicy: 'USE_EXISTING' as const,
    typedSearchAttributes: foundBy({ tenantId }),
    staticSummary: `Erases a person: ${publicId('deletion', deletionId)}`,
  });
}
