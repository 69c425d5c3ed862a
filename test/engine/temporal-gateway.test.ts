import { randomUUID } from 'node:crypto';

import { Client, Connection } from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';

import { EngineUnavailable, type MailboxToRun, type TemporalGateway } from '../../src/api/temporal-gateway';
import { publicId } from '../../src/domain/ids';
import { prepareEngine } from '../../src/engine/prepare-engine';
import { createTemporalGateway } from '../../src/engine/temporal-gateway';
import { schedules, taskQueues, workflowIds } from '../../src/workflows/contract';
import { workflowBundle } from '../support/workflow-bundle';

// The real server and the real workflows; only the activities are played.

const address = process.env['LETTERBOOK_TEST_TEMPORAL_ADDRESS'] ?? '';
const namespace = `gateway-${randomUUID().slice(0, 8)}`;

let connection: Connection;
let client: Client;
let gateway: TemporalGateway;

beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  connection = await Connection.connect({ address });
  client = new Client({ connection, namespace });
  await untilReady(() => prepareEngine(client));
  gateway = createTemporalGateway({ address, namespace });
});
afterAll(async () => {
  for (const { id } of schedules) await client.schedule.getHandle(id).delete(); // else it fires for ever, where the server outlives the tests
  await gateway.close();
  await connection.close();
});

/** A new namespace is known to all parts of the server after some seconds. */
async function untilReady(attempt: () => Promise<unknown>): Promise<void> {
  for (let n = 0; ; n += 1) {
    try {
      await attempt();
      return;
    } catch (error) {
      if (n === 40) throw error;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
}

function mailbox(changes: Partial<MailboxToRun> = {}): MailboxToRun {
  return {
    tenantId: randomUUID(),
    mailboxId: randomUUID(),
    fence: { epoch: 1, generation: 1 },
    desired: 'running',
    provider: 'other',
    ...changes,
  };
}

const workflowOf = (one: MailboxToRun) => client.workflow.getHandle(workflowIds.mailboxSync(one.mailboxId));

test('without a worker the engine is reachable, but nobody polls', async () => {
  expect(await gateway.health()).toEqual({ reachable: true, polled: false });
});

test('starting twice is one workflow, found by its ids', async () => {
  const one = mailbox();
  await gateway.startMailbox(one);
  await gateway.startMailbox(one);
  const { typedSearchAttributes, taskQueue, status } = await workflowOf(one).describe();
  expect([taskQueue, status.name]).toEqual([taskQueues.sync, 'RUNNING']);
  const mailboxId = defineSearchAttributeKey('MailboxId', SearchAttributeType.KEYWORD);
  expect(typedSearchAttributes.get(mailboxId)).toBe(`mbx_${one.mailboxId.replaceAll('-', '')}`);
  await workflowOf(one).terminate();
});

test('workflows are found by whose they are, and by the mailbox that they are about', async () => {
  const { tenantId, mailboxId } = mailbox();
  const person = { tenantId, deletionId: randomUUID() };
  const record = { tenantId, deletionId: randomUUID(), kind: 'record', targetId: randomUUID() } as const;
  await gateway.stopMailbox({ tenantId, mailboxId });
  await gateway.deleteMailbox({ tenantId, mailboxId });
  await gateway.erasePerson(person);
  await gateway.deleteCascade(record);
  const job = (operationId = randomUUID()) => ({ tenantId, operationId });
  const jobs = { rematch: job(), merge: job(), links: job(), replay: job(), reprocess: job() };
  const connector = { tenantId, connectorId: randomUUID() };
  await gateway.startRematch(jobs.rematch);
  await gateway.startMerge(jobs.merge);
  await gateway.startLinks({ ...jobs.links, kind: 'link-messages', threadId: null });
  await gateway.startReplay(jobs.replay);
  await gateway.startReprocess(jobs.reprocess);
  await gateway.wakeConnector(connector);
  const expected = [
    [workflowIds.stopMailbox(mailboxId), mailboxId],
    [workflowIds.deleteMailbox(mailboxId), mailboxId],
    [workflowIds.erasePerson(person.deletionId), undefined],
    [workflowIds.deleteCascade(publicId('record', record.targetId)), undefined],
    [workflowIds.rematch(jobs.rematch.operationId), undefined],
    [workflowIds.mergeRecords(jobs.merge.operationId), undefined],
    [workflowIds.linkMessages(jobs.links.operationId), undefined],
    [workflowIds.replayFailures(jobs.replay.operationId), undefined],
    [workflowIds.reprocess(jobs.reprocess.operationId), undefined],
    [workflowIds.crmConnector(connector.connectorId), undefined],
  ] as const;
  for (const [workflowId, about] of expected) {
    const workflow = client.workflow.getHandle(workflowId);
    const { typedSearchAttributes } = await workflow.describe();
    const shown = ['TenantId', 'MailboxId'].map((name) =>
      typedSearchAttributes.get(defineSearchAttributeKey(name, SearchAttributeType.KEYWORD)),
    );
    expect(shown).toEqual([publicId('tenant', tenantId), about && publicId('mailbox', about)]);
    await workflow.terminate();
  }
});

test('a wish starts the workflow that is to carry it out, a poke never starts one', async () => {
  const one = mailbox({ desired: 'stopped' });
  await gateway.poke(one, 'person');
  await expect(workflowOf(one).describe()).rejects.toThrow(/not found/i);
  await gateway.sendWish(one);
  expect((await workflowOf(one).describe()).status.name).toBe('RUNNING');
  await workflowOf(one).terminate();
});

test('an engine that is not there says so within seconds, and never throws anything else', async () => {
  const nowhere = createTemporalGateway({ address: '127.0.0.1:1', namespace });
  const began = Date.now();
  await expect(nowhere.startMailbox(mailbox())).rejects.toThrow(EngineUnavailable);
  await expect(nowhere.poke(mailbox(), 'policy')).rejects.toThrow(EngineUnavailable);
  expect(await nowhere.health()).toEqual({ reachable: false, polled: false });
  expect(Date.now() - began).toBeLessThan(20_000);
  await nowhere.close();
});

test('with a worker somebody polls, and a sync answers when its round has ended', async () => {
  const native = await NativeConnection.connect({ address });
  const rounds: unknown[] = [];
  const worker = await Worker.create({
    connection: native,
    namespace,
    taskQueue: taskQueues.sync,
    workflowBundle: await workflowBundle(),
    activities: {
      reconcileMailboxes: () => ({ desired: 0, running: 0, started: 0, reminded: 0 }),
      applyWish: () => ({ kind: 'wish', desired: 'running', generation: 1, epoch: 1 }),
      runRound: (input: unknown) => {
        rounds.push(input);
        return { kind: 'done', recorded: 2, filtered: 1, parked: 0, lookAgainMs: 300_000, foldersWithHistory: 0 };
      },
    },
  });
  const one = mailbox();
  await worker.runUntil(async () => {
    const requestId = randomUUID();
    expect(await gateway.syncNow(one, requestId)).toEqual({ kind: 'done', recorded: 2, filtered: 1, parked: 0 });
    expect(JSON.stringify(rounds)).toContain(one.mailboxId);
    expect(await gateway.health()).toEqual({ reachable: true, polled: true });
    await workflowOf(one).terminate();
  });
  await native.close();
});
