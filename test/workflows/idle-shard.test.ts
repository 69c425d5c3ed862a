import { setTimeout as sleep } from 'node:timers/promises';

import { Client } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker, type WorkflowBundleOption } from '@temporalio/worker';

import { createShardActivities } from '../../src/activities';
import { createIdleHolder, type IdleHolder } from '../../src/activities/shard/idle-holder';
import { shardCount } from '../../src/domain/shard';
import { askTemporal, createShardEngine } from '../../src/engine/shard-engine';
import { shardTuner } from '../../src/engine/shard-slots';
import { taskQueues, workflowIds } from '../../src/workflows/contract';
import { startCuttingProxy } from '../support/cutting-proxy';
import { sharedDovecot } from '../support/dovecot';
import { keepHistory } from '../support/histories';
import { createShardBench, until, type ShardBench } from '../support/shard-bench';
import { createSyncBench, type SyncBench } from '../support/sync-bench';
import { createTestNamespace, temporalAddress } from '../support/temporal';
import { workflowBundle } from '../support/workflow-bundle';

/** A worker with the role `idle`, in this process. */
interface IdleWorker {
  name: string;
  stop(): Promise<void>;
}

let engine: Awaited<ReturnType<typeof createTestNamespace>>;
let bundle: WorkflowBundleOption;
let bench: SyncBench;
let shards: ShardBench;
const running = new Set<IdleWorker>();
/** Which shards each holder holds at this moment. */
const held = new Map<string, Set<number>>();

beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  engine = await createTestNamespace();
  bundle = await workflowBundle();
  bench = await createSyncBench(sharedDovecot().imapPort);
  shards = createShardBench(bench);
});

afterAll(async () => {
  await Promise.all([...running].map((worker) => worker.stop()));
  await engine.close();
  await bench.close();
});

async function startWorker(
  name: string,
  { shardHoldMs = 86_400_000, address = temporalAddress() } = {},
): Promise<IdleWorker> {
  const { client, namespace } = engine;
  // Of its own: two workers of one connection may not share a queue.
  const connection = await NativeConnection.connect({ address });
  const own = new Client({ connection, namespace });
  const holder = noting(name, createIdleHolder(name, { ...shards.watching, askTemporal: () => askTemporal(own) }));
  const worker = await Worker.create({
    connection,
    namespace,
    taskQueue: taskQueues.idle,
    workflowBundle: bundle,
    activities: createShardActivities({
      holder,
      shardHoldMs,
      show: (shard, shown) => createShardEngine(client).showShard(shard, shown),
    }),
    identity: name,
    tuner: shardTuner(holder.seats),
    activityTaskPollerBehavior: { type: 'simple-maximum', maximum: 2 },
    shutdownGraceTime: 0,
    shutdownForceTime: '12s',
  });
  const ended = worker.run();
  holder.start();
  const started: IdleWorker = {
    name,
    stop: async () => {
      if (!running.delete(started)) return;
      worker.shutdown();
      await ended;
      await holder.close();
      await connection.close();
    },
  };
  running.add(started);
  return started;
}

function noting(name: string, holder: IdleHolder): IdleHolder {
  const mine = new Set<number>();
  held.set(name, mine);
  return {
    ...holder,
    hold: (shard) => {
      mine.add(shard);
      return holder.hold(shard);
    },
    release: (one) => {
      mine.delete(one.shard);
      holder.release(one);
    },
  };
}

const counts = () => [...running].map(({ name }) => held.get(name)?.size ?? 0).sort((a, b) => b - a);
const holders = () => [...running].flatMap(({ name }) => [...(held.get(name) ?? [])]).sort((a, b) => a - b);
const all = Array.from({ length: shardCount }, (_, shard) => shard);
const isHeldOnce = () => JSON.stringify(holders()) === JSON.stringify(all);

test('one worker holds all shards, those that join take their share, and one that ends hands over at once', async () => {
  expect(await createShardEngine(engine.client).ensureShards()).toBe(shardCount);
  const first = await startWorker('first');
  await until(() => isHeldOnce(), 'one worker with all shards');

  for (const [name, share] of [
    ['second', [8, 8]],
    ['third', [6, 5, 5]],
    ['fourth', [4, 4, 4, 4]],
    ['fifth', [4, 3, 3, 3, 3]],
  ] as const) {
    const begun = Date.now();
    await startWorker(name);
    await until(() => JSON.stringify(counts()) === JSON.stringify(share) && isHeldOnce(), `a share for the ${name}`);
    expect(Date.now() - begun).toBeLessThan(60_000);
  }

  const begun = Date.now();
  await first.stop();
  await until(() => isHeldOnce(), 'the hand-over');
  expect(Date.now() - begun).toBeLessThan(15_000);
  expect(counts()).toEqual([4, 4, 4, 4]);
});

test('what runs is not started again, and a shard costs no event while it goes from hand to hand', async () => {
  await until(async () => (await createShardEngine(engine.client).ensureShards()) === 0, 'all shards in the list');
  const handle = engine.client.workflow.getHandle(workflowIds.idleShard(0));
  const { events } = await handle.fetchHistory();
  const types = (events ?? []).map((event) => event.eventType);
  // Started, three of the first workflow task, the activity scheduled, and the counts shown once or twice (a signal and a task each).
  expect(types.length).toBeLessThanOrEqual(5 + 8);
  await keepHistory(handle, 'idle-shard');
});

test('heartbeats reach the server at most once in nine seconds', async () => {
  const handle = engine.client.workflow.getHandle(workflowIds.idleShard(1));
  const seen = new Set<number>();
  const begun = Date.now();
  while (Date.now() - begun < 30_000) {
    const { raw } = await handle.describe();
    const at = raw.pendingActivities?.[0]?.lastHeartbeatTime;
    if (at != null) seen.add(Number(at.seconds) * 1_000 + Number(at.nanos) / 1e6);
    await sleep(250);
  }
  const times = [...seen].sort((a, b) => a - b);
  const gaps = times.slice(1).map((at, index) => at - (times[index] ?? at));
  expect(gaps.length).toBeGreaterThan(0);
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(9_000);
});

test('a shard begins a new run when its day is over', async () => {
  await Promise.all([...running].map((worker) => worker.stop()));
  const handle = engine.client.workflow.getHandle(workflowIds.idleShard(2));
  const before = (await handle.describe()).runId;
  await startWorker('short-lived', { shardHoldMs: 500 });
  await until(async () => (await handle.describe()).runId !== before, 'a new run');
});

test('a worker that is cut off from Temporal alone leaves its share to the others, and has it back when Temporal answers', async () => {
  await Promise.all([...running].map((worker) => worker.stop()));
  await createShardEngine(engine.client).ensureShards();
  const proxy = await startCuttingProxy(temporalAddress());
  const near = await startWorker('near');
  const far = await startWorker('far', { address: proxy.address });
  const shareOfBoth = () => JSON.stringify(counts()) === '[8,8]' && isHeldOnce();
  await until(shareOfBoth, 'a share for both');
  proxy.cut();
  await until(() => held.get(near.name)?.size === shardCount, 'all shards in the hands of one');
  await until(() => held.get(far.name)?.size === 0, 'no connections left of the one that is cut off');
  const attending = () => bench.database.db.asWatcher((sql) => sql.query('SELECT worker FROM idle_worker ORDER BY 1'));
  expect(await attending()).toEqual([{ worker: near.name }]);
  proxy.mend();
  await until(shareOfBoth, 'a share for both again');
  await Promise.all([near.stop(), far.stop()]);
  await proxy.close();
});
