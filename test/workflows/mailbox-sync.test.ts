import { setTimeout as sleep } from 'node:timers/promises';

import type { WorkflowHandle } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';

import type { Activities } from '../../src/activities';
import type { RoundInput, RoundResult } from '../../src/activities/run-round';
import { newUuid } from '../../src/db/new-id';
import { defaultLimits } from '../../src/config/limits';
import { publicId } from '../../src/domain/ids';
import { createMailboxEngine } from '../../src/engine/mailbox-engine';
import {
  queries,
  signals,
  taskQueues,
  updates,
  workflowIds,
  workflowNames,
  type SyncNowAnswer,
} from '../../src/workflows/contract';
import { keepHistory } from '../support/histories';
import { attributesOf, createTestNamespace, temporalAddress } from '../support/temporal';
import { workflowBundle } from '../support/workflow-bundle';

let engine: Awaited<ReturnType<typeof createTestNamespace>>;
let connection: NativeConnection;
let workers: Worker[];
let running: Promise<void>[];

/** What the activities answer, per mailbox, and what they were asked. */
interface Script {
  rounds: RoundInput[];
  answer: (round: number) => RoundResult | Promise<RoundResult>;
  wish: { desired: 'running' | 'paused' | 'stopped'; generation: number; epoch: number };
  /** How often the wish was read. */
  wishesRead: number;
  /** Until when an answer that was read is held back. */
  wishAnswered: () => Promise<void>;
}
const scripts = new Map<string, Script>();

const done: RoundResult = {
  kind: 'done',
  folders: 1,
  recorded: 0,
  filtered: 0,
  parked: 0,
  owed: 0,
  unproven: 0,
  foldersWithHistory: 0,
  lookAgainMs: 3_600_000,
};

const notReached = {
  kind: 'retry',
  failure: 'unreachable (port-closed)',
  retryAfterMs: 1_000,
  wait: 'reckoned',
} as const;

const nothingDone = { done: 0, total: 0, counts: {} };

const activities: Activities = {
  runRound: async (input) => {
    const script = scriptOf(input.mailboxId);
    script.rounds.push(input);
    return script.answer(script.rounds.length);
  },
  applyWish: async (input) => {
    const script = scriptOf(input.mailboxId);
    const { wish } = script;
    script.wishesRead += 1;
    await script.wishAnswered();
    return { kind: 'wish', ...wish };
  },
  importBatch: () => Promise.resolve({ kind: 'done', imported: 0, foldersLeft: 0 }),
  fillSearchRows: () => Promise.resolve({ filled: 0 }),
  auditFolders: ({ mailboxId }) => Promise.resolve(scripts.has(mailboxId) ? notReached : { kind: 'superseded' }),
  mergeRecords: () => Promise.resolve({ kind: 'done', done: 0, total: 0 }),
  changeLinks: () => Promise.resolve({ kind: 'done', done: 0, total: 0 }),
  rematchHistory: () => Promise.resolve({ kind: 'done', progress: nothingDone }),
  replayFailures: () => Promise.resolve({ kind: 'done', looked: 0, progress: nothingDone }),
  reprocess: () => Promise.resolve({ kind: 'done', looked: 0, progress: nothingDone }),
  beginStop: () => Promise.resolve({ kind: 'goes-on' }),
  bringToEnd: () => Promise.resolve('closed'),
  finishStop: () => Promise.resolve('stopped'),
  goOn: () => Promise.resolve(),
  deletionTurn: () => Promise.resolve({ kind: 'none' }),
  deleteMailboxRows: () => Promise.reject(new Error('nothing is deleted here')),
  erasePersonRows: () => Promise.reject(new Error('nothing is erased here')),
  deleteCascade: () => Promise.reject(new Error('nothing is deleted here')),
  connectorTurn: () => Promise.reject(new Error('no connector here')),
  housekeep: () => Promise.resolve({ blobsSwept: 3, messagesIndexed: 4 }),
  reconcileMailboxes: () =>
    Promise.resolve({
      desired: 0,
      audits: 0,
      running: 0,
      started: 0,
      reminded: 0,
      ended: 0,
      stuck: 0,
      poked: 0,
      rematches: 0,
      deletions: 0,
      queuesWithoutWorkers: [],
    }),
  watchHealth: () => Promise.resolve({ told: 0 }),
  holdShard: () => Promise.resolve(),
};

function scriptOf(mailboxId: string): Script {
  const script = scripts.get(mailboxId);
  if (script === undefined) throw new Error('no script for this mailbox');
  return script;
}

beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  engine = await createTestNamespace();
  connection = await NativeConnection.connect({ address: temporalAddress() });
  const bundle = await workflowBundle();
  const { namespace } = engine;
  workers = await Promise.all(
    Object.values(taskQueues).map((taskQueue) =>
      Worker.create({ connection, namespace, taskQueue, workflowBundle: bundle, activities }),
    ),
  );
  running = workers.map((worker) => worker.run());
});

afterAll(async () => {
  for (const worker of workers) worker.shutdown();
  await Promise.all(running);
  await connection.close();
  await engine.close();
});

async function start(
  script: Partial<Script> = {},
): Promise<{ mailboxId: string; handle: WorkflowHandle; script: Script }> {
  const mailboxId = newUuid();
  const whole: Script = {
    rounds: [],
    answer: () => done,
    wish: { desired: 'running', generation: 1, epoch: 1 },
    wishesRead: 0,
    wishAnswered: () => Promise.resolve(),
    ...script,
  };
  scripts.set(mailboxId, whole);
  const mailbox = {
    tenantId: newUuid(),
    mailboxId,
    epoch: 1,
    generation: 1,
    desired: 'running',
    provider: 'other',
  } as const;
  await createMailboxEngine(engine.client).start({ ...mailbox, applied: false, activeAt: new Date() });
  return { mailboxId, handle: engine.client.workflow.getHandle(workflowIds.mailboxSync(mailboxId)), script: whole };
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 150; tries += 1) {
    if (await condition()) return;
    await sleep(100);
  }
  throw new Error('it did not happen within 15 s');
}

const syncNow = (handle: WorkflowHandle) => handle.executeUpdate<SyncNowAnswer, []>(updates.syncNow);

test('a mailbox makes a round when it starts, and another when it is poked', async () => {
  const { handle, script } = await start();
  await until(() => script.rounds.length === 1);
  await handle.signal(signals.poke, 'arrival');
  await until(() => script.rounds.length === 2);
});

test('what a round has not got is waited for in words, and the next one knows of folders that were not shown whole', async () => {
  const answers: RoundResult[] = [{ ...done, owed: 2, unproven: 1 }, notReached, done, done];
  const { handle, script } = await start({ answer: (round) => answers[round - 1] ?? done });
  const says = async () =>
    (await handle.query<{ currentDetails?: string }>('__temporal_workflow_metadata')).currentDetails ?? '';
  const first =
    'waits for mail, for messages that 2 folders listed and did not deliver, for 1 folder to be shown whole';
  await until(async () => (await says()).includes(`**${first}**`));
  for (const rounds of [2, 3, 4]) {
    await handle.signal(signals.poke, 'arrival');
    await until(() => script.rounds.length >= rounds);
  }
  await until(async () => (await says()).includes('**waits for mail**'));
  expect(script.rounds.slice(0, 4).map(({ unprovenBefore }) => unprovenBefore)).toEqual([false, true, true, false]);
});

test('many pokes during a round make one more round', async () => {
  const { handle, script } = await start({ answer: (round) => (round === 1 ? sleep(1_000).then(() => done) : done) });
  await until(() => script.rounds.length === 1);
  for (let i = 0; i < 20; i += 1) await handle.signal(signals.poke, 'arrival');
  await until(() => script.rounds.length === 2);
  await sleep(500);
  expect(script.rounds).toHaveLength(2);
});

test('one live arrival costs at most 10 events and 2 actions', async () => {
  const { handle, script } = await start();
  await until(() => script.rounds.length === 1);
  await sleep(300);
  const before = (await handle.fetchHistory()).events?.length ?? 0;
  await handle.signal(signals.poke, 'arrival');
  await until(() => script.rounds.length === 2);
  await sleep(500);
  const events = (await handle.fetchHistory()).events ?? [];
  expect(events.length - before).toBeLessThanOrEqual(10);
  // What Temporal counts as actions: the signal, and the start of the activity.
  const actions = events
    .slice(before)
    .filter((event) => event.workflowExecutionSignaledEventAttributes ?? event.activityTaskScheduledEventAttributes);
  expect(actions.length).toBeLessThanOrEqual(2);
});

test('a mailbox that nobody writes to costs at most 60 events and 20 actions a day', async () => {
  const cycles = 6;
  const { handle, script } = await start({ answer: () => ({ ...done, lookAgainMs: 400 }) });
  await until(() => script.rounds.length === 2);
  const before = (await handle.fetchHistory()).events?.length ?? 0;
  await until(() => script.rounds.length === 2 + cycles);
  const events = ((await handle.fetchHistory()).events ?? []).slice(before);
  // What Temporal counts as actions: signals, timers, starts of activities, and search attributes.
  const actions = events.filter(
    (event) =>
      event.workflowExecutionSignaledEventAttributes ??
      event.timerStartedEventAttributes ??
      event.activityTaskScheduledEventAttributes ??
      event.upsertWorkflowSearchAttributesEventAttributes,
  );
  const cyclesPerDay = 86_400_000 / defaultLimits.safetyTimerMs;
  // The history that is looked at may hold a part of one cycle more.
  expect((events.length / cycles) * cyclesPerDay).toBeLessThanOrEqual(60);
  expect((actions.length / cycles) * cyclesPerDay).toBeLessThanOrEqual(20);
});

test('syncNow answers with the counts of a round that began after it was asked', async () => {
  const { handle, script } = await start({
    answer: (round) => (round === 1 ? sleep(500).then(() => done) : { ...done, recorded: round }),
  });
  await until(() => script.rounds.length === 1);
  expect(await syncNow(handle)).toEqual({ kind: 'done', recorded: 2, filtered: 0, parked: 0 });
  await keepHistory(handle, 'sync-now');
});

test('a refused password is not tried again until a new one is there', async () => {
  const refused: RoundResult = {
    kind: 'waiting',
    state: 'auth-required',
    failure: 'credentials (login-refused)',
    retryAfterMs: 50,
  };
  const { handle, script } = await start({ answer: (round) => (round === 1 ? refused : done) });
  await until(() => script.rounds.length === 1);
  await handle.signal(signals.poke, 'arrival');
  await sleep(800);
  expect(script.rounds).toHaveLength(1);
  expect(await syncNow(handle)).toEqual({ kind: 'not-running', state: 'auth-required' });
  await handle.signal(signals.poke, 'credentials');
  await until(() => script.rounds.length === 2);
  await keepHistory(handle, 'auth-required');
});

test('mail that comes while the password is being refused does not try it once more', async () => {
  const refused: RoundResult = {
    kind: 'waiting',
    state: 'auth-required',
    failure: 'credentials (login-refused)',
    retryAfterMs: 50,
  };
  const { handle, script } = await start({ answer: (round) => (round === 1 ? sleep(600).then(() => refused) : done) });
  await until(() => script.rounds.length === 1);
  await handle.signal(signals.poke, 'arrival');
  await sleep(1_200);
  expect(script.rounds).toHaveLength(1);
});

test('a password that is changed while the old one is being refused is tried', async () => {
  const refused: RoundResult = {
    kind: 'waiting',
    state: 'auth-required',
    failure: 'credentials (login-refused)',
    retryAfterMs: 50,
  };
  const { handle, script } = await start({ answer: (round) => (round === 1 ? sleep(600).then(() => refused) : done) });
  await until(() => script.rounds.length === 1);
  await handle.signal(signals.poke, 'credentials');
  await until(() => script.rounds.length === 2);
});

test('a failed round is tried again after the time it was told', async () => {
  const { script, handle } = await start({
    answer: (round) =>
      round === 1 ? { kind: 'retry', failure: 'unreachable (port-closed)', retryAfterMs: 300, wait: 'reckoned' } : done,
  });
  await until(() => script.rounds.length === 2);
  expect(await handle.query(queries.status)).toMatchObject({ lastFailure: 'unreachable (port-closed)' });
  await keepHistory(handle, 'backed-off');
});

const throttled: RoundResult = { kind: 'retry', failure: 'busy (throttled)', retryAfterMs: 60_000, wait: 'told' };

test('mail that comes, and a look by the clock, wait for the time that the server named', async () => {
  const { handle, script } = await start({ answer: () => ({ ...throttled, retryAfterMs: 4_000 }) });
  await until(() => script.rounds.length === 1);
  const before = Date.now();
  for (const reason of ['arrival', 'reconcile', 'arrival']) await handle.signal(signals.poke, reason);
  await until(() => script.rounds.length === 2);
  // The timer began before the first round was seen here.
  expect(Date.now() - before).toBeGreaterThan(2_500);
});

test('mail that comes while the server names a time waits for it too', async () => {
  const { handle, script } = await start({ answer: () => sleep(600).then(() => throttled) });
  await until(() => script.rounds.length === 1);
  await handle.signal(signals.poke, 'arrival');
  await sleep(1_500);
  expect(script.rounds).toHaveLength(1);
});

test.each(['person', 'credentials', 'policy', 'wish', 'watch'])(
  'a poke for %s does not wait for the time that the server named',
  async (reason) => {
    const { handle, script } = await start({ answer: (round) => (round === 1 ? throttled : done) });
    await until(async () => (await handle.query<{ lastFailure: unknown }>(queries.status)).lastFailure !== null);
    await handle.signal(signals.poke, reason);
    await until(() => script.rounds.length === 2);
  },
);

test('mail that comes while a server is tried again in ever longer spans is looked for at once', async () => {
  const unreachable: RoundResult = { ...throttled, failure: 'unreachable (timed-out)', wait: 'reckoned' };
  const { handle, script } = await start({ answer: (round) => (round === 1 ? unreachable : done) });
  await until(() => script.rounds.length === 1);
  await handle.signal(signals.poke, 'arrival');
  await until(() => script.rounds.length === 2);
});

test('a paused mailbox makes no round, a resumed one goes on with the new generation', async () => {
  const { handle, script } = await start();
  await until(() => script.rounds.length === 1);
  script.wish = { desired: 'paused', generation: 2, epoch: 1 };
  await handle.signal(signals.wish, { desired: 'paused', generation: 2 });
  await handle.signal(signals.poke, 'arrival');
  await sleep(500);
  expect(script.rounds).toHaveLength(1);
  expect(await syncNow(handle)).toEqual({ kind: 'not-running', state: 'paused' });
  script.wish = { desired: 'running', generation: 3, epoch: 1 };
  await handle.signal(signals.wish, { desired: 'running', generation: 3 });
  await until(() => script.rounds.length === 2);
  expect(script.rounds[1]?.fence).toEqual({ epoch: 1, generation: 3 });
  await keepHistory(handle, 'paused-and-resumed');
});

test('a stopped mailbox ends with a sentence', async () => {
  const { handle, script } = await start({ answer: () => ({ ...done, recorded: 7 }) });
  await until(() => script.rounds.length === 1);
  script.wish = { desired: 'stopped', generation: 2, epoch: 1 };
  await handle.signal(signals.wish, { desired: 'stopped', generation: 2 });
  expect(await handle.result()).toBe('stopped after 1 rounds, 7 messages recorded, 0 parked');
  await keepHistory(handle, 'stopped');
});

test('a wish that comes while a cancelled mailbox takes up the one before is what holds', async () => {
  const { handle, mailboxId, script } = await start();
  await until(() => script.rounds.length === 1);
  script.wish = { desired: 'stopped', generation: 2, epoch: 1 };
  let answer = (): void => undefined;
  script.wishAnswered = () => new Promise((resolve) => (answer = resolve));
  await handle.cancel();
  await until(() => script.wishesRead === 2);
  script.wishAnswered = () => Promise.resolve();
  script.wish = { desired: 'running', generation: 3, epoch: 1 };
  await handle.signal(signals.wish, { desired: 'running', generation: 3 });
  answer();
  await until(() => script.rounds.length === 2);
  expect(script.rounds[1]?.fence.generation).toBe(3);
  const { status } = await engine.client.workflow.getHandle(workflowIds.mailboxSync(mailboxId)).describe();
  expect(status.name).toBe('RUNNING');
});

test('a round that was overtaken takes up the wish in Postgres although the signal was lost', async () => {
  const { script } = await start({ answer: (round) => (round === 1 ? { kind: 'superseded' } : done) });
  script.wish = { desired: 'running', generation: 5, epoch: 1 };
  await until(() => script.rounds.length === 2);
  expect(script.rounds[1]?.fence.generation).toBe(5);
});

test('history is imported by a child of its own, beside the rounds, and found by the same tenant and mailbox', async () => {
  const { handle, mailboxId, script } = await start({
    answer: (round) => (round === 1 ? { ...done, foldersWithHistory: 3 } : done),
  });
  const child = engine.client.workflow.getHandle(workflowIds.importHistory(mailboxId));
  await until(() => script.rounds.length === 1);
  await until(() =>
    child.describe().then(
      () => true,
      () => false,
    ),
  );
  expect(await child.result()).toBe('0 messages of history imported');
  const { TenantId, MailboxId } = await attributesOf(handle);
  expect(await attributesOf(child)).toMatchObject({ TenantId, MailboxId });
  expect(MailboxId).toBe(publicId('mailbox', mailboxId));
  await keepHistory(child, 'import');
  await keepHistory(engine.client.workflow.getHandle(workflowIds.mailboxSync(mailboxId)), 'with-import');
});

test('history is imported also where a round fails because of one folder alone', async () => {
  const beside = { ...notReached, retryAfterMs: 3_600_000, foldersWithHistory: 3 };
  const { mailboxId, script } = await start({ answer: () => beside });
  const child = engine.client.workflow.getHandle(workflowIds.importHistory(mailboxId));
  await until(() => script.rounds.length === 1);
  await until(() =>
    child.describe().then(
      () => true,
      () => false,
    ),
  );
  expect(await child.result()).toBe('0 messages of history imported');
});

test('a long history ends in a new run, and nobody who asked meanwhile is left without an answer', async () => {
  const { handle, mailboxId, script } = await start();
  await until(() => script.rounds.length === 1);
  const { runId } = await handle.describe();
  const first = engine.client.workflow.getHandle(workflowIds.mailboxSync(mailboxId), runId);
  const hasEnded = async () => (await first.describe()).status.name !== 'RUNNING';
  for (let asked = 0; asked < 300 && !(await hasEnded()); asked += 1) {
    const answers = await Promise.all([1, 2, 3, 4, 5].map(() => syncNow(handle)));
    expect(answers.every((answer) => answer.kind === 'done')).toBe(true);
  }
  expect((await first.describe()).status.name).toBe('CONTINUED_AS_NEW');
  await keepHistory(handle, 'continued-as-new');
  expect(await syncNow(handle)).toMatchObject({ kind: 'done' });
});

test('the comparison with the server, the rematch and the reconciler each end with a sentence', async () => {
  const ref = { tenantId: newUuid(), mailboxId: newUuid(), operationId: newUuid() };
  const { workflow } = engine.client;
  const runs = [
    { name: workflowNames.auditMailbox, args: [ref], sentence: 'the mailbox is no more' },
    {
      name: workflowNames.rematch,
      args: [ref],
      sentence: 'stored mail is as its links and readers are now: 0 of 0 messages looked at',
    },
    { name: workflowNames.housekeep, args: [], sentence: '3 orphaned blobs deleted, 4 messages made searchable' },
    {
      name: workflowNames.reconcile,
      args: [],
      sentence:
        '0 desired, 0 running, 0 started, 0 reminded, 0 ended, 0 stuck, 0 looked at by the clock, 0 audits, 0 rematches, 0 deletions, 0 told',
    },
  ];
  for (const { name, args, sentence } of runs) {
    const handle = await workflow.start(name, { args, taskQueue: taskQueues.sync, workflowId: `${name}-${newUuid()}` });
    expect(await handle.result()).toBe(sentence);
    await keepHistory(handle, name);
  }
});

test('a comparison that does not reach the server asks for a round, which finds out what that means', async () => {
  const { mailboxId, script } = await start();
  await until(() => script.rounds.length === 1);
  const audit = await engine.client.workflow.start(workflowNames.auditMailbox, {
    args: [{ tenantId: newUuid(), mailboxId, operationId: newUuid() }],
    taskQueue: taskQueues.sync,
    workflowId: `audit-${newUuid()}`,
  });
  expect(await audit.result()).toBe('could not compare: unreachable (port-closed)');
  await until(() => script.rounds.length === 2);
});

test('the Temporal UI finds a mailbox by tenant, mailbox, status and provider', async () => {
  const { handle, script } = await start();
  await until(() => script.rounds.length === 1);
  await until(async () => {
    const shown = await attributesOf(handle);
    return (
      shown['MailboxStatus'] === 'live' && 'TenantId' in shown && 'MailboxId' in shown && shown['Provider'] === 'other'
    );
  });
});
