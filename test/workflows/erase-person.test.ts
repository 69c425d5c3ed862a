import { reconcileMailboxes } from '../../src/activities/reconcile-mailboxes';
import { uuidOf } from '../../src/domain/ids';
import { taskQueues, workflowIds } from '../../src/workflows/contract';
import { issueKey, type IssuedKey } from '../support/api';
import { sharedDovecot } from '../support/dovecot';
import { createLifecycleBench, until, type LifecycleBench } from '../support/lifecycle-bench';
import { mail } from '../support/mail-factory';
import type { TestMailbox } from '../support/sync-bench';

// API, Temporal, workers, database and mail server are real.

const ada = 'ada@customer.example';
const queues = [taskQueues.sync, taskQueues.bulk];
const { imapPort } = sharedDovecot();
let life: LifecycleBench;
let mailbox: TestMailbox;
let key: IssuedKey;

beforeAll(async () => {
  life = await createLifecycleBench(imapPort, { deletionChunkRows: 1 });
});
afterAll(() => life.close());
beforeEach(async () => {
  mailbox = await life.bench.connect();
  key = await issueKey(life.bench.database.db, mailbox.tenantId);
  for (let n = 0; n < 3; n += 1) {
    await mailbox.person.append('INBOX', mail({ from: n < 2 ? ada : 'eve@customer.example', subject: String(n) }));
  }
  await mailbox.syncAll();
});
afterEach(() => life.endWork());

async function erased(): Promise<string> {
  const { headers } = key;
  const payload = { addresses: [ada], confirm: [ada] };
  const answer = await life.api.api.inject({ method: 'POST', url: '/v1/people/erasures', headers, payload });
  expect(answer.statusCode).toBe(202);
  return answer.json<{ id: string }>().id;
}

const shown = async (id: string) =>
  (await life.api.api.inject({ method: 'GET', url: `/v1/deletions/${id}`, headers: key.headers })).json<{
    state: string;
    report: { tables: Record<string, number> } | null;
  }>();

test('the workflow ends with the report, and its history says no address', async () => {
  await life.work(queues);
  const id = await erased();
  const handle = life.client.workflow.getHandle(workflowIds.erasePerson(uuidOf('deletion', id) ?? ''));
  expect(await handle.result()).toMatch(/^erased and verified: 2 messages and \d+ bytes/);
  expect(await shown(id)).toMatchObject({ state: 'done', report: { tables: { message: 2, placement: 2 } } });
  expect(JSON.stringify(await handle.fetchHistory())).not.toContain(Buffer.from(ada).toString('base64').slice(0, 12));
  expect((await mailbox.ledger()).map(({ reason }) => reason).sort()).toEqual(['erased', 'erased', null]);
});

test('asked for while Temporal is away, an erasure is started by the reconciler', async () => {
  const gateway = life.api.context.temporal;
  life.api.context.temporal = { ...gateway, erasePerson: () => Promise.resolve() };
  const id = await erased();
  life.api.context.temporal = gateway;
  await life.work(queues);
  await reconcileMailboxes(life.bench.context, { signal: new AbortController().signal, heartbeat: () => undefined });
  await until(async () => (await shown(id)).state === 'done', 'the erasure');
});
