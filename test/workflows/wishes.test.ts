import { setTimeout as sleep } from 'node:timers/promises';

import { outcomes, presences } from '../../src/domain/ledger';
import { publicId } from '../../src/domain/ids';
import { taskQueues, workflowIds } from '../../src/workflows/contract';
import { issueKey } from '../support/api';
import { appendMany } from '../support/append-many';
import { sharedDovecot } from '../support/dovecot';
import { createLifecycleBench, until, type LifecycleBench } from '../support/lifecycle-bench';
import { mail } from '../support/mail-factory';
import type { TestMailbox } from '../support/sync-bench';

// API, Temporal, workers, database and mail server are real.

const { imapPort } = sharedDovecot();
const kinds = ['pause', 'resume', 'stop', 'start'] as const;

let life: LifecycleBench;

beforeAll(async () => {
  life = await createLifecycleBench(imapPort, { importActivityMessages: 50, fetchBatchMessages: 10 });
});
afterAll(() => life.close());
afterEach(() => life.endWork());

/** Numbers from 0 to below 1, the same for the same seed (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

interface Source {
  desired: string;
  generation: number;
  applied: number;
  state: string;
}

async function sourceOf({ tenantId, mailboxId }: TestMailbox): Promise<Source> {
  const [row] = await life.bench.database.db.inTenant(tenantId, (sql) =>
    sql.query<Source>(
      `SELECT s.desired_state AS desired, s.generation, s.applied_generation AS applied, m.state
       FROM source s JOIN mailbox m ON m.source_id = s.id WHERE s.id = $1`,
      [mailboxId],
    ),
  );
  if (row === undefined) throw new Error('the mailbox is gone');
  return row;
}

const openOperations = ({ tenantId }: TestMailbox) =>
  life.bench.database.db.inTenant(tenantId, (sql) =>
    sql.query(
      `SELECT kind, state FROM operation WHERE kind IN ('pause', 'resume', 'stop', 'start') AND state IN ('waiting', 'running')`,
    ),
  );

async function isRunning({ mailboxId }: TestMailbox): Promise<boolean> {
  return life.client.workflow
    .getHandle(workflowIds.mailboxSync(mailboxId))
    .describe()
    .then(
      ({ status }) => status.name === 'RUNNING',
      () => false,
    );
}

async function randomWishes(mailbox: TestMailbox, random: () => number): Promise<void> {
  const key = await issueKey(life.bench.database.db, mailbox.tenantId);
  for (let step = 0; step < 15; step += 1) {
    const kind = kinds[Math.floor(random() * kinds.length)] ?? 'start';
    const url = `/v1/mailboxes/${publicId('mailbox', mailbox.mailboxId)}/${kind}`;
    const { statusCode } = await life.api.api.inject({ method: 'POST', url, headers: key.headers });
    // Pausing and resuming what is stopped is refused; everything else is accepted.
    expect(kind === 'pause' || kind === 'resume' ? [202, 409] : [202]).toContain(statusCode);
    await sleep(random() * 400);
  }
}

test.each([11, 12])(
  'thirty wishes in any order from two clients end in the last one, and nothing is lost or twice (seed %i)',
  async (seed) => {
    await life.work([taskQueues.sync, taskQueues.bulk]);
    const mailbox = await life.bench.connect();
    const messages = Array.from({ length: 400 }, (_, n) => mail({ subject: `number ${String(n)}` }));
    await appendMany({ port: imapPort, user: mailbox.user }, messages);
    await life.wish(mailbox, 'start');
    await Promise.all([randomWishes(mailbox, randomFrom(seed)), randomWishes(mailbox, randomFrom(seed + 1_000))]);

    const { desired } = await sourceOf(mailbox);
    await until(async () => {
      const { applied, generation } = await sourceOf(mailbox);
      return applied === generation;
    }, 'the last wish');
    expect(await openOperations(mailbox)).toEqual([]);
    expect((await sourceOf(mailbox)).desired).toBe(desired);
    await until(async () => (await isRunning(mailbox)) === (desired !== 'stopped'), 'the workflow that was wished for');

    await life.ended(mailbox, await life.wish(mailbox, 'stop'));
    expect(await isRunning(mailbox)).toBe(false);
    expect(await sourceOf(mailbox)).toMatchObject({ state: 'stopped' });
    await mailbox.person.append('INBOX', mail({ subject: 'while it was stopped' }));
    await life.wish(mailbox, 'start');
    await until(async () => (await mailbox.ledger()).length === 401, 'all mail');
    const ledger = await mailbox.ledger();
    expect(ledger.every((row) => row.outcome === outcomes.recorded && row.presence === presences.live)).toBe(true);
    const line = ({ uid, sha256 }: { uid: number; sha256: string | null }) => `${String(uid)} ${sha256 ?? ''}`;
    expect(ledger.map(line).sort()).toEqual((await mailbox.server()).map(line).sort());
    await life.ended(mailbox, await life.wish(mailbox, 'stop'));
  },
);
