import { Client } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';

import { newUuid } from '../../src/db/new-id';
import { createMailboxEngine } from '../../src/engine/mailbox-engine';
import { schedules, taskQueues, workflowIds } from '../../src/workflows/contract';
import { createTestNamespace, temporalAddress } from '../support/temporal';
import { workflowBundle } from '../support/workflow-bundle';

let engine: Awaited<ReturnType<typeof createTestNamespace>>;
let native: NativeConnection;

beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  engine = await createTestNamespace();
  // Nothing but the mailbox is to come into memory.
  await Promise.all(schedules.map(({ id }) => engine.client.schedule.getHandle(id).delete()));
  native = await NativeConnection.connect({ address: temporalAddress() });
});
afterAll(async () => {
  await native.close();
  await engine.close();
});

const done = { kind: 'done', recorded: 0, filtered: 0, parked: 0, lookAgainMs: 21_600_000, foldersWithHistory: 0 };

async function syncWorker(rounds: string[]): Promise<Worker> {
  return Worker.create({
    connection: native,
    namespace: engine.namespace,
    taskQueue: taskQueues.sync,
    workflowBundle: await workflowBundle(),
    activities: {
      applyWish: () => ({ kind: 'wish', desired: 'running', generation: 1, epoch: 1 }),
      runRound: ({ mailboxId }: { mailboxId: string }) => {
        rounds.push(mailboxId);
        return done;
      },
    },
  });
}

const historyOf = async (mailboxId: string) => {
  const { historyLength } = await engine.client.workflow.getHandle(workflowIds.mailboxSync(mailboxId)).describe();
  return historyLength;
};

test('a new worker has a mailbox in memory once it was asked to load it, without a round and without an event', async () => {
  const mailboxes = createMailboxEngine(engine.client);
  const mailboxId = newUuid();
  const rounds: string[] = [];
  const before = await syncWorker(rounds);
  await before.runUntil(async () => {
    await mailboxes.start({
      tenantId: newUuid(),
      mailboxId,
      desired: 'running',
      epoch: 1,
      generation: 1,
      provider: 'other',
      applied: true,
      activeAt: new Date(),
    });
    while (rounds.length === 0) await new Promise((resolve) => setTimeout(resolve, 50));
    await mailboxes.load(mailboxId);
  });
  const events = await historyOf(mailboxId);

  const after = await syncWorker(rounds);
  await after.runUntil(async () => {
    expect(after.getStatus().numCachedWorkflows).toBe(0);
    await mailboxes.load(mailboxId);
    expect(after.getStatus().numCachedWorkflows).toBe(1);
    // No workflow of this mailbox runs: there is nothing to load, and nothing wrong.
    await mailboxes.load(newUuid());
    await engine.client.workflow.getHandle(workflowIds.mailboxSync(mailboxId)).terminate();
  });
  expect(rounds).toEqual([mailboxId]);
  expect(await historyOf(mailboxId)).toBe(events + 1);
});

test('a poke over the connection of the workers makes a round, and where no workflow runs nothing is wrong', async () => {
  const pokes = new Client({ connection: native, namespace: engine.namespace });
  const mailboxes = createMailboxEngine(engine.client, pokes);
  const mailbox = { tenantId: newUuid(), mailboxId: newUuid(), epoch: 1, generation: 1, provider: 'other' };
  const rounds: string[] = [];
  const worker = await syncWorker(rounds);
  await worker.runUntil(async () => {
    await mailboxes.start({ ...mailbox, desired: 'running', applied: true, activeAt: new Date() });
    while (rounds.length < 1) await new Promise((resolve) => setTimeout(resolve, 50));
    await mailboxes.poke(mailbox.mailboxId, 'arrival');
    while (rounds.length < 2) await new Promise((resolve) => setTimeout(resolve, 50));
    await mailboxes.poke(newUuid(), 'arrival');
    await engine.client.workflow.getHandle(workflowIds.mailboxSync(mailbox.mailboxId)).terminate();
  });
  expect(rounds).toEqual([mailbox.mailboxId, mailbox.mailboxId]);
});
