import type { OpenWork } from '../../src/activities/context';
import { reconcileMailboxes, type ReconcileResult } from '../../src/activities/reconcile-mailboxes';
import { playedEngine, type PlayedEngine } from '../support/played-engine';
import { createSyncBench, type SyncBench } from '../support/sync-bench';
import { insertMailboxes, type ManyMailboxes } from '../support/many-mailboxes';

// The database is real; Temporal is played, so that it can be in every state there is.

let bench: SyncBench;
let tenantId: string;

let engine: PlayedEngine;

beforeAll(async () => {
  bench = await createSyncBench(0);
});
afterAll(() => bench.close());
beforeEach(async () => {
  tenantId = await bench.database.newTenant();
  engine = playedEngine();
  bench.context.engine = engine;
  Object.assign(bench.context.limits, { reconcileStartsPerSecond: 10_000 });
});
afterEach(() => inTenant('DELETE FROM source'));

const inTenant = (text: string, values: unknown[] = []) =>
  bench.database.db.inTenant(tenantId, (sql) => sql.execute(text, values));

const mailboxes = (wish: Partial<ManyMailboxes> & { count: number }) =>
  insertMailboxes(bench.database.db, { tenantId, ...wish });

const reconcile = (): Promise<ReconcileResult> =>
  reconcileMailboxes(bench.context, { signal: new AbortController().signal, heartbeat: () => undefined });

const asked = (what: string) => engine.asked.filter((one) => one.what === what).map(({ id }) => id);

const rounds = (change: Partial<OpenWork> = {}): OpenWork => ({
  kind: 'rounds',
  workflowId: 'mailbox/one',
  runId: 'run',
  isBusy: false,
  heardAt: null,
  taskAttempts: 0,
  ...change,
});

interface Row {
  started: number;
  ended: number;
  stuck: number;
  queues: string[];
  reason: string | null;
  action: string | null;
}

const written = () =>
  bench.database.db.inTenant(tenantId, (sql) =>
    sql.query<Row>(
      `SELECT r.started, r.ended, r.stuck, r.queues_without_workers AS queues, f.reason, f.action FROM reconciliation r
       LEFT JOIN reconciliation_finding f ON f.tenant_id = r.tenant_id AND f.reconciliation_id = r.id ORDER BY r.id`,
    ),
  );

test('what is missing is started, the most recently active first', async () => {
  const ids = await mailboxes({ count: 5 });
  for (const [n, id] of ids.entries()) {
    await inTenant(`UPDATE mailbox SET last_message_at = now() + $2 * interval '1 hour' WHERE source_id = $1`, [id, n]);
  }
  expect(await reconcile()).toMatchObject({ desired: 5, running: 0, started: 5 });
  expect(asked('start')).toEqual([...ids].reverse());
});

test('no more than 30 are started within any second', async () => {
  Object.assign(bench.context.limits, { reconcileStartsPerSecond: 30 });
  await mailboxes({ count: 75 });
  await reconcile();
  const times = engine.asked.filter(({ what }) => what === 'start').map(({ at }) => at);
  expect(times).toHaveLength(75);
  // A start may be a few milliseconds late, and the one after it is not held up for that.
  for (const [n, at] of times.entries()) {
    expect(times.slice(n).filter((later) => later - at < 950).length).toBeLessThanOrEqual(30);
  }
});

test('one that runs and has not taken up its newest wish is told it again', async () => {
  const [heard, unheard] = await mailboxes({ count: 2, applied: true });
  engine.running = new Map([
    [heard ?? '', tenantId],
    [unheard ?? '', tenantId],
  ]);
  await inTenant('UPDATE source SET applied_generation = 0 WHERE id = $1', [unheard]);
  expect(await reconcile()).toMatchObject({ running: 2, started: 0, reminded: 1 });
  expect(asked('start')).toEqual([unheard]);
});

test('a workflow of a mailbox that is stopped, or that is no more, is ended', async () => {
  const [stopped] = await mailboxes({ count: 1, applied: true, desired: 'stopped' });
  const gone = '01a20000-0000-7000-8000-000000000001';
  for (const id of [stopped ?? '', gone]) {
    engine.running.set(id, tenantId);
    engine.open.set(id, [rounds()]);
  }
  expect(await reconcile()).toMatchObject({ desired: 0, running: 2, ended: 2 });
  expect(asked('stop').sort()).toEqual([gone, stopped].sort());
  expect(await written()).toEqual([
    { started: 0, ended: 2, stuck: 0, queues: [], reason: 'should-not-run', action: 'stopped' },
  ]);
});

test('a workflow that has ended since the list was read is left alone', async () => {
  engine.running.set('01a20000-0000-7000-8000-000000000001', tenantId);
  expect(await reconcile()).toMatchObject({ ended: 0 });
  expect(engine.asked).toEqual([]);
});

test('a stop that nobody carries out is begun', async () => {
  const [mailboxId] = await mailboxes({ count: 1, desired: 'stopped' });
  expect(await reconcile()).toMatchObject({ desired: 0, started: 0, ended: 1 });
  expect(asked('stop')).toEqual([mailboxId]);
});

test('a mailbox that is being deleted is left to its deletion', async () => {
  await mailboxes({ count: 1, desired: 'stopped' });
  await inTenant('UPDATE source SET deletion_id = gen_random_uuid()');
  expect(await reconcile()).toMatchObject({ desired: 0, started: 0, ended: 0 });
  expect(engine.asked).toEqual([]);
});

describe('stuck', () => {
  let mailboxId: string;

  beforeEach(async () => {
    const [one] = await mailboxes({ count: 1, applied: true, updatedMinutesAgo: 60 });
    mailboxId = one ?? '';
    engine.running.set(mailboxId, tenantId);
    engine.open.set(mailboxId, [rounds()]);
  });

  const backingOffSince = (minutes: number) =>
    inTenant(`UPDATE mailbox SET state = 'backing-off', state_until = now() - $1 * interval '1 minute'`, [minutes]);

  test('a round that has been due for eleven minutes, but not one due for nine', async () => {
    await backingOffSince(9);
    expect(await reconcile()).toMatchObject({ stuck: 0 });
    await backingOffSince(11);
    expect(await reconcile()).toMatchObject({ stuck: 1 });
    expect(asked('poke')).toEqual([mailboxId]);
    expect((await written()).at(-1)).toMatchObject({ stuck: 1, reason: 'round-overdue', action: 'reminded' });
  });

  test('one whose import was refused, and whose next try is long over: its rounds were not told', async () => {
    const triedUntil = (minutes: number) =>
      inTenant(`UPDATE mailbox SET state = 'needs-attention', state_until = now() - $1 * interval '1 minute'`, [
        minutes,
      ]);
    await triedUntil(9);
    expect(await reconcile()).toMatchObject({ stuck: 0 });
    await triedUntil(11);
    expect(await reconcile()).toMatchObject({ stuck: 1 });
    expect(asked('poke')).toEqual([mailboxId]);
  });

  test('not one whose round was heard of a moment ago', async () => {
    await backingOffSince(30);
    engine.open.set(mailboxId, [rounds({ isBusy: true, heardAt: Date.now() })]);
    expect(await reconcile()).toMatchObject({ stuck: 0 });
  });

  test('one whose workflow task keeps failing is begun anew', async () => {
    await backingOffSince(30);
    engine.open.set(mailboxId, [rounds({ taskAttempts: 12, heardAt: Date.now() })]);
    expect(await reconcile()).toMatchObject({ stuck: 1 });
    expect(engine.asked.map(({ what }) => what)).toEqual(['terminate', 'start']);
    expect(await written()).toMatchObject([{ reason: 'workflow-task-fails', action: 'restarted' }]);
  });

  test('one whose sync was asked for an hour ago', async () => {
    await inTenant(
      `INSERT INTO operation (tenant_id, id, kind, source_id, state, created_at)
       VALUES ($1, gen_random_uuid(), 'sync', $2, 'waiting', now() - interval '1 hour')`,
      [tenantId, mailboxId],
    );
    expect(await reconcile()).toMatchObject({ stuck: 1 });
    expect(await written()).toMatchObject([{ reason: 'sync-waits' }]);
  });

  test('a stop that has not come to its end', async () => {
    await inTenant(`UPDATE source SET desired_state = 'stopped', generation = generation + 1`);
    expect(await reconcile()).toMatchObject({ stuck: 1 });
    expect(await written()).toMatchObject([{ reason: 'stop-waits', action: 'stopped' }]);
  });

  test('not one that waits for a password or a person', async () => {
    for (const state of ['auth-required', 'needs-attention', 'paused']) {
      await inTenant(`UPDATE mailbox SET state = $1, state_since = now() - interval '3 days', state_until = NULL`, [
        state,
      ]);
      expect([state, (await reconcile()).stuck]).toEqual([state, 0]);
    }
  });

  test('history that nobody imports is asked for, one that is imported is not', async () => {
    await inTenant(`UPDATE mailbox SET state = 'live', last_success_at = now() - interval '3 minutes'`);
    await inTenant(
      `INSERT INTO folder (tenant_id, id, source_id, path, in_scope) VALUES ($1, gen_random_uuid(), $2, 'INBOX', true)`,
      [tenantId, mailboxId],
    );
    await inTenant(
      `INSERT INTO folder_generation (tenant_id, source_id, folder_id, uidvalidity, uidnext, history_below)
       SELECT tenant_id, source_id, id, 1, 100, 90 FROM folder`,
    );
    engine.imports.add(mailboxId);
    await reconcile();
    expect(asked('poke')).toEqual([]);
    engine.imports.clear();
    await reconcile();
    expect(asked('poke')).toEqual([mailboxId]);
  });
});

test('a queue that nobody works on is named', async () => {
  await mailboxes({ count: 1, applied: true });
  engine.idleQueues = ['letterbook-bulk'];
  expect(await reconcile()).toMatchObject({ queuesWithoutWorkers: ['letterbook-bulk'] });
  expect(await written()).toMatchObject([{ queues: ['letterbook-bulk'] }]);
});

describe('replays that nobody runs', () => {
  const replays = (count: number) =>
    inTenant(
      `INSERT INTO operation (tenant_id, id, kind, state, task, created_at)
       SELECT $1, gen_random_uuid(), 'replay', 'waiting', '{}', now() - interval '2 minutes' FROM generate_series(1, $2)`,
      [tenantId, count],
    );
  afterEach(() => inTenant(`DELETE FROM operation WHERE kind = 'replay'`));

  test('one that cannot be started keeps neither the others from it, nor the run from being written down', async () => {
    await mailboxes({ count: 1 });
    await replays(3);
    let tried = 0;
    engine.startReplay = ({ operationId }) => {
      tried += 1;
      engine.asked.push({ what: 'startReplay', id: operationId, at: performance.now() });
      return tried === 1 ? Promise.reject(new RangeError('of somebody@corp.example')) : Promise.resolve();
    };
    const warned: string[] = [];
    await reconcileMailboxes(bench.context, {
      signal: new AbortController().signal,
      heartbeat: () => undefined,
      warn: (what, about) => warned.push(`${what}: ${JSON.stringify(about)}`),
    });
    expect(new Set(asked('startReplay')).size).toBe(3);
    expect(warned).toEqual([expect.stringMatching(/^replay not started.*"operationId":"opn_.*"error":"RangeError"/)]);
    expect(await written()).toHaveLength(1);
  });

  test('of very many some are started in each run, and not faster than mailboxes are', async () => {
    await replays(205);
    engine.startReplay = ({ operationId }) => {
      engine.asked.push({ what: 'startReplay', id: operationId, at: performance.now() });
      return Promise.resolve();
    };
    Object.assign(bench.context.limits, { reconcileStartsPerSecond: 150 });
    await reconcile();
    const times = engine.asked.filter(({ what }) => what === 'startReplay').map(({ at }) => at);
    expect(times).toHaveLength(200);
    expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeGreaterThan(1_000);
  });
});

test('runs that had nothing to do are written down now and then, old ones are forgotten', async () => {
  const [mailboxId] = await mailboxes({ count: 1, applied: true });
  engine.running.set(mailboxId ?? '', tenantId);
  await reconcile();
  await reconcile();
  expect(await written()).toHaveLength(1);
  await inTenant(`UPDATE reconciliation SET finished_at = now() - interval '6 minutes'`);
  await reconcile();
  expect(await written()).toHaveLength(2);
  await inTenant(`UPDATE reconciliation SET finished_at = now() - interval '31 days'`);
  await reconcile();
  expect(await written()).toHaveLength(1);
});

test('10,000 mailboxes are compared in less than ten seconds', async () => {
  const ids = await mailboxes({ count: 10_000, applied: true });
  engine.running = new Map(ids.slice(3).map((id) => [id, tenantId]));
  const began = performance.now();
  expect(await reconcile()).toMatchObject({ desired: 10_000, running: 9_997, started: 3, stuck: 0 });
  const tookMs = performance.now() - began;
  expect(tookMs).toBeLessThan(10_000);
});
