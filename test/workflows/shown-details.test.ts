import { setTimeout as sleep } from 'node:timers/promises';

import { Context } from '@temporalio/activity';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';

import type { Activities } from '../../src/activities';
import { newUuid } from '../../src/db/new-id';
import { publicId } from '../../src/domain/ids';
import { createMailboxEngine, sendWish } from '../../src/engine/mailbox-engine';
import { taskQueues, workflowIds, workflowNames } from '../../src/workflows/contract';
import { until } from '../support/lifecycle-bench';
import { createTestNamespace, temporalAddress } from '../support/temporal';
import { workflowBundle } from '../support/workflow-bundle';

// What the Temporal UI says of a workflow while it runs, and when it has ended: Temporal and workflows are real, the work is played.

let temporal: Awaited<ReturnType<typeof createTestNamespace>>;
let engine: ReturnType<typeof createMailboxEngine>;
let connection: NativeConnection;
const working: { worker: Worker; running: Promise<void> }[] = [];
/** What each activity answers, share by share; the last share is held until it is let go. */
const played = new Map<string, unknown[]>();
const held = { letGo: false };

beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  temporal = await createTestNamespace();
  engine = createMailboxEngine(temporal.client);
  connection = await NativeConnection.connect({ address: temporalAddress() });
  const bundle = await workflowBundle();
  for (const taskQueue of [taskQueues.sync, taskQueues.bulk]) {
    const { namespace } = temporal;
    const worker = await Worker.create({ connection, namespace, taskQueue, workflowBundle: bundle, activities });
    working.push({ worker, running: worker.run() });
  }
});
afterAll(async () => {
  for (const { worker } of working) worker.shutdown();
  await Promise.all(working.map(({ running }) => running));
  await connection.close();
  await temporal.close();
});
beforeEach(() => {
  held.letGo = false;
  played.clear();
});

async function play(name: keyof Activities): Promise<unknown> {
  const shares = played.get(name) ?? [];
  if (shares.length > 1) return shares.shift();
  while (!held.letGo) {
    Context.current().heartbeat();
    await sleep(50);
  }
  return shares[0];
}

const names = [
  'applyWish',
  'auditFolders',
  'rematchHistory',
  'replayFailures',
  'reprocess',
  'mergeRecords',
  'changeLinks',
  'deletionTurn',
  'deleteMailboxRows',
  'deleteCascade',
  'erasePersonRows',
  'beginStop',
  'bringToEnd',
  'finishStop',
] as const satisfies (keyof Activities)[];
const activities = {
  ...Object.fromEntries(names.map((name) => [name, () => play(name)])),
  // By the clock, beside these.
  housekeep: () => Promise.resolve({ blobsSwept: 3, messagesIndexed: 4 }),
  watchHealth: () => Promise.resolve({ told: 5 }),
  reconcileMailboxes: () => Promise.resolve({ desired: 7, running: 6, queuesWithoutWorkers: [] }),
};

interface Metadata {
  currentDetails?: string;
}

async function detailsOf(workflowId: string): Promise<string> {
  const metadata = await temporal.client.workflow.getHandle(workflowId).query<Metadata>('__temporal_workflow_metadata');
  return metadata.currentDetails ?? '';
}

const tenantId = newUuid();
const id = newUuid();
const job = { tenantId, operationId: id };
const deletion = { tenantId, deletionId: id };
const mailbox = { tenantId, mailboxId: id };
const speed = { done: 3, total: 10, rate: 2, etaSeconds: 4 };
const far = { done: 3, total: 10, counts: {} };

interface Shown {
  start: () => Promise<unknown>;
  workflowId: string;
  answers: Partial<Record<(typeof names)[number], unknown[]>>;
  summary: RegExp;
  /** While the last share is held. */
  details: RegExp;
  result: string;
}

const workflows: Record<string, Shown> = {
  audit: {
    start: () => engine.startAudit({ ...mailbox, operationId: id }),
    workflowId: workflowIds.auditMailbox(id),
    answers: { auditFolders: [{ kind: 'done', folders: 12, missing: 2, extra: 1, notProvable: 0, linked: 3 }] },
    summary: /^Compares the ledger/,
    details: /folders compared: 5 of 12\n- missing: 2\n- extra: 1/,
    result: '12 folders compared: 2 missing, 1 extra, 0 not provable, 3 links mended',
  },
  rematch: {
    start: () => engine.startRematch(job),
    workflowId: workflowIds.rematch(id),
    answers: {
      rematchHistory: [
        { kind: 'more', progress: far },
        { kind: 'done', progress: { ...far, done: 10 } },
      ],
    },
    summary: /^Links stored mail again/,
    details: /looks at stored mail: 3 of 10 messages/,
    result: 'stored mail is as its links and readers are now: 10 of 10 messages looked at',
  },
  replay: {
    start: () => engine.startReplay(job),
    workflowId: workflowIds.replayFailures(id),
    answers: {
      replayFailures: [
        { kind: 'more', looked: 3, progress: far },
        { kind: 'done', looked: 7, progress: { done: 10, total: 10, counts: { parked: 1, recorded: 9 } } },
      ],
    },
    summary: /^Reads messages again/,
    details: /reads messages again: 3 of 10 messages/,
    result: '10 messages looked at again: parked: 1, recorded: 9',
  },
  reprocess: {
    start: () => engine.startReprocess(job),
    workflowId: workflowIds.reprocess(id),
    answers: {
      reprocess: [
        { kind: 'more', looked: 3, progress: far },
        { kind: 'held', looked: 1, progress: { ...far, done: 4 } },
      ],
    },
    summary: /^Reads stored mail again/,
    details: /reads stored mail again: 3 of 10 copies/,
    result: '4 copies read again or written; 4 of 10 copies when a person held it',
  },
  merge: {
    start: () => engine.startMerge(job),
    workflowId: workflowIds.mergeRecords(id),
    answers: {
      mergeRecords: [
        { kind: 'more', done: 3, total: 10 },
        { kind: 'done', done: 10, total: 10 },
      ],
    },
    summary: /^Merges two records/,
    details: /moves links: 3 of 10 links/,
    result: '10 of 10 links moved',
  },
  link: {
    start: () => engine.startLinks({ ...job, kind: 'link-messages', threadId: null }),
    workflowId: workflowIds.linkMessages(id),
    answers: {
      changeLinks: [
        { kind: 'more', done: 3, total: 10 },
        { kind: 'done', done: 10, total: 10 },
      ],
    },
    summary: /\S/,
    details: /3 of 10 messages/,
    result: 'changed: 10 messages',
  },
  'deletion of a mailbox': {
    start: () => engine.startDeletion(mailbox),
    workflowId: workflowIds.deleteMailbox(id),
    answers: {
      deletionTurn: [{ kind: 'begun', deletionId: id }, {}],
      beginStop: [{ kind: 'begun', inFlight: { rounds: 0, imports: 0, audits: 0 } }, {}],
      bringToEnd: ['closed', 'closed'],
      finishStop: ['stopped', 'stopped'],
      deleteMailboxRows: [
        { kind: 'more', progress: speed },
        { kind: 'done', messages: 10, kept: 2, notes: 4, bytes: 99, seconds: 5 },
      ],
    },
    summary: new RegExp(publicId('mailbox', id)),
    details: /deletes: 3 of 10 ledger rows, 2 a second, 4 s left/,
    result:
      'deleted and verified: 10 messages and 99 bytes in 5 s; 2 messages stay, other mailboxes hold them; 4 activities stay as notes',
  },
  'deletion of a record': {
    start: () => engine.startCascade({ ...deletion, kind: 'record', targetId: id }),
    workflowId: workflowIds.deleteCascade(publicId('record', id)),
    answers: {
      deleteCascade: [
        { kind: 'more', progress: speed },
        { kind: 'done', rows: 20, mailboxes: 0, kept: 2, bytes: 0, seconds: 5 },
      ],
    },
    summary: new RegExp(publicId('record', id)),
    details: /deletes: 3 of 10, 2 a second/,
    result: 'deleted and verified: 20 rows, 0 mailboxes and 0 bytes in 5 s; 2 messages stay',
  },
  erasure: {
    start: () => engine.startErasure(deletion),
    workflowId: workflowIds.erasePerson(id),
    answers: {
      erasePersonRows: [
        { kind: 'more', progress: speed },
        { kind: 'done', messages: 10, bytes: 99, seconds: 5 },
      ],
    },
    summary: /^Erases a person/,
    details: /erases: 3 of 10 messages, 2 a second/,
    result: 'erased and verified: 10 messages and 99 bytes in 5 s',
  },
  stop: {
    start: () => engine.stop(mailbox),
    workflowId: workflowIds.stopMailbox(id),
    answers: {
      beginStop: [{ kind: 'begun', inFlight: { rounds: 1, imports: 2, audits: 0 } }, {}],
      bringToEnd: ['closed'],
      finishStop: ['stopped', 'stopped'],
    },
    summary: new RegExp(`${publicId('mailbox', id)}.*drains`),
    details: /lets the work in flight come to its end: 1 round, 2 imports/,
    result: 'stopped: drained; in flight: 1 round, 2 imports',
  },
};

test.each(Object.entries(workflows))(
  'the %s shows a summary, counts while it runs, and ends with its report',
  async (name, shown) => {
    for (const [activity, answers] of Object.entries(shown.answers)) played.set(activity, [...answers]);
    await shown.start();
    const handle = temporal.client.workflow.getHandle(shown.workflowId);
    if (name === 'audit') {
      const counts = { compared: 5, folders: 12, missing: 2, extra: 1, notProvable: 0, linked: 0 };
      await engine.showAudit(id, { doing: 'folders', ...counts });
    }
    let details = '';
    await until(async () => {
      details = await detailsOf(shown.workflowId);
      return shown.details.test(details);
    }, `the details of ${name}`).catch(() => undefined);
    expect(details).toMatch(shown.details);
    const description = await handle.describe();
    expect(description.status.name).toBe('RUNNING');
    expect(await description.staticSummary()).toMatch(shown.summary);
    held.letGo = true;
    expect(await handle.result()).toBe(shown.result);
    expect(await detailsOf(shown.workflowId)).toContain(shown.result);
  },
);

test('a mailbox that is paused says so, with its counts, and ends with them when it is stopped', async () => {
  const wish = { epoch: 1, generation: 1, desired: 'paused' };
  played.set('applyWish', [
    { kind: 'wish', ...wish },
    { kind: 'wish', ...wish, generation: 2, desired: 'stopped' },
  ]);
  const start = (generation: number, desired: 'paused' | 'stopped') =>
    sendWish(temporal.client, { ...mailbox, fence: { epoch: 1, generation }, desired, provider: 'other' });
  await start(1, 'paused');
  const workflowId = workflowIds.mailboxSync(id);
  await until(async () => (await detailsOf(workflowId)).includes('paused; goes on when it is resumed'), 'the pause');
  expect(await detailsOf(workflowId)).toMatch(/- rounds: 0\n- messages recorded by rounds: 0/);
  const handle = temporal.client.workflow.getHandle(workflowId);
  expect(await (await handle.describe()).staticSummary()).toContain(publicId('mailbox', id));
  held.letGo = true;
  await start(2, 'stopped');
  expect(await handle.result()).toBe('stopped after 0 rounds, 0 messages recorded, 0 parked');
});

test.each([
  [workflowNames.reconcile, taskQueues.sync, /^7 desired, 6 running.*, 5 told$/],
  [workflowNames.housekeep, taskQueues.bulk, /^3 orphaned blobs deleted, 4 messages made searchable$/],
])('the %s of the clock ends with its report, and shows it', async (name, taskQueue, report) => {
  const workflowId = `${name}/by-hand`;
  const handle = await temporal.client.workflow.start(name, { taskQueue, workflowId, args: [] });
  const result: unknown = await handle.result();
  expect(result).toMatch(report);
  expect(await detailsOf(workflowId)).toContain(String(result));
});

test('what is told of an audit that has ended is heard by nobody', async () => {
  const counts = { compared: 5, folders: 12, missing: 2, extra: 1, notProvable: 0, linked: 0 };
  await expect(engine.showAudit(newUuid(), { doing: 'links', ...counts })).resolves.toBeUndefined();
});
