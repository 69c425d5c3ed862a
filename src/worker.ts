import { existsSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import { join } from 'node:path';

import { Client, Connection } from '@temporalio/client';
import { NativeConnection, Runtime, Worker, type WorkerOptions } from '@temporalio/worker';
import type { Logger } from 'pino';

import { createActivities, createShardActivities, type Activities } from './activities';
import { heldUntilErased } from './activities/held-until-erased';
import { createErasureGate, pendingSoon } from './api/erasure-gate';
import { readConfig, type Config } from './config/config';
import { cachedWorkflowsOf, rolesOf, type Role } from './config/roles';
import { createWorkerContext, type WorkerContext } from './context';
import { createErasureMirror } from './db/erasures/mirror';
import { replayErasures } from './db/erasures/replay';
import { keepPrepared } from './engine/keep-prepared';
import { prepareEngine } from './engine/prepare-engine';
import { shardTuner } from './engine/shard-slots';
import { retryUntilReachable } from './engine/retry-until-reachable';
import { createLogger, temporalLoggerOf } from './logger';
import { taskQueues } from './workflows/contract';

const prepareEveryMs = 60_000;

/**
 * A worker process: `worker.js --roles sync,bulk,idle`. Each role is a task queue, so that production can scale each alone; one with the role
 * `bulk` alone lets others on its machine go first.
 * It ends when it is told to (SIGTERM), giving activities time to reach their next commit, and with an error when Temporal's
 * worker fails, so that whoever supervises it starts a new one.
 */
async function main(): Promise<void> {
  const config = readConfig(process.env);
  const roles = rolesOf(process.argv);
  if (roles.every((role) => role === 'bulk')) giveWay();
  const log = createLogger(config).child({ process: 'worker' });
  Runtime.install({ logger: temporalLoggerOf(log), shutdownSignals: ['SIGINT', 'SIGTERM'] });

  const { temporalAddress: address, temporalNamespace: namespace } = config;
  const connection = await retryUntilReachable(() => Connection.connect({ address }), log);
  const client = new Client({ connection, namespace });
  await retryUntilReachable(() => prepareEngine(client), log);
  const nativeConnection = await NativeConnection.connect({ address });
  // The native connection takes half of the processor time for a signal, and each arrival is one.
  const pokes = new Client({ connection: nativeConnection, namespace });
  const context = await createWorkerContext(config, { client, pokes });
  if (roles.includes('idle')) await retryUntilReachable(() => context.engine.ensureShards(), log);

  const activities = await activitiesOf({ config, context }, log);
  const workers = await Promise.all(
    roles.map((role) =>
      Worker.create({ ...optionsOf(role, { config, context }), connection: nativeConnection, namespace, activities }),
    ),
  );
  if (roles.includes('idle')) context.shards.holder.start();
  log.info({ roles }, 'worker polls');
  const leaveUnprepared = keepPrepared(client, { log, everyMs: prepareEveryMs });
  await Promise.all(workers.map((worker) => worker.run()));

  leaveUnprepared();
  await context.close();
  await nativeConnection.close();
  await connection.close();
  log.info({ roles }, 'worker has ended');
}

/** Beside others on a machine: history takes what new mail leaves of it. Where that may not be said it goes as fast as they do. */
function giveWay(): void {
  try {
    setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // A sandbox may forbid it.
  }
}

interface Served {
  config: Config;
  context: WorkerContext;
}

/**
 * A database that was restored has forgotten what was erased since: that is looked for before anything is begun, and again as long as the
 * worker runs.
 */
async function activitiesOf({ config, context }: Served, log: Logger): Promise<Activities> {
  const mirror = createErasureMirror(context.db, config.erasuresFile);
  const gate = createErasureGate(() => replayErasures(context.db, mirror), { log, now: () => new Date() });
  const pending = () => pendingSoon(gate);
  const pendingAtStart = await pending();
  if (pendingAtStart !== 0) log.warn({ pending: pendingAtStart }, 'nobody is spoken with until all is erased again');
  return heldUntilErased({ ...createActivities(context), ...createShardActivities(context.shards) }, pending);
}

function optionsOf(role: Role, { config, context }: Served): WorkerOptions {
  const taskQueue = taskQueues[role];
  if (role === 'idle') return { taskQueue, ...workflowCode(), ...idleOptions({ config, context }) };
  // Live mail gets more room than history, and neither can take all of a small machine.
  const activitiesAtOnce = { sync: config.databasePoolSize * 4, bulk: 2 }[role];
  return {
    taskQueue,
    ...workflowCode(),
    maxConcurrentActivityTaskExecutions: activitiesAtOnce,
    maxConcurrentWorkflowTaskExecutions: 40,
    maxCachedWorkflows: cachedWorkflowsOf(role, config.limits),
    // A cancellation comes with the answer to a heartbeat.
    maxHeartbeatThrottleInterval: '5s',
    shutdownGraceTime: '8s',
    shutdownForceTime: '12s',
  };
}

/** A worker that watches takes its share of the shards and no more, and hands them over the moment it is told to end. */
function idleOptions({ config, context }: Served): Omit<WorkerOptions, 'taskQueue'> {
  return {
    tuner: shardTuner(context.shards.holder.seats),
    activityTaskPollerBehavior: { type: 'simple-maximum', maximum: 2 },
    maxCachedWorkflows: cachedWorkflowsOf('idle', config.limits),
    shutdownGraceTime: 0,
    shutdownForceTime: '12s',
  };
}

/** The bundle that the build made; without one (tests, development) it is made now. */
function workflowCode(): Pick<WorkerOptions, 'workflowBundle' | 'workflowsPath' | 'bundlerOptions'> {
  const codePath = join(__dirname, 'workflow-bundle.js');
  if (existsSync(codePath)) return { workflowBundle: { codePath } };
  const workflowsPath = require.resolve('./workflows');
  return { workflowsPath, bundlerOptions: { preloadModules: [workflowsPath] } };
}

main().catch((error: unknown) => {
  process.stderr.write(`The worker has ended: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
