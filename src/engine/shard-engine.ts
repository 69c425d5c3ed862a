import { WorkflowNotFoundError, type Client } from '@temporalio/client';

import type { ShardEngine } from '../activities/context';
import { shardCount } from '../domain/shard';
import {
  queries,
  signals,
  taskQueues,
  workflowIds,
  workflowNames,
  type PokeReason,
  type ShardInput,
} from '../workflows/contract';

const loadTimeoutMs = 20_000;
const askTimeoutMs = 4_000;

/** What shards and the reconciler ask of Temporal about watching. Pokes, of which there is one for each arrival, may have a client of their own. */
export function createShardEngine(client: Client, pokes = client): ShardEngine {
  return {
    ensureShards: () => ensureShards(client),
    poke: (mailboxId, reason) => poke(pokes, mailboxId, reason),
    load: (mailboxId) => load(client, mailboxId),
    showShard: async (shard, counts) => {
      await client.workflow.getHandle(workflowIds.idleShard(shard)).signal(signals.counts, counts);
    },
  };
}

/**
 * Asks Temporal for what costs it nothing, to see whether it is there.
 * @throws where there is no answer within seconds
 */
export async function askTemporal(client: Client): Promise<void> {
  await client.withDeadline(Date.now() + askTimeoutMs, () => client.workflowService.getSystemInfo({}));
}

/** Asks a mailbox for a round. Never starts anything: a late poke must not bring a stopped mailbox back. */
export async function poke(client: Client, mailboxId: string, reason: PokeReason): Promise<void> {
  try {
    await client.workflow.getHandle(workflowIds.mailboxSync(mailboxId)).signal(signals.poke, reason);
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
}

/** A query is answered by a worker that has the workflow in memory, and then keeps it there. */
async function load(client: Client, mailboxId: string): Promise<void> {
  try {
    await client.withDeadline(Date.now() + loadTimeoutMs, () =>
      client.workflow.getHandle(workflowIds.mailboxSync(mailboxId)).query(queries.status),
    );
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
}

async function ensureShards(client: Client): Promise<number> {
  const running = new Set<string>();
  const query = `WorkflowType = '${workflowNames.idleShard}' AND ExecutionStatus = 'Running'`;
  for await (const { workflowId } of client.workflow.list({ query })) running.add(workflowId);
  const missing = Array.from({ length: shardCount }, (_, shard) => shard).filter(
    (shard) => !running.has(workflowIds.idleShard(shard)),
  );
  await Promise.all(missing.map((shard) => startShard(client, { shard })));
  return missing.length;
}

async function startShard(client: Client, input: ShardInput): Promise<void> {
  await client.workflow.start(workflowNames.idleShard, {
    args: [input],
    taskQueue: taskQueues.idle,
    workflowId: workflowIds.idleShard(input.shard),
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    workflowIdConflictPolicy: 'USE_EXISTING',
    staticSummary: `Watches every mailbox whose id ends with ${input.shard.toString(shardCount)}`,
  });
}
