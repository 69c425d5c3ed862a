import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { createConnectionLeases, type ConnectionLeases, type LeaseWish } from '../../src/activities/connection-leases';
import { createConnections } from '../../src/activities/connections';
import { connectLeased, watchLeased, wishOf } from '../../src/activities/leased-connections';
import { defaultLimits } from '../../src/config/limits';
import { newUuid } from '../../src/db/new-id';
import { mailboxForSync, type MailboxForSync } from '../../src/db/sync/mailbox-for-sync';
import { standingsOf } from '../../src/db/sync/overtaken';
import { beatAsHolder, exchangeLeases, forgetHolders, leasesOf } from '../../src/db/watch/account-connections';
import { slotsOf, type ConnectionPurpose } from '../../src/domain/connection-slots';
import { MailFailure } from '../../src/domain/failure';
import { openWatch } from '../../src/mail/watch/open-watch';
import type { MailboxWatch } from '../../src/mail/watch/mailbox-watch';
import { startDovecot, type TestDovecot } from '../support/dovecot';
import { until } from '../support/shard-bench';
import { createSyncBench, type SyncBench, type TestMailbox } from '../support/sync-bench';

/** So many connections of one user the server lets in, and so many the workers may have. */
const most = 3;
/** On a loaded machine nobody is to give up waiting. */
const limits = { ...defaultLimits, connectionsPerAccount: most, connectionWaitMs: 100_000 };

let server: TestDovecot & { stop: () => Promise<void> };
let bench: SyncBench;
const ended: (() => Promise<void>)[] = [];

beforeAll(async () => {
  server = await startDovecot({ connectionsPerUser: most });
  bench = await createSyncBench(server.imapPort);
});
afterEach(async () => {
  for (const end of ended.splice(0)) await end();
});
afterAll(async () => {
  await bench.close();
  await server.stop();
});

/** A worker process, as far as it has connections. */
interface Worker {
  id: string;
  leases: ConnectionLeases;
  /** Moves its clock. */
  skip: (ms: number) => void;
  /** Whether what it says of itself reaches the database. */
  isHeard: boolean;
  /** How often asking for its leases still fails. */
  failingLooks: number;
}

function startWorker(): Worker {
  const { db } = bench.database;
  const id = randomUUID();
  let skippedMs = 0;
  const worker: Worker = {
    id,
    isHeard: true,
    failingLooks: 0,
    skip: (ms) => {
      skippedMs += ms;
    },
    leases: createConnectionLeases(
      {
        exchange: (change) => exchangeLeases(db, id, change),
        beat: () => (worker.isHeard ? beatAsHolder(db, id) : Promise.reject(new Error('the database is away'))),
        own: () => {
          if (worker.failingLooks === 0) return leasesOf(db, id);
          worker.failingLooks -= 1;
          return Promise.reject(new Error('the database is away'));
        },
        forget: (which) => forgetHolders(db, which === 'dead' ? null : id),
      },
      () => performance.now() + skippedMs,
    ),
  };
  ended.push(() => worker.leases.close());
  return worker;
}

/** As if the worker had not been heard of for so long. */
const silence = (worker: Worker, seconds: number) =>
  bench.database.db.asWatcher((sql) =>
    sql.execute(
      "UPDATE connection_holder SET seen_at = clock_timestamp() - $2 * interval '1 second' WHERE holder = $1",
      [worker.id, seconds],
    ),
  );

function wish(name: string, purpose: ConnectionPurpose, more: Partial<LeaseWish> = {}): LeaseWish {
  const account = createHash('sha256').update(name).digest();
  const slots = slotsOf(purpose, most);
  return { account, tenantId: newUuid(), mailboxId: newUuid(), purpose, slots, counted: 'by-the-server', ...more };
}

const stateOf = async (worker: Worker, wanted: LeaseWish) =>
  (await worker.leases.take(wanted)) === null ? 'none' : 'given';

test('who watches, a round and an import have a slot each, and no second one of any worker has', async () => {
  const [one, two] = [startWorker(), startWorker()];
  for (const purpose of ['watch', 'sync', 'import'] as const) {
    expect(await stateOf(one, wish('each', purpose))).toBe('given');
    expect(await stateOf(two, wish('each', purpose))).toBe('none');
    expect(await stateOf(one, wish('each', purpose))).toBe('none');
  }
  expect(await stateOf(two, wish('each', 'second-look'))).toBe('none');
});

test('of many that ask at once as many get a slot as there are', async () => {
  const workers = Array.from({ length: 5 }, startWorker);
  const slots = [0, 1, 2, 3, 4, 5, 6];
  const asked = await Promise.all(
    workers.flatMap((worker) => Array.from({ length: 4 }, () => worker.leases.take(wish('many', 'sync', { slots })))),
  );
  expect(asked.filter((lease) => lease !== null)).toHaveLength(slots.length);
});

test('a slot that is freed is there for others, and one who waits is told of', async () => {
  const [one, two] = [startWorker(), startWorker()];
  const mailbox = await bench.connect();
  const found = await mailboxOf(mailbox);
  const mine = wishOf(found, 'sync', limits);
  const lease = await one.leases.take(mine);
  const { db } = bench.database;
  const kept = [{ mailboxId: mailbox.mailboxId, fence: found.fence }];
  expect(await standingsOf(db, kept)).toEqual(['current']);
  expect(await stateOf(two, mine)).toBe('none');
  expect(await standingsOf(db, kept)).toEqual(['unwanted']);
  const gone = { mailboxId: newUuid(), fence: found.fence };
  expect(await standingsOf(db, [gone, ...kept])).toEqual(['overtaken', 'unwanted']);
  lease?.release();
  lease?.release();
  await until(async () => (await stateOf(two, mine)) === 'given', 'the free slot');
});

test('two mailboxes of two tenants are one account where server and user name are the same', async () => {
  const one = await mailboxOf(await bench.connect({ user: 'same@corp.example' }));
  const two = await mailboxOf(await bench.connect({ user: 'SAME@corp.example' }));
  expect(wishOf(one, 'watch', limits).account).toEqual(wishOf(two, 'watch', limits).account);
  const worker = startWorker();
  expect(await stateOf(worker, wishOf(one, 'watch', limits))).toBe('given');
  expect(await stateOf(worker, wishOf(two, 'watch', limits))).toBe('none');
});

test('the preset of a provider says how many there are', async () => {
  const found = await mailboxOf(await bench.connect());
  const gmail = { ...found, imap: { ...found.imap, host: 'imap.gmail.com' } };
  const slots = (['watch', 'sync', 'import', 'audit', 'second-look'] as const).flatMap(
    (purpose) => wishOf(gmail, purpose, defaultLimits).slots,
  );
  expect(new Set(slots).size).toBe(3);
  expect(wishOf(gmail, 'watch', defaultLimits).counted).toBe('by-the-server');
  expect(wishOf(found, 'watch', defaultLimits)).toMatchObject({ counted: 'by-us', slots: [0, 3, 4, 5, 6, 7] });
});

test('the slots of a worker are taken over when it is dead, and not before', async () => {
  const [dead, next] = [startWorker(), startWorker()];
  const wanted = wish('dead', 'watch');
  expect(await stateOf(dead, wanted)).toBe('given');
  dead.isHeard = false;
  await silence(dead, 9);
  expect(await stateOf(next, wanted)).toBe('none');
  await silence(dead, 13);
  expect(await stateOf(next, wanted)).toBe('given');
});

test('a worker that is not heard closes what a server counts before others may take it, and keeps the rest', async () => {
  const worker = startWorker();
  const lost: string[] = [];
  const hold = async (name: string, counted: LeaseWish['counted']) => {
    const lease = await worker.leases.take(wish(name, 'watch', { counted }));
    lease?.whenLost(() => lost.push(name));
  };
  await hold('counted', 'by-the-server');
  await hold('own', 'by-us');
  worker.isHeard = false;
  worker.skip(5_000);
  await sleep(1_500);
  expect(lost).toEqual([]);
  worker.skip(5_000);
  await until(() => lost.length > 0, 'the fence');
  expect(lost).toEqual(['counted']);
});

test('a worker that comes back closes what others have taken meanwhile', async () => {
  const [frozen, next] = [startWorker(), startWorker()];
  const lost: string[] = [];
  for (const name of ['taken', 'still mine']) {
    const lease = await frozen.leases.take(wish(name, 'watch', { counted: 'by-us' }));
    lease?.whenLost(() => lost.push(name));
  }
  frozen.isHeard = false;
  await silence(frozen, 30);
  expect(await stateOf(next, wish('taken', 'watch'))).toBe('given');
  frozen.isHeard = true;
  frozen.skip(30_000);
  await until(() => lost.length > 0, 'the loss');
  expect(lost).toEqual(['taken']);
});

test('a worker that comes back, and cannot look at once what it has lost, looks later', async () => {
  const [frozen, next] = [startWorker(), startWorker()];
  const lost: string[] = [];
  const lease = await frozen.leases.take(wish('looked for', 'watch', { counted: 'by-us' }));
  lease?.whenLost(() => lost.push('looked for'));
  frozen.isHeard = false;
  await silence(frozen, 30);
  expect(await stateOf(next, wish('looked for', 'watch'))).toBe('given');
  frozen.failingLooks = 2;
  frozen.isHeard = true;
  frozen.skip(30_000);
  await until(() => lost.length > 0, 'the loss');
  expect(frozen.failingLooks).toBe(0);
});

test('what dead workers left is removed, and a worker that ends leaves nothing', async () => {
  const [dead, ends, stays] = [startWorker(), startWorker(), startWorker()];
  for (const worker of [dead, ends, stays]) expect(await stateOf(worker, wish(worker.id, 'watch'))).toBe('given');
  dead.isHeard = false;
  await silence(dead, 120);
  await ends.leases.close();
  const { db } = bench.database;
  expect(await leasesOf(db, dead.id)).toEqual(new Set());
  expect(await leasesOf(db, ends.id)).toEqual(new Set());
  expect((await leasesOf(db, stays.id)).size).toBe(1);
});

async function mailboxOf(ref: TestMailbox): Promise<MailboxForSync> {
  const found = await mailboxForSync(bench.database.db, ref);
  if (found === null) throw new Error('the mailbox is gone');
  return found;
}

/** A worker that connects to the server, and what the server refused it. */
function startConnecting(refused: unknown[], hostOf: (mailbox: MailboxForSync) => string = ({ imap }) => imap.host) {
  const worker = startWorker();
  const tried = async <T>(opening: Promise<T>): Promise<T> => {
    try {
      return await opening;
    } catch (error) {
      refused.push(error instanceof MailFailure ? error.code : error);
      throw error;
    }
  };
  const as = (mailbox: MailboxForSync) => ({ ...mailbox, imap: { ...mailbox.imap, host: hostOf(mailbox) } });
  const connections = createConnections({
    connect: ({ mailbox, ...use }) =>
      connectLeased(worker.leases, { account: as(mailbox), use, limits }, () => tried(bench.context.connect(mailbox))),
    standings: (connected) => standingsOf(bench.database.db, connected),
    idleMs: 60_000,
    checkMs: 200,
  });
  ended.unshift(() => connections.closeAll());
  const lost: string[] = [];
  return {
    ...worker,
    worker,
    connections,
    lost,
    watch: (mailbox: MailboxForSync): Promise<MailboxWatch> =>
      watchLeased(worker.leases, { account: as(mailbox), limits, onLost: ({ code }) => lost.push(code) }, (onLost) =>
        tried(openedWatch(mailbox, onLost)),
      ),
  };
}

function openedWatch(mailbox: MailboxForSync, onLost: (failure: MailFailure) => void): Promise<MailboxWatch> {
  const password = bench.context.secretBox.open(mailbox.secret);
  return openWatch(
    { ...mailbox.imap, allowInvalidCertificate: true, ca: null, username: mailbox.username, password },
    {
      hostRules: { allowedNetworks: ['127.0.0.0/8'] },
      limits: { ...defaultLimits, maxBytesPerMinute: defaultLimits.watchBytesPerMinute },
      folder: () => Promise.resolve('INBOX'),
      onNews: () => undefined,
      onLost,
    },
  );
}

test('a server that allows three connections refuses none of four workers that watch, sync, import and audit', async () => {
  // Two mailboxes of one account; nobody else is logged in to it.
  const user = 'busy@corp.example';
  const mailboxes = await Promise.all(
    [1, 2].map(async () => mailboxOf(await bench.connect({ user, withoutPerson: true }))),
  );
  const refused: unknown[] = [];
  const workers = Array.from({ length: 4 }, () => startConnecting(refused));
  const { signal } = new AbortController();
  let done = 0;
  const work = async (index: number) => {
    const { connections, watch } = workers[index]!;
    const mailbox = mailboxes[index % 2]!;
    for (let turn = 0; turn < 2; turn += 1) {
      const watching = await watch(mailbox).catch(() => null);
      const uses = (['sync', 'import', 'audit'] as const).map((purpose) =>
        connections.use({ mailbox, purpose, signal }, async (open) => {
          await open.listFolders();
          done += 1;
        }),
      );
      await Promise.all(uses);
      await watching?.close();
    }
  };
  await Promise.all(workers.map((_, index) => work(index)));
  expect(refused).toEqual([]);
  expect(done).toBe(4 * 2 * 3);
}, 240_000);

test('a worker that is cut off from the database leaves its watch to another before the server counts both', async () => {
  const user = 'half-dead@corp.example';
  const mailbox = await mailboxOf(await bench.connect({ user, withoutPerson: true }));
  const refused: unknown[] = [];
  const [halfDead, next] = Array.from({ length: 2 }, () => startConnecting(refused, () => 'imap.gmail.com'));
  if (halfDead === undefined || next === undefined) throw new Error('two workers');
  await halfDead.watch(mailbox);
  await expect(next.watch(mailbox)).rejects.toMatchObject({ code: 'connections-taken' });
  halfDead.worker.isHeard = false;
  halfDead.skip(9_500);
  await until(() => halfDead.lost.length > 0, 'the end of the watch');
  expect(halfDead.lost).toEqual(['slot-lost']);
  await silence(halfDead, 13);
  await next.watch(mailbox);
  expect(refused).toEqual([]);
});
