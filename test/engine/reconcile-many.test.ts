import { setTimeout as sleep } from 'node:timers/promises';

import { DefaultLogger, Runtime } from '@temporalio/worker';

import { reconcileMailboxes } from '../../src/activities/reconcile-mailboxes';
import { newUuid } from '../../src/db/new-id';
import { createMailboxEngine } from '../../src/engine/mailbox-engine';
import { schedules, workflowIds } from '../../src/workflows/contract';
import { insertMailboxes } from '../support/many-mailboxes';
import { createSyncBench, type SyncBench } from '../support/sync-bench';
import { createTestNamespace } from '../support/temporal';

// The real server and the real database; no worker, so that workflows only are there.

const count = 2_000;

let bench: SyncBench;
let engine: Awaited<ReturnType<typeof createTestNamespace>>;

beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  engine = await createTestNamespace();
  for (const { id } of schedules) await engine.client.schedule.getHandle(id).delete();
  bench = await createSyncBench(0, { reconcileStartsPerSecond: 1_000 });
  bench.context.engine = createMailboxEngine(engine.client);
});
afterAll(async () => {
  await bench.close();
  await engine.close();
});

const reconcile = () =>
  reconcileMailboxes(bench.context, { signal: new AbortController().signal, heartbeat: () => undefined });

/** What runs is known to the list a moment later. */
async function untilListed(wanted: number): Promise<void> {
  for (let tries = 0; tries < 600; tries += 1) {
    if ((await bench.context.engine.runningMailboxes()).size === wanted) return;
    await sleep(100);
  }
  throw new Error('the list never showed what runs');
}

test('two thousand mailboxes without workflows get them, and afterwards nothing is to be done but what has changed', async () => {
  const tenantId = await bench.database.newTenant();
  const ids = await insertMailboxes(bench.database.db, { tenantId, count, applied: true });
  const { workflow } = engine.client;
  expect(await reconcile()).toMatchObject({ desired: count, running: 0, started: count, stuck: 0 });
  await untilListed(count);
  // More than the list shows on one page.
  expect([...(await bench.context.engine.runningMailboxes()).keys()].sort()).toEqual(ids);

  const began = performance.now();
  expect(await reconcile()).toMatchObject({ desired: count, running: count, started: 0, reminded: 0, ended: 0 });
  const tookMs = performance.now() - began;
  // A machine that does nothing else needs a tenth of this.
  expect(tookMs).toBeLessThan(10_000);

  const lost = ids.slice(0, 20);
  await Promise.all(lost.map((id) => workflow.getHandle(workflowIds.mailboxSync(id)).terminate()));
  const stopped = ids.slice(20, 30);
  await bench.database.db.inTenant(tenantId, (sql) =>
    sql.execute(`UPDATE source SET desired_state = 'stopped' WHERE id = ANY ($1)`, [stopped]),
  );
  // Their mailboxes are gone, as after a restore of the database.
  const gone = ids.slice(30, 50);
  await bench.database.db.inTenant(tenantId, (sql) => sql.execute('DELETE FROM source WHERE id = ANY ($1)', [gone]));
  await untilListed(count - lost.length);
  const wanted = { desired: count - 30, started: lost.length, ended: stopped.length + gone.length };
  expect(await reconcile()).toMatchObject(wanted);
  for (const id of [...stopped, ...gone]) {
    const { status } = await workflow.getHandle(workflowIds.stopMailbox(id)).describe();
    expect(status.name).toBe('RUNNING');
  }
  for (const id of lost) {
    const { status } = await workflow.getHandle(workflowIds.mailboxSync(id)).describe();
    expect(status.name).toBe('RUNNING');
  }
}, 400_000);

test('a replay that runs is not told each minute that it is to run, and one that has ended is started anew', async () => {
  const replay = { tenantId: await bench.database.newTenant(), operationId: newUuid() };
  const handle = engine.client.workflow.getHandle(workflowIds.replayFailures(replay.operationId));
  const start = () => bench.context.engine.startReplay(replay);
  await start();
  const first = await handle.describe();
  await start();
  await start();
  const { runId, historyLength } = await handle.describe();
  expect({ runId, historyLength }).toEqual({ runId: first.runId, historyLength: first.historyLength });
  await handle.terminate();
  await start();
  expect((await handle.describe()).runId).not.toBe(runId);
});
