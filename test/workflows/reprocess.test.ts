import { reconcileMailboxes } from '../../src/activities/reconcile-mailboxes';
import { publicId, uuidOf } from '../../src/domain/ids';
import { taskQueues, workflowIds } from '../../src/workflows/contract';
import { issueKey } from '../support/api';
import { sharedDovecot } from '../support/dovecot';
import { createLifecycleBench, until, type LifecycleBench } from '../support/lifecycle-bench';
import { mail } from '../support/mail-factory';
import type { TestMailbox } from '../support/sync-bench';

// API, Temporal, workers, database and mail server are real.

const { imapPort } = sharedDovecot();
let life: LifecycleBench;

beforeAll(async () => {
  life = await createLifecycleBench(imapPort);
});
afterAll(() => life.close());
afterEach(() => life.endWork());

interface Job {
  id: string;
  state: string;
  done: number;
  total: number;
  result: object;
}

async function call<Answer = Job>(mailbox: TestMailbox, method: 'GET' | 'POST', url: string, payload?: object) {
  const { headers } = await issueKey(life.bench.database.db, mailbox.tenantId);
  const answer = await life.api.api.inject({ method, url, headers, ...(payload === undefined ? {} : { payload }) });
  return answer.json<Answer>();
}

const rows = <Row extends object>({ tenantId }: TestMailbox, text: string) =>
  life.bench.database.db.inTenant(tenantId, (sql) => sql.query<Row>(text));

test('a job that was held, and that nobody runs any more, goes on and says what it changed', async () => {
  const mailbox = await life.bench.connect();
  for (const name of ['one', 'two', 'three']) await mailbox.person.append('INBOX', mail({ subject: name }));
  await mailbox.syncAll();
  await rows(mailbox, `UPDATE message_subject SET subject = 'x' WHERE subject <> 'three'`);
  const mailboxId = publicId('mailbox', mailbox.mailboxId);
  const job = await call(mailbox, 'POST', '/v1/reprocess', { mailboxId });
  await call(mailbox, 'POST', `/v1/operations/${job.id}/pause`);
  await life.work([taskQueues.bulk]);
  const dry = await call(mailbox, 'POST', '/v1/reprocess', { dryRun: true });
  const shown = ({ id }: Job) => call(mailbox, 'GET', `/v1/operations/${id}`);
  await until(async () => (await shown(dry)).state === 'done', 'the dry run');
  expect((await shown(dry)).result).toEqual({ mode: 'dry-run', looked: 3, same: 1, withoutBytes: 0, differs: 2 });
  expect((await shown(job)).state).toBe('paused');
  await rows(
    mailbox,
    `UPDATE operation SET state = 'waiting', created_at = now() - interval '2 minutes' WHERE state = 'paused'`,
  );
  await reconcileMailboxes(life.bench.context, { signal: new AbortController().signal, heartbeat: () => undefined });
  await until(async () => (await shown(job)).state === 'done', 'the job');
  expect(await shown(job)).toMatchObject({
    done: 5,
    total: 5,
    result: { mode: 'for-good', looked: 3, same: 1, changed: 2 },
  });
  const { items } = await call<{ items: { fields: string[]; outcome: string }[] }>(
    mailbox,
    'GET',
    `/v1/operations/${job.id}/differences`,
  );
  expect(items.map(({ fields, outcome }) => [fields, outcome])).toEqual(Array(2).fill([['subject'], 'changed']));
  const [one] = await rows<{ id: string }>(
    mailbox,
    `SELECT message_id AS id FROM message_subject WHERE subject = 'one'`,
  );
  const { items: steps } = await call<{ items: { event: string; runId: string | null }[] }>(
    mailbox,
    'GET',
    `/v1/messages/${publicId('message', one?.id ?? '')}/trail`,
  );
  const workflowId = workflowIds.reprocess(uuidOf('operation', job.id) ?? '');
  const { runId } = await life.client.workflow.getHandle(workflowId).describe();
  expect(steps.filter((step) => step.runId === runId).map(({ event }) => event)).toEqual(['updated']);
  expect(await rows(mailbox, 'SELECT subject FROM message_subject ORDER BY 1')).toEqual([
    { subject: 'one' },
    { subject: 'three' },
    { subject: 'two' },
  ]);
});
