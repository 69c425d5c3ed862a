import { reconcileMailboxes } from '../../src/activities/reconcile-mailboxes';
import { publicId, uuidOf } from '../../src/domain/ids';
import { taskQueues, workflowIds } from '../../src/workflows/contract';
import { insertUser, issueKey, type IssuedKey } from '../support/api';
import { appendMany } from '../support/append-many';
import { asOwner } from '../support/database-copy';
import { sharedDovecot } from '../support/dovecot';
import { createLifecycleBench, until, type LifecycleBench } from '../support/lifecycle-bench';
import { mail } from '../support/mail-factory';
import { aRecord } from '../support/mail-rows';
import { attributesOf } from '../support/temporal';
import type { TestMailbox } from '../support/sync-bench';

// API, Temporal, workers, database and mail server are real.

const queues = [taskQueues.sync, taskQueues.bulk];
const { imapPort } = sharedDovecot();
let life: LifecycleBench;
let key: IssuedKey;

beforeAll(async () => {
  life = await createLifecycleBench(imapPort, { deletionChunkRows: 10, deletionActivityMs: 50 });
});
afterAll(() => life.close());
afterEach(() => life.endWork());

const db = () => life.bench.database.db;
const rows = <Row extends object>(tenantId: string, text: string, values: unknown[] = []) =>
  db().inTenant(tenantId, (sql) => sql.query<Row>(text, values));

async function asked(url: string): Promise<string> {
  const answer = await life.api.api.inject({ method: 'DELETE', url, headers: key.headers });
  expect([answer.statusCode, answer.body]).toEqual([202, expect.stringContaining('del_')]);
  return answer.json<{ deletionId: string }>().deletionId;
}

async function shown(deletionId: string) {
  const answer = await life.api.api.inject({ method: 'GET', url: `/v1/deletions/${deletionId}`, headers: key.headers });
  return answer.json<{ state: string; done: number; report: object | null }>();
}

const resultOf = (publicTarget: string) =>
  life.client.workflow.getHandle(workflowIds.deleteCascade(publicTarget)).result();

/** A mailbox of a tenant with so much mail from one customer, all of it recorded. */
async function connected(tenantId: string, messages: number): Promise<TestMailbox> {
  const mailbox = await life.bench.connect({ tenantId });
  const from = 'ada@customer.example';
  const mails = Array.from({ length: messages }, (_, n) => mail({ from, subject: `number ${String(n)}` }));
  await appendMany({ port: imapPort, user: mailbox.user }, mails);
  await mailbox.syncAll();
  return mailbox;
}

async function newTenant(): Promise<string> {
  const tenantId = await life.bench.database.newTenant();
  key = await issueKey(db(), tenantId);
  return tenantId;
}

const run = { signal: new AbortController().signal, heartbeat: () => undefined };

test('a record is erased share by share, also by another worker than the one that began, and the workflow ends with the report', async () => {
  const tenantId = await newTenant();
  const ada = await aRecord(db(), tenantId, { name: 'Ada', addresses: ['ada@customer.example'] });
  await connected(tenantId, 60);
  // Its activities fail: the database refuses what they delete, until it does not.
  await asOwner(life.bench.database.ownerUrl, (owner) => owner.query('REVOKE DELETE ON link FROM letterbook_app'));
  const shownId = publicId('record', ada);
  const deletionId = await asked(`/v1/records/${shownId}?erase=true&confirm=Ada`);
  await life.work(queues);
  await until(async () => {
    const { raw } = await life.client.workflow.getHandle(workflowIds.deleteCascade(shownId)).describe();
    return (raw.pendingActivities ?? []).some(({ attempt }) => (attempt ?? 0) > 1);
  }, 'a second try');
  await life.endWork();
  await asOwner(life.bench.database.ownerUrl, (owner) => owner.query('GRANT DELETE ON link TO letterbook_app'));
  await life.work(queues);
  expect(await resultOf(shownId)).toMatch(/^deleted and verified: \d+ rows/);
  expect(await shown(deletionId)).toMatchObject({
    state: 'done',
    done: 60,
    report: { tables: { link: 60, record: 1 } },
  });
  expect(await rows(tenantId, 'SELECT FROM message')).toHaveLength(60);
});

test('a user goes when their mailboxes have ended, each by its own workflow', async () => {
  const tenantId = await newTenant();
  const leaver = await insertUser(db(), tenantId);
  const mailboxes = [await connected(tenantId, 25), await connected(tenantId, 25)];
  await rows(tenantId, 'UPDATE source SET owner_user_id = $1', [leaver]);
  await life.work(queues);
  // One of them is being deleted already, and waits in its undo window: it is part of the whole from now on.
  await rows(tenantId, `UPDATE source SET policy = policy || '{"deletionUndoSeconds": 3600}'`);
  const [first] = mailboxes;
  await asked(`/v1/mailboxes/${publicId('mailbox', first?.mailboxId ?? '')}?confirm=${first?.user ?? ''}`);

  const shownId = publicId('user', leaver);
  const deletionId = await asked(`/v1/users/${shownId}?confirm=${shownId}&mailboxes=delete`);
  expect(await resultOf(shownId)).toMatch(/2 mailboxes/);
  for (const { mailboxId } of mailboxes) {
    const deletion = life.client.workflow.getHandle(workflowIds.deleteMailbox(mailboxId));
    expect(await deletion.result()).toMatch(/^deleted and/);
    expect(await attributesOf(deletion)).toMatchObject({
      TenantId: publicId('tenant', tenantId),
      MailboxId: publicId('mailbox', mailboxId),
    });
  }
  expect(await shown(deletionId)).toMatchObject({ state: 'done', report: { mailboxes: 2, tables: { app_user: 1 } } });
  expect(await rows(tenantId, 'SELECT FROM message')).toEqual([]);
});

test('a tenant whose deletion nobody started is deleted by the reconciler, while its mailboxes work', async () => {
  const tenantId = await newTenant();
  const mailbox = await connected(tenantId, 25);
  await life.work(queues);
  await life.wish(mailbox, 'sync').catch(() => undefined);
  const gateway = life.api.context.temporal;
  life.api.context.temporal = { ...gateway, deleteCascade: () => Promise.resolve() };
  const deletionId = await asked('/v1/tenant?confirm=test');
  life.api.context.temporal = gateway;
  await reconcileMailboxes(life.bench.context, run);
  expect(await resultOf(publicId('tenant', tenantId))).toMatch(/^deleted and verified: \d+ rows, 1 mailboxes/);
  const kept = await asOwner(life.bench.database.ownerUrl, (owner) =>
    owner.query<{ report: object }>('SELECT report FROM tenant_deletion WHERE id = $1', [
      uuidOf('deletion', deletionId),
    ]),
  );
  expect(kept.rows).toMatchObject([{ report: { mailboxes: 1, tables: { message: 25, tenant: 1 } } }]);
  expect(await rows(tenantId, 'SELECT FROM tenant')).toEqual([]);
});
