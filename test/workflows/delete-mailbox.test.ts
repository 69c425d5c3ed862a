import { reconcileMailboxes } from '../../src/activities/reconcile-mailboxes';
import { publicId } from '../../src/domain/ids';
import { taskQueues, workflowIds } from '../../src/workflows/contract';
import { issueKey } from '../support/api';
import { appendMany } from '../support/append-many';
import { sharedDovecot } from '../support/dovecot';
import { createLifecycleBench, until, type LifecycleBench } from '../support/lifecycle-bench';
import { mail } from '../support/mail-factory';
import type { TestMailbox } from '../support/sync-bench';
import { countsOf } from '../support/tenant-content';

// API, Temporal, workers, database and mail server are real.

const queues = [taskQueues.sync, taskQueues.bulk];
const { imapPort } = sharedDovecot();
let life: LifecycleBench;

beforeAll(async () => {
  life = await createLifecycleBench(imapPort, {
    importActivityMessages: 100,
    fetchBatchMessages: 20,
    deletionChunkRows: 50,
  });
});
afterAll(() => life.close());
afterEach(() => life.endWork());

interface Shown {
  deletionId: string;
  state: string;
  report: { tables: Record<string, number> } | null;
}

async function call(
  mailbox: TestMailbox,
  method: 'GET' | 'DELETE',
  url: string,
): Promise<{ status: number; body: Shown }> {
  const { headers } = await issueKey(life.bench.database.db, mailbox.tenantId);
  const answer = await life.api.api.inject({ method, url, headers });
  return { status: answer.statusCode, body: answer.json<Shown>() };
}

const urlOf = (mailbox: TestMailbox) => `/v1/mailboxes/${publicId('mailbox', mailbox.mailboxId)}`;
const workflowOf = (mailbox: TestMailbox) =>
  life.client.workflow.getHandle(workflowIds.deleteMailbox(mailbox.mailboxId));

async function deleted(mailbox: TestMailbox): Promise<string> {
  const { status, body } = await call(mailbox, 'DELETE', `${urlOf(mailbox)}?confirm=${mailbox.user}`);
  expect(status).toBe(202);
  return body.deletionId;
}

async function expectNothingLeft(mailbox: TestMailbox): Promise<void> {
  const counts = await countsOf(life.bench.database.ownerUrl, mailbox.tenantId);
  const left = Object.entries(counts).filter(
    ([name, count]) => count > 0 && !['tenant', 'api_key', 'reconciliation'].includes(name),
  );
  expect(left).toEqual([]);
  expect((await call(mailbox, 'GET', urlOf(mailbox))).status).toBe(404);
}

async function connected(messages: number): Promise<TestMailbox> {
  const mailbox = await life.bench.connect();
  const mails = Array.from({ length: messages }, (_, n) => mail({ subject: `number ${String(n)}` }));
  if (messages > 0) await appendMany({ port: imapPort, user: mailbox.user }, mails);
  return mailbox;
}

test('a mailbox that is importing is stopped, deleted and verified, and the workflow ends with the report', async () => {
  const mailbox = await connected(600);
  await life.work(queues);
  await life.wish(mailbox, 'sync').catch(() => undefined);
  await until(async () => (await mailbox.ledger()).length > 50, 'the import');
  const deletionId = await deleted(mailbox);
  expect(await workflowOf(mailbox).result()).toMatch(/^deleted and verified: \d+ messages/);
  const { body } = await call(mailbox, 'GET', `/v1/deletions/${deletionId}`);
  expect(body).toMatchObject({ state: 'done', report: { messagesKept: 0 } });
  await expectNothingLeft(mailbox);
});

test('by the policy onStop: delete a stop says which deletion it has become, and that one ends verified', async () => {
  const mailbox = await connected(3);
  await mailbox.syncAll();
  await life.bench.database.db.inTenant(mailbox.tenantId, (sql) =>
    sql.execute(`UPDATE source SET policy = policy || '{"onStop": "delete"}'`),
  );
  await life.work(queues);
  const stop = (await life.wish(mailbox, 'stop')) as Awaited<ReturnType<LifecycleBench['wish']>> & Shown;
  expect(stop).toMatchObject({ kind: 'stop', deletionId: expect.stringMatching(/^del_/) as unknown });
  expect(await workflowOf(mailbox).result()).toMatch(/^deleted and verified: 3 messages/);
  const { body } = await call(mailbox, 'GET', `/v1/deletions/${stop.deletionId}`);
  expect(body).toMatchObject({ state: 'done', report: { tables: { placement: 3, message: 3, source: 1 } } });
  await expectNothingLeft(mailbox);
  // The operation of the stop was the mailbox's, and went with it.
  expect((await call(mailbox, 'GET', `/v1/operations/${stop.id}`)).status).toBe(404);
});

test('asked for while Temporal is away, a deletion is started by the reconciler', async () => {
  const mailbox = await connected(0);
  await mailbox.syncAll();
  const gateway = life.api.context.temporal;
  life.api.context.temporal = { ...gateway, deleteMailbox: () => Promise.resolve() };
  const deletionId = await deleted(mailbox);
  life.api.context.temporal = gateway;
  await life.work(queues);
  const run = { signal: new AbortController().signal, heartbeat: () => undefined };
  const { deletions } = await reconcileMailboxes(life.bench.context, run);
  expect(deletions).toBeGreaterThan(0);
  await until(async () => (await call(mailbox, 'GET', `/v1/deletions/${deletionId}`)).body.state === 'done');
  await expectNothingLeft(mailbox);
});

test('with time to take it back, a deletion waits, is taken back, and the mailbox goes on', async () => {
  const mailbox = await connected(3);
  await mailbox.syncAll();
  await life.bench.database.db.inTenant(mailbox.tenantId, (sql) =>
    sql.execute(`UPDATE source SET policy = policy || '{"deletionUndoSeconds": 3600}'`),
  );
  await life.work(queues);
  const deletionId = await deleted(mailbox);
  expect(await life.state(mailbox)).toBe('deleting');
  expect((await call(mailbox, 'DELETE', `/v1/deletions/${deletionId}`)).body).toMatchObject({ state: 'cancelled' });
  expect(await workflowOf(mailbox).result()).toBe('there is nothing to delete');
  await until(async () => (await life.state(mailbox)) === 'live', 'the mailbox goes on');
  expect(await mailbox.ledger()).toHaveLength(3);
});

test('the same address is free again when the deletion is done', async () => {
  const mailbox = await connected(2);
  await mailbox.syncAll();
  await life.work(queues);
  await deleted(mailbox);
  await workflowOf(mailbox).result();
  const again = await life.bench.connect({ tenantId: mailbox.tenantId, user: mailbox.user });
  await again.syncAll();
  expect(await again.ledger()).toHaveLength(2);
});
