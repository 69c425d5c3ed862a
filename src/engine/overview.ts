import type { Client } from '@temporalio/client';
import { temporal } from '@temporalio/proto';

import type { Engine } from '../activities/context';
import { uuidOf } from '../domain/ids';
import { taskQueues, workflowNames } from '../workflows/contract';

/** What runs over all mailboxes, as the reconciler asks for it. */
export function createOverview(
  client: Client,
): Pick<Engine, 'runningMailboxes' | 'runningImports' | 'queuesWithoutWorkers'> {
  return {
    runningMailboxes: () => runningMailboxes(client),
    runningImports: async () => {
      const running = new Set<string>();
      for await (const { workflowId } of runningOf(client, workflowNames.importHistory)) {
        const mailboxId = uuidOf('mailbox', workflowId.slice('import/'.length));
        if (mailboxId !== null) running.add(mailboxId);
      }
      return running;
    },
    queuesWithoutWorkers: async () => {
      const queues = Object.values(taskQueues);
      const polled = await Promise.all(queues.map((queue) => isPolled(client, queue)));
      return queues.filter((_, index) => polled[index] !== true);
    },
  };
}

const pageSize = 1_000;

type Listed = temporal.api.workflow.v1.IWorkflowExecutionInfo;

/** As the server says it: the client's own list decodes all that is known of a workflow, which is most of the work where there are thousands. */
async function* runningOf(client: Client, workflow: string): AsyncIterable<{ workflowId: string; listed: Listed }> {
  const query = `WorkflowType = '${workflow}' AND ExecutionStatus = 'Running'`;
  const { namespace } = client.options;
  let nextPageToken = new Uint8Array();
  do {
    const page = await client.workflowService.listWorkflowExecutions({ namespace, query, pageSize, nextPageToken });
    for (const listed of page.executions) yield { workflowId: listed.execution?.workflowId ?? '', listed };
    nextPageToken = Uint8Array.from(page.nextPageToken);
  } while (nextPageToken.length > 0);
}

async function runningMailboxes(client: Client): Promise<Map<string, string>> {
  const running = new Map<string, string>();
  for await (const { workflowId, listed } of runningOf(client, workflowNames.mailboxSync)) {
    const mailboxId = uuidOf('mailbox', workflowId.slice('mailbox/'.length));
    const tenantId = uuidOf('tenant', keywordOf(listed, 'TenantId'));
    if (mailboxId !== null && tenantId !== null) running.set(mailboxId, tenantId);
  }
  return running;
}

/** A search attribute of a workflow: its payload is JSON. Empty where there is none. */
function keywordOf({ searchAttributes }: Listed, name: string): string {
  const data = searchAttributes?.indexedFields?.[name]?.data;
  return data === undefined || data === null ? '' : String(JSON.parse(Buffer.from(data).toString()));
}

/** A poller asks again at least once a minute; the server remembers it for five. */
const pollerIsFreshMs = 90_000;

/** Whether a worker asks this queue for work: for activities, but where it holds its share of shards it wants no activity more. */
export async function isPolled(client: Client, queue: string): Promise<boolean> {
  const { TaskQueueType } = temporal.api.enums.v1;
  const { pollers } = await client.workflowService.describeTaskQueue({
    namespace: client.options.namespace,
    taskQueue: { name: queue },
    taskQueueType:
      queue === taskQueues.idle ? TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW : TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
  });
  const now = Date.now();
  return pollers.some(({ lastAccessTime }) => now - Number(lastAccessTime?.seconds ?? 0) * 1_000 < pollerIsFreshMs);
}
