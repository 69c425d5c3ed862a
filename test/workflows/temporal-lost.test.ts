import { reconcileMailboxes } from '../../src/activities/reconcile-mailboxes';
import { deletionTurn } from '../../src/activities/delete-mailbox';
import { readCatalogue } from '../../src/db/deletion/catalogue';
import { nextContent } from '../../src/db/deletion/content-chunk';
import { deleteContent } from '../../src/db/deletion/delete-content';
import { publicId } from '../../src/domain/ids';
import { taskQueues } from '../../src/workflows/contract';
import { issueKey } from '../support/api';
import { appendMany } from '../support/append-many';
import { sharedDovecot } from '../support/dovecot';
import { createLifecycleBench, until, type LifecycleBench } from '../support/lifecycle-bench';
import { mail } from '../support/mail-factory';
import type { TestMailbox } from '../support/sync-bench';
import { countsOf } from '../support/tenant-content';

// The wishes stand in Postgres: a Temporal that knows nothing of them any more is told again by the reconciler. All servers are real.

const queues = [taskQueues.sync, taskQueues.bulk];
const messages = 12;
const { imapPort } = sharedDovecot();
let life: LifecycleBench;

beforeAll(async () => {
  life = await createLifecycleBench(imapPort, { deletionChunkRows: 5 });
});
afterAll(() => life.close());
afterEach(() => life.endWork());

async function connected(): Promise<TestMailbox> {
  const mailbox = await life.bench.connect();
  const mails = Array.from({ length: messages }, (_, n) => mail({ subject: `number ${String(n)}` }));
  await appendMany({ port: imapPort, user: mailbox.user }, mails);
  await mailbox.syncAll();
  return mailbox;
}

const reconcile = () =>
  reconcileMailboxes(life.bench.context, { signal: new AbortController().signal, heartbeat: () => undefined });

async function call(mailbox: TestMailbox, method: 'GET' | 'DELETE', url: string) {
  const { headers } = await issueKey(life.bench.database.db, mailbox.tenantId);
  const answer = await life.api.api.inject({ method, url, headers });
  return { status: answer.statusCode, body: answer.json<{ deletionId: string; state: string; report: unknown }>() };
}

test('a stop that was in flight ends, and its operation says how', async () => {
  const mailbox = await connected();
  await life.work(queues);
  await life.wish(mailbox, 'sync');
  await until(async () => (await life.state(mailbox)) === 'live', 'the mailbox lives');
  await life.endWork();
  const stop = await life.wish(mailbox, 'stop');
  await life.loseTemporal();
  await life.work(queues);
  await reconcile();
  expect(await life.ended(mailbox, stop)).toMatchObject({ kind: 'stop', state: 'done', result: { ended: 'drained' } });
  expect(await life.state(mailbox)).toBe('stopped');
  expect(await mailbox.ledger()).toHaveLength(messages);
});

test('a deletion that was in flight goes on where it was and ends verified', async () => {
  const mailbox = await connected();
  const { tenantId, mailboxId, user } = mailbox;
  const url = `/v1/mailboxes/${publicId('mailbox', mailboxId)}`;
  const { body } = await call(mailbox, 'DELETE', `${url}?confirm=${user}`);
  await oneChunk({ tenantId, mailboxId });
  await life.loseTemporal();
  await life.work(queues);
  expect((await reconcile()).deletions).toBeGreaterThan(0);
  const deletion = () => call(mailbox, 'GET', `/v1/deletions/${body.deletionId}`);
  await until(async () => (await deletion()).body.state === 'done', 'the deletion');
  expect((await deletion()).body.report).toMatchObject({ tables: { placement: messages, message_body: messages } });
  const counts = Object.entries(await countsOf(life.bench.database.ownerUrl, tenantId));
  const kept = ['tenant', 'api_key', 'reconciliation'];
  expect(counts.filter(([name, count]) => count > 0 && !kept.includes(name))).toEqual([]);
  expect((await call(mailbox, 'GET', url)).status).toBe(404);
});

/** What a worker does of a deletion before it is killed: a chunk of its mail is gone, the words of that mail are still noted. */
async function oneChunk(ref: { tenantId: string; mailboxId: string }): Promise<void> {
  const { db, limits } = life.bench.context;
  const turn = await deletionTurn(life.bench.context, ref);
  if (turn.kind !== 'begun') throw new Error('the deletion has not begun');
  const deletion = { tenantId: ref.tenantId, sourceId: ref.mailboxId, deletionId: turn.deletionId };
  const chunk = await nextContent(db, deletion, { after: null, limit: limits.deletionChunkRows });
  if (chunk === null) throw new Error('there is nothing to delete');
  const catalogue = await db.inTenant(ref.tenantId, readCatalogue);
  await deleteContent(db, deletion, { chunk, contents: new Map(), catalogue, rest: 'noted' });
}
