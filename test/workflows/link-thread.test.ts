import { reconcileMailboxes } from '../../src/activities/reconcile-mailboxes';
import { publicId, uuidOf } from '../../src/domain/ids';
import { taskQueues, workflowIds } from '../../src/workflows/contract';
import { issueKey, type IssuedKey } from '../support/api';
import { sharedDovecot } from '../support/dovecot';
import { createLifecycleBench, until, type LifecycleBench } from '../support/lifecycle-bench';
import { aMailbox, aMessage, aRecord, type TestMailbox } from '../support/mail-rows';

// API, Temporal, workers and database are real.

const { imapPort } = sharedDovecot();
let life: LifecycleBench;
let mailbox: TestMailbox;
let key: IssuedKey;

beforeAll(async () => {
  life = await createLifecycleBench(imapPort);
  const { database } = life.bench;
  mailbox = await aMailbox(database.db, await database.newTenant());
  key = await issueKey(database.db, mailbox.tenantId);
});
afterAll(() => life.close());
afterEach(() => life.endWork());

interface Operation {
  id: string;
  linkId: string;
  state: string;
  done: number;
  result: object;
}

async function call(method: 'GET' | 'POST' | 'DELETE', url: string, payload?: object): Promise<Operation> {
  const answer = await life.api.api.inject({
    method,
    url,
    headers: key.headers,
    ...(payload === undefined ? {} : { payload }),
  });
  return answer.json<Operation>();
}

const ended = async ({ id }: Operation) => {
  await until(async () => (await call('GET', `/v1/operations/${id}`)).state === 'done', 'the operation');
  return call('GET', `/v1/operations/${id}`);
};

test('linking, taking away, linking again and undoing a thread are workflows under its id, one after the other', async () => {
  const { db } = life.bench.database;
  const { threadId } = await aMessage(db, mailbox, { messageId: '<a@x>' });
  await aMessage(db, mailbox, { messageId: '<b@x>', references: ['<a@x>'] });
  const recordId = publicId('record', await aRecord(db, mailbox.tenantId));
  await life.work([taskQueues.bulk]);
  const thread = `/v1/threads/${publicId('thread', threadId)}`;
  const reports: unknown[] = [];
  const carriedOut = async (operation: Operation) => {
    expect(await ended(operation)).toMatchObject({ done: 2, result: { messages: 2 } });
    reports.push(await life.client.workflow.getHandle(workflowIds.linkThread(threadId)).result());
  };
  const linked = await call('POST', `${thread}/links`, { recordId, mode: 'follow' });
  await carriedOut(linked);
  await carriedOut(await call('DELETE', `${thread}/links/${linked.linkId}`));
  const again = await call('POST', `${thread}/links/${linked.linkId}/relink`);
  await carriedOut(again);
  await carriedOut(await call('POST', `/v1/operations/${again.id}/undo`));
  expect(reports).toEqual([
    'linked: 2 messages',
    'taken away: 2 messages',
    'linked again: 2 messages',
    'undone: 2 messages',
  ]);
});

test('an operation that nobody carries out is started by the reconciler', async () => {
  const { db } = life.bench.database;
  const { id } = await aMessage(db, mailbox, { messageId: '<c@x>' });
  const recordId = publicId('record', await aRecord(db, mailbox.tenantId));
  const links = [{ messageId: publicId('message', id), recordId }];
  const operation = await call('POST', '/v1/links/bulk', { links });
  const workflowId = workflowIds.linkMessages(uuidOf('operation', operation.id) ?? '');
  await life.client.workflow.getHandle(workflowId).terminate('lost');
  await db.inTenant(mailbox.tenantId, (sql) =>
    sql.execute(`UPDATE operation SET created_at = now() - interval '2 minutes' WHERE state = 'waiting'`),
  );
  await reconcileMailboxes(life.bench.context, { signal: new AbortController().signal, heartbeat: () => undefined });
  await life.work([taskQueues.bulk]);
  expect(await ended(operation)).toMatchObject({ done: 1, state: 'done' });
});
