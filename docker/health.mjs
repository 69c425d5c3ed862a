// The health checks of the image:
//   node docker/health.mjs               the API answers on its own port
//   node docker/health.mjs QUEUE         this container's worker asks Temporal for work on that task queue
import { hostname } from 'node:os';

const pollsAtLeastEveryMs = 120_000;
const timeoutMs = 8_000;
const queue = process.argv[2];
const { LETTERBOOK_PORT: port = '8080', TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: namespace } = process.env;

async function apiAnswers() {
  const answer = await fetch(`http://127.0.0.1:${port}/healthz`, { signal: AbortSignal.timeout(timeoutMs) });
  return answer.ok;
}

/** A process that is up and polls nothing does no work: what counts is what Temporal has seen of it. */
async function workerPolls() {
  const { Connection } = await import('@temporalio/client');
  const connection = await Connection.connect({ address, connectTimeout: timeoutMs });
  // TASK_QUEUE_TYPE_WORKFLOW and _ACTIVITY: a worker that holds its share of shards asks for no activity more.
  const queueType = queue.endsWith('-idle') ? 1 : 2;
  const { pollers } = await connection.withDeadline(Date.now() + timeoutMs, () =>
    connection.workflowService.describeTaskQueue({
      namespace,
      taskQueue: { name: queue },
      taskQueueType: queueType,
    }),
  );
  await connection.close();
  // The SDK calls a worker `pid@hostname`.
  return pollers.some(({ identity, lastAccessTime }) => {
    const lastMs = Number(lastAccessTime?.seconds ?? 0) * 1_000;
    return identity?.endsWith(`@${hostname()}`) && Date.now() - lastMs < pollsAtLeastEveryMs;
  });
}

const healthy = await (queue === undefined ? apiAnswers() : workerPolls()).catch(() => false);
process.exit(healthy ? 0 : 1);
