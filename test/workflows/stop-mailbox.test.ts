import { createConnections } from '../../src/activities/connections';
import { publicId } from '../../src/domain/ids';
import { outcomes, presences } from '../../src/domain/ledger';
import { taskQueues, workflowIds } from '../../src/workflows/contract';
import { appendMany } from '../support/append-many';
import { sharedDovecot } from '../support/dovecot';
import { keepHistory } from '../support/histories';
import { createLifecycleBench, until, type LifecycleBench } from '../support/lifecycle-bench';
import { mail } from '../support/mail-factory';
import { startScriptedServer, type ScriptedServer } from '../support/scripted-imap-server';
import type { TestMailbox } from '../support/sync-bench';

// API, Temporal, workers, database and servers are real; a server that hangs is played.
// Workers begin when the mail is there: the reconciler, every minute, starts a mailbox that nobody has started, and what comes after its first
// round is no history.

const queues = [taskQueues.sync, taskQueues.bulk];
const { imapPort } = sharedDovecot();

let life: LifecycleBench;
let hanging: ScriptedServer | undefined;

beforeAll(async () => {
  life = await createLifecycleBench(imapPort, {
    importActivityMessages: 100,
    fetchBatchMessages: 20,
    stopDrainMs: 60_000,
    stopCancelMs: 60_000,
  });
});
afterAll(() => life.close());
const ended: (() => void)[] = [];
afterEach(async () => {
  for (const restore of ended.splice(0)) restore();
  Object.assign(life.bench.context.limits, { stopDrainMs: 60_000, stopCancelMs: 60_000 });
  await life.endWork();
  await hanging?.stop();
  hanging = undefined;
});

/** Limits of this test; the rest are long enough for a loaded machine. */
const within = (limits: { stopDrainMs?: number; stopCancelMs?: number }) =>
  Object.assign(life.bench.context.limits, limits);

const mailboxWorkflow = ({ mailboxId }: TestMailbox) =>
  life.client.workflow.getHandle(workflowIds.mailboxSync(mailboxId));
const importWorkflow = ({ mailboxId }: TestMailbox) =>
  life.client.workflow.getHandle(workflowIds.importHistory(mailboxId));
const stopWorkflow = ({ mailboxId }: TestMailbox) => life.client.workflow.getHandle(workflowIds.stopMailbox(mailboxId));

/** The run that is there now, whatever comes after it. */
async function runOf(handle: ReturnType<typeof mailboxWorkflow>) {
  const { workflowId, runId } = await handle.describe();
  return life.client.workflow.getHandle(workflowId, runId, { followRuns: false });
}

async function isOpen(handle: ReturnType<typeof mailboxWorkflow>): Promise<boolean> {
  return handle.describe().then(
    ({ status }) => status.name === 'RUNNING',
    () => false,
  );
}

const nothingIsOpen = async (mailbox: TestMailbox) => {
  expect(await isOpen(mailboxWorkflow(mailbox))).toBe(false);
  expect(await isOpen(importWorkflow(mailbox))).toBe(false);
};

/** A mailbox whose server goes silent at this command, once it is told to. */
async function onHangingServer(command: string): Promise<TestMailbox> {
  const messages = [1, 2, 3].map((uid) => ({ uid, raw: mail({ subject: `number ${String(uid)}` }) }));
  hanging = await startScriptedServer({
    folders: { INBOX: { uidValidity: '7', messages } },
    on: { [command]: () => undefined },
  });
  return life.bench.connect({ port: hanging.port, user: 'somebody', withoutPerson: true });
}

test('a stop during an import drains it, and a start goes on at the exact cursor', async () => {
  const mailbox = await life.bench.connect();
  await appendMany(
    { port: imapPort, user: mailbox.user },
    Array.from({ length: 1_000 }, (_, n) => mail({ subject: `number ${String(n)}` })),
  );
  await life.work(queues);
  await life.wish(mailbox, 'start');
  await until(async () => (await mailbox.ledger()).length >= 100, 'the import');
  const wished = await life.wish(mailbox, 'stop');
  // The reconciler may stop it once more, in a run of its own that finds nothing.
  const stopping = await runOf(stopWorkflow(mailbox));
  const stop = await life.ended(mailbox, wished);
  expect(stop).toMatchObject({ kind: 'stop', state: 'done', result: { ended: 'drained', inFlight: { imports: 1 } } });
  expect(await life.state(mailbox)).toBe('stopped');
  await nothingIsOpen(mailbox);
  expect(await stopping.result()).toMatch(/^stopped: drained; in flight: (1 round, )?1 import$/);
  const atStop = (await mailbox.ledger()).length;
  expect(atStop).toBeLessThan(1_000);
  await mailbox.person.append('INBOX', mail({ subject: 'while it was stopped' }));

  const start = await life.ended(mailbox, await life.wish(mailbox, 'start'));
  expect(start).toMatchObject({ kind: 'start', state: 'done' });
  await until(async () => (await mailbox.ledger()).length === 1_001, 'the rest of the import');
  const ledger = await mailbox.ledger();
  expect(ledger.every((row) => row.outcome === outcomes.recorded && row.presence === presences.live)).toBe(true);
  const line = ({ uid, sha256 }: { uid: number; sha256: string | null }) => `${String(uid)} ${sha256 ?? ''}`;
  expect(ledger.map(line).sort()).toEqual((await mailbox.server()).map(line).sort());
  await keepHistory(stopping, 'stop-drained');
  await life.ended(mailbox, await life.wish(mailbox, 'stop'));
});

test('an import whose server has gone silent is drained: its connection is closed with the wish', async () => {
  await life.work(queues);
  const mailbox = await onHangingServer('UID FETCH');
  await life.wish(mailbox, 'start');
  await until(() => hanging?.commands.some((line) => line.startsWith('UID FETCH')) ?? false, 'the import');
  const stop = await life.ended(mailbox, await life.wish(mailbox, 'stop'));
  expect(stop).toMatchObject({ state: 'done', result: { ended: 'drained', inFlight: { imports: 1 } } });
  expect(hanging?.sockets.size).toBe(0);
  await nothingIsOpen(mailbox);
});

test('a stop cancels a round that hears nothing of it, and closes its connection', async () => {
  within({ stopDrainMs: 1_000 });
  const { context } = life.bench;
  const { connections } = context;
  context.connections = createConnections({
    connect: ({ mailbox, signal }) => context.connect(mailbox, signal),
    standings: () => Promise.reject(new Error('the database does not answer')),
    idleMs: 60_000,
    checkMs: 500,
  });
  ended.push(() => void (context.connections = connections));
  await life.work(queues);
  const mailbox = await onHangingServer('EXAMINE');
  await life.wish(mailbox, 'start');
  await until(() => hanging?.commands.some((line) => line.startsWith('EXAMINE')) ?? false, 'the round');
  const wished = await life.wish(mailbox, 'stop');
  const stopping = await runOf(stopWorkflow(mailbox));
  await context.engine.stop(mailbox);
  const stop = await life.ended(mailbox, wished);
  expect(stop).toMatchObject({ state: 'done', result: { ended: 'cancelled', inFlight: { rounds: 1, imports: 0 } } });
  await nothingIsOpen(mailbox);
  // Told once more while it ran, it looked again; what it says is what it ended.
  expect(await stopping.result()).toBe('stopped: cancelled; in flight: 1 round');
  await until(() => hanging?.sockets.size === 0, 'the end of the connection');
  expect(await mailboxWorkflow(mailbox).result()).toBe(
    'stopped, cancelled after 0 rounds, 0 messages recorded, 0 parked',
  );
  expect(await life.state(mailbox)).toBe('stopped');
  await keepHistory(stopping, 'stop-cancelled');
  await keepHistory(mailboxWorkflow(mailbox), 'cancelled');
});

test('a stop terminates an import whose worker is gone', async () => {
  within({ stopDrainMs: 1_000, stopCancelMs: 1_000 });
  const mailbox = await life.bench.connect();
  await mailbox.person.append('INBOX', mail({ subject: 'history' }));
  await life.work([taskQueues.sync]);
  await life.work([taskQueues.bulk], 'workflows');
  await life.wish(mailbox, 'start');
  await until(() => isOpen(importWorkflow(mailbox)), 'the import');
  // A worker that takes tasks and is never heard of again.
  let taken: string | null | undefined;
  while (taken !== workflowIds.importHistory(mailbox.mailboxId)) {
    const task = await life.client.connection.withDeadline(Date.now() + 60_000, () =>
      life.client.workflowService.pollActivityTaskQueue({
        namespace: life.client.options.namespace,
        taskQueue: { name: taskQueues.bulk },
        identity: 'a worker that is gone',
      }),
    );
    taken = task.workflowExecution?.workflowId;
  }
  const stop = await life.ended(mailbox, await life.wish(mailbox, 'stop'));
  expect(stop).toMatchObject({ state: 'done', result: { ended: 'terminated', inFlight: { rounds: 0, imports: 1 } } });
  await nothingIsOpen(mailbox);
  expect((await importWorkflow(mailbox).describe()).status.name).toBe('TERMINATED');
});

test('a stop ends an audit that is under way, and its operation', async () => {
  within({ stopDrainMs: 1_000 });
  await life.work(queues);
  const mailbox = await onHangingServer('LIST');
  const operationId = (
    await life.bench.database.db.inTenant(mailbox.tenantId, (sql) =>
      sql.query<{ id: string }>(
        `INSERT INTO operation (tenant_id, id, kind, source_id, state) VALUES ($1, gen_random_uuid(), 'audit', $2, 'waiting') RETURNING id`,
        [mailbox.tenantId, mailbox.mailboxId],
      ),
    )
  )[0]?.id;
  if (operationId === undefined) throw new Error('no operation');
  const { tenantId, mailboxId } = mailbox;
  void life.api.context.temporal.auditMailbox({ tenantId, mailboxId, operationId }).catch(() => undefined);
  const audit = life.client.workflow.getHandle(workflowIds.auditMailbox(mailboxId));
  await until(() => isOpen(audit), 'the audit');
  await until(() => hanging?.commands.some((line) => line.startsWith('LIST')) ?? false, 'the sweep');
  const stop = await life.ended(mailbox, await life.wish(mailbox, 'stop'));
  expect(stop).toMatchObject({ state: 'done', result: { inFlight: { audits: 1 } } });
  expect(await isOpen(audit)).toBe(false);
  expect(await life.ended(mailbox, { id: publicId('operation', operationId) })).toMatchObject({ state: 'failed' });
});

test('a start that comes while a stop cancels is what holds', async () => {
  within({ stopDrainMs: 1_000 });
  await life.work(queues);
  const mailbox = await onHangingServer('EXAMINE');
  await life.wish(mailbox, 'start');
  await until(() => hanging?.commands.some((line) => line.startsWith('EXAMINE')) ?? false, 'the round');
  const stop = await life.wish(mailbox, 'stop');
  const start = await life.wish(mailbox, 'start');
  if (hanging !== undefined) hanging.on = {};
  for (const socket of hanging?.sockets ?? []) socket.destroy();
  expect(await life.ended(mailbox, start)).toMatchObject({ state: 'done' });
  expect(await life.ended(mailbox, stop)).toMatchObject({ state: 'superseded' });
  await until(async () => (await mailbox.ledger()).length === 3, 'the import');
  expect(await isOpen(mailboxWorkflow(mailbox))).toBe(true);
  await life.ended(mailbox, await life.wish(mailbox, 'stop'));
});
