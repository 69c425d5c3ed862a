import { setTimeout as sleep } from 'node:timers/promises';

import { WorkflowExecutionAlreadyStartedError, type Client } from '@temporalio/client';

import { publicId } from '../domain/ids';
import { taskQueues, workflowIds, workflowNames, type LinksInput, type LinksToRun } from '../workflows/contract';
import { foundBy } from '../workflows/contract-search-attributes';

const workflows: Record<LinksToRun['kind'], { name: string; summary: string }> = {
  'link-thread': { name: workflowNames.linkThread, summary: 'Links' },
  'unlink-thread': { name: workflowNames.unlinkThread, summary: 'Takes away from a record' },
  'relink-thread': { name: workflowNames.relinkThread, summary: 'Links again' },
  'link-messages': { name: workflowNames.linkMessages, summary: 'Links' },
  'unlink-messages': { name: workflowNames.linkMessages, summary: 'Takes away from records' },
  'undo-links': { name: workflowNames.undoLinks, summary: 'Makes the links again what they were of' },
};

const triedEveryMs = 200;

/**
 * Starts the workflow of an operation on links. A thread has one at a time: where one that has done its work is just ending, it is waited for,
 * `tries` times at most. What then is not started is left to the reconciler. Second run: a workflow that finds nothing to do ends.
 */
export async function startLinks(client: Client, links: LinksToRun, tries: number): Promise<void> {
  for (let left = tries; ; left -= 1) {
    try {
      await client.workflow.start(workflows[links.kind].name, optionsOf(links));
      return;
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      if (left <= 1) return;
    }
    await sleep(triedEveryMs);
  }
}

function optionsOf({ tenantId, operationId, kind, threadId }: LinksToRun) {
  const input: LinksInput = { tenantId, operationId };
  const about = threadId === null ? 'messages' : `the thread ${publicId('thread', threadId)}`;
  return {
    args: [input],
    taskQueue: taskQueues.bulk,
    workflowId: threadId === null ? workflowIds.linkMessages(operationId) : workflowIds.linkThread(threadId),
    workflowIdReusePolicy: 'ALLOW_DUPLICATE' as const,
    workflowIdConflictPolicy: 'FAIL' as const,
    typedSearchAttributes: foundBy({ tenantId }),
    staticSummary: `${workflows[kind].summary} ${about}`,
    staticDetails: `Operation ${publicId('operation', operationId)}`,
  };
}
