import { reconcileMailboxes } from '../../src/activities/reconcile-mailboxes';
import { defaultLimits } from '../../src/config/limits';
import { publicId, uuidOf } from '../../src/domain/ids';
import { outcomes } from '../../src/domain/ledger';
import { createParsePool } from '../../src/mail/parse/parse-pool';
import { taskQueues, workflowIds } from '../../src/workflows/contract';
import { issueKey } from '../support/api';
import { sharedDovecot } from '../support/dovecot';
import { createLifecycleBench, until, type LifecycleBench } from '../support/lifecycle-bench';
import { mail } from '../support/mail-factory';
import type { TestMailbox } from '../support/sync-bench';

// API, Temporal, workers, database and mail server are real.

const queues = [taskQueues.sync, taskQueues.bulk];
const { imapPort } = sharedDovecot();
const fixed = createParsePool({ threads: 1, timeoutMs: 20_000, heapMegabytes: 256, limits: defaultLimits });
let life: LifecycleBench;

beforeAll(async () => {
  life = await createLifecycleBench(imapPort, { maxParts: 3 });
});
afterAll(async () => {
  await fixed.close();
  await life.close();
});
afterEach(() => life.endWork());

interface Job {
  id: string;
  state: string;
  result: object;
}

async function call(mailbox: TestMailbox, method: 'GET' | 'POST', url: string, payload?: object): Promise<Job> {
  const { headers } = await issueKey(life.bench.database.db, mailbox.tenantId);
  const answer = await life.api.api.inject({ method, url, headers, ...(payload === undefined ? {} : { payload }) });
  return answer.json<Job>();
}

const jobOf = (mailbox: TestMailbox, { id }: Job) => call(mailbox, 'GET', `/v1/operations/${id}`);

async function parked(count: number): Promise<TestMailbox> {
  const mailbox = await life.bench.connect();
  for (let n = 0; n < count; n += 1) {
    const attachments = [1, 2, 3, 4].map((file) => ({ filename: `${String(file)}.txt`, content: String(n) }));
    await mailbox.person.append('INBOX', mail({ subject: `poison ${String(n)}`, attachments }));
  }
  await mailbox.syncAll();
  expect((await mailbox.ledger()).map(({ outcome }) => outcome)).toEqual(Array(count).fill(outcomes.parked));
  return mailbox;
}

const trail = async (mailbox: TestMailbox, messageId: string) => {
  const { headers } = await issueKey(life.bench.database.db, mailbox.tenantId);
  const answer = await life.api.api.inject({ url: `/v1/messages/${publicId('message', messageId)}/trail`, headers });
  return answer.json<{ items: { event: string; operationId: string | null; runId: string | null }[] }>();
};

/** From here on the parser is the one after the fix. */
async function fix<Result>(work: () => Promise<Result>): Promise<Result> {
  const { context } = life.bench;
  const old = context.parsePool;
  context.parsePool = fixed;
  try {
    return await work();
  } finally {
    context.parsePool = old;
  }
}

test('after a fix all parked mail is replayed by one call, and a job that was held goes on', async () => {
  const mailbox = await parked(3);
  await fix(async () => {
    const job = await call(mailbox, 'POST', '/v1/failures/replay', { filter: { mailboxId: mailboxOf(mailbox) } });
    await call(mailbox, 'POST', `/v1/operations/${job.id}/pause`);
    await life.work(queues);
    const dry = await call(mailbox, 'POST', '/v1/failures/replay', { filter: {}, dryRun: true });
    await until(async () => (await jobOf(mailbox, dry)).state === 'done', 'the dry run');
    expect(await jobOf(mailbox, dry)).toMatchObject({ result: { mode: 'dry-run', recorded: 3 } });
    expect((await jobOf(mailbox, job)).state).toBe('paused');
    await call(mailbox, 'POST', `/v1/operations/${job.id}/resume`);
    await until(async () => (await jobOf(mailbox, job)).state === 'done', 'the replay');
    expect(await jobOf(mailbox, job)).toMatchObject({ result: { mode: 'for-good', recorded: 3 } });
    const [row] = await mailbox.ledger();
    const { items } = await trail(mailbox, row?.messageId ?? '');
    const events = items.map(({ event }) => event);
    expect(events).toEqual(expect.arrayContaining(['sent', 'received', 'stored', 'seen', 'parked', 'replayed']));
    expect(items.find(({ event }) => event === 'replayed')?.operationId).toBe(job.id);
    const id = uuidOf('operation', job.id) ?? '';
    const { runId } = await life.client.workflow.getHandle(workflowIds.replayFailures(id)).describe();
    const byReplay = items.filter((item) => item.runId === runId).map(({ event }) => event);
    expect(byReplay.sort()).toEqual(['parsed', 'recorded', 'replayed']);
  });
  expect((await mailbox.ledger()).map(({ outcome }) => outcome)).toEqual(Array(3).fill(outcomes.recorded));
});

test('each step of a message names the run that the Temporal UI shows of its round', async () => {
  const mailbox = await life.bench.connect();
  await life.work(queues);
  await life.wish(mailbox, 'start');
  await until(async () => (await life.state(mailbox)) === 'live', 'the first round');
  await mailbox.person.append('INBOX', mail({ subject: 'live' }));
  await life.wish(mailbox, 'sync');
  await until(async () => (await mailbox.ledger()).length === 1, 'the message');
  const [row] = await mailbox.ledger();
  const { items } = await trail(mailbox, row?.messageId ?? '');
  const { runId } = await life.client.workflow.getHandle(workflowIds.mailboxSync(mailbox.mailboxId)).describe();
  const ofRound = items.filter((item) => item.runId === runId).map(({ event }) => event);
  expect(ofRound.sort()).toEqual(['fetched', 'parsed', 'recorded', 'seen', 'stored']);
  await life.ended(mailbox, await life.wish(mailbox, 'stop'));
});

test('the reconciler begins what is due, once, and starts what nobody runs', async () => {
  const mailbox = await parked(1);
  const run = { signal: new AbortController().signal, heartbeat: () => undefined };
  const rows = <Row extends object>(text: string) =>
    life.bench.database.db.inTenant(mailbox.tenantId, (sql) => sql.query<Row>(text));
  await rows(`UPDATE failure SET next_try_at = now() - interval '1 minute'`);
  const started: string[] = [];
  const engine = {
    ...life.bench.context.engine,
    startReplay: ({ operationId }: { operationId: string }) => {
      started.push(operationId);
      return Promise.resolve();
    },
  };
  await reconcileMailboxes({ ...life.bench.context, engine }, run);
  await reconcileMailboxes({ ...life.bench.context, engine }, run);
  expect(started).toHaveLength(1);
  await rows(`UPDATE operation SET created_at = now() - interval '2 minutes'`);
  await reconcileMailboxes({ ...life.bench.context, engine }, run);
  expect(started).toEqual([started[0], started[0]]);
});

function mailboxOf({ mailboxId }: TestMailbox): string {
  return publicId('mailbox', mailboxId);
}
