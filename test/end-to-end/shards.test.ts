import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { shardCount } from '../../src/domain/shard';
import { createMailboxEngine } from '../../src/engine/mailbox-engine';
import { sharedDovecot } from '../support/dovecot';
import { mail } from '../support/mail-factory';
import { createShardBench, until, type ShardBench } from '../support/shard-bench';
import { createSyncBench, type SyncBench, type TestMailbox } from '../support/sync-bench';
import { createTestNamespace, temporalAddress } from '../support/temporal';

/** A worker as a process of its own, so that it can be killed. */
interface WorkerProcess {
  child: ChildProcess;
  end(how: 'SIGTERM' | 'SIGKILL'): Promise<number | null>;
}

const mailboxesInAll = 32;
const homes = mkdtempSync(join(tmpdir(), 'letterbook-shards-'));
const logFile = join(homes, 'workers.log');

let engine: Awaited<ReturnType<typeof createTestNamespace>>;
let bench: SyncBench;
let shards: ShardBench;
let mailboxes: TestMailbox[];
const running = new Set<WorkerProcess>();

beforeAll(async () => {
  engine = await createTestNamespace();
  bench = await createSyncBench(sharedDovecot().imapPort);
  shards = createShardBench(bench);
  const tenantId = await bench.database.newTenant();
  mailboxes = [];
  for (let i = 0; i < mailboxesInAll; i += 1) {
    mailboxes.push(await bench.connect({ tenantId, policy: { refreshSeconds: 10 } }));
  }
  startWorker('sync,bulk');
  const mailboxEngine = createMailboxEngine(engine.client);
  for (const { tenantId: tenant, mailboxId } of mailboxes) {
    const wish = {
      epoch: 1,
      generation: 1,
      desired: 'running',
      provider: 'other',
      applied: false,
      activeAt: new Date(),
    } as const;
    await mailboxEngine.start({ tenantId: tenant, mailboxId, ...wish });
  }
  await until(async () => (await liveCount()) === mailboxesInAll, 'the first round of all');
}, 180_000);

afterAll(async () => {
  await Promise.all([...running].map((worker) => worker.end('SIGTERM')));
  await engine.close();
  await bench.close();
  rmSync(homes, { recursive: true, force: true });
}, 60_000);

function startWorker(roles: string, more: Record<string, string> = {}): WorkerProcess {
  const script = join(__dirname, '..', '..', 'dist', 'worker.js');
  const child = spawn(process.execPath, [script, '--roles', roles], {
    env: {
      PATH: process.env['PATH'],
      DATABASE_URL: bench.database.appUrl,
      DATABASE_POOL_SIZE: '5',
      TEMPORAL_ADDRESS: temporalAddress(),
      TEMPORAL_NAMESPACE: engine.namespace,
      LETTERBOOK_HOME: mkdtempSync(join(homes, 'home-')),
      LETTERBOOK_SECRET_KEYS: `test:${Buffer.alloc(32, 7).toString('base64')}`,
      LETTERBOOK_ALLOWED_NETWORKS: '127.0.0.0/8',
      LETTERBOOK_WATCH_STALE_MS: '5000',
      ...more,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const log = createWriteStream(logFile, { flags: 'a' });
  child.stdout.pipe(log);
  child.stderr.pipe(log);
  const worker: WorkerProcess = {
    child,
    end: async (how) => {
      running.delete(worker);
      if (child.exitCode === null && child.signalCode === null) {
        child.kill(how);
        await once(child, 'exit');
      }
      return child.exitCode;
    },
  };
  running.add(worker);
  return worker;
}

const liveCount = async () => {
  const [row] = await bench.database.db.acrossTenants((sql) =>
    sql.query<{ count: number }>(`SELECT count(*) AS count FROM mailbox WHERE state = 'live'`),
  );
  return row?.count ?? 0;
};

/** Mailboxes that are watched by push, by worker; those of workers in `gone` are not counted. */
async function watchedBy(gone: string[] = []): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { mode, worker } of Object.values(await shards.rows())) {
    if (mode !== 'notify' || gone.includes(worker)) continue;
    counts[worker] = (counts[worker] ?? 0) + 1;
  }
  return counts;
}

const total = (counts: Record<string, number>) => Object.values(counts).reduce((sum, count) => sum + count, 0);

/** The ids of the idle workers that are there, and how many shards each holds. */
async function shares(): Promise<Record<string, number>> {
  const rows = await bench.database.db.asWatcher((sql) =>
    sql.query<{ worker: string; shards: number }>(
      `SELECT worker, shards FROM idle_worker WHERE seen_at > now() - interval '8 seconds'`,
    ),
  );
  return Object.fromEntries(rows.map(({ worker, shards: count }) => [worker, count]));
}

const isShared = async (workers: number) => {
  const counts = Object.values(await shares());
  const mean = shardCount / workers;
  return counts.length === workers && total(await shares()) === shardCount && Math.max(...counts) <= 1.5 * mean;
};

const rowsOf = async (mailbox: TestMailbox) => (await mailbox.ledger()).length;

test('mail is in the ledger because the server told of it, without any timer', async () => {
  startWorker('idle');
  await until(async () => total(await watchedBy()) === mailboxesInAll, 'all of them watched');
  const [mailbox] = mailboxes;
  if (mailbox === undefined) throw new Error('there is a mailbox');
  for (let number = 1; number <= 3; number += 1) {
    await mailbox.person.append('INBOX', mail({ subject: `pushed ${String(number)}` }));
    await until(async () => (await rowsOf(mailbox)) === number, 'the record');
  }
});

test('three workers share, a killed one is taken over, one that ends hands over, and nothing is missed', async () => {
  const begun = new Set(Object.keys(await shares()));
  const second = startWorker('idle');
  await until(() => isShared(2), 'two shares');
  const [secondId] = Object.keys(await shares()).filter((id) => !begun.has(id));
  const third = startWorker('idle');
  await until(() => isShared(3), 'three shares');
  await until(async () => total(await watchedBy()) === mailboxesInAll, 'all of them watched');

  await second.end('SIGKILL');
  const rows = await Promise.all(mailboxes.map(rowsOf));
  await Promise.all(mailboxes.map(({ person }) => person.append('INBOX', mail({ subject: 'at a bad moment' }))));
  await until(async () => total(await watchedBy([secondId ?? ''])) === mailboxesInAll, 'the takeover');
  for (const [index, mailbox] of mailboxes.entries()) {
    await until(async () => (await rowsOf(mailbox)) === (rows[index] ?? 0) + 1, 'the record');
  }
  await until(() => isShared(2), 'two shares again');

  expect(await third.end('SIGTERM')).toBe(0);
  await until(() => isShared(1), 'all in one hand');
  await until(async () => Object.keys(await watchedBy()).length === 1, 'all of them watched by one');
  await Promise.all(mailboxes.map(({ person }) => person.append('INBOX', mail({ subject: 'after the hand-over' }))));
  for (const [index, mailbox] of mailboxes.entries()) {
    await until(async () => (await rowsOf(mailbox)) === (rows[index] ?? 0) + 2, 'the record');
  }
}, 300_000);

test('without any idle worker mail is found by the clock', async () => {
  for (const worker of [...running].filter(({ child }) => child.spawnargs.includes('idle')))
    await worker.end('SIGTERM');
  const [, mailbox] = mailboxes;
  if (mailbox === undefined) throw new Error('there is a mailbox');
  const rows = await rowsOf(mailbox);
  await sleep(1_000);
  await mailbox.person.append('INBOX', mail({ subject: 'nobody watches' }));
  const endsAt = Date.now() + 150_000;
  while ((await rowsOf(mailbox)) === rows && Date.now() < endsAt) await sleep(500);
  expect(await rowsOf(mailbox)).toBe(rows + 1);
}, 240_000);
