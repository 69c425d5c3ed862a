import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import { createIdleHolder, type IdleHolder } from '../../../src/activities/shard/idle-holder';
import { shardCount } from '../../../src/domain/shard';
import { watchSilence } from '../../../src/mail/silence-watch';
import { startDovecot, type TestDovecot } from '../../support/dovecot';
import { mail } from '../../support/mail-factory';
import { createShardBench, until, type ShardBench } from '../../support/shard-bench';
import { createSyncBench, type SyncBench, type TestMailbox } from '../../support/sync-bench';

// The wall clock is set while the system's monotonic clock, its timers and all servers go on.

let server: TestDovecot & { stop: () => Promise<void> };
let bench: SyncBench;
let shards: ShardBench;
let holder: IdleHolder;

const hourMs = 3_600_000;
const steps = [
  ['two hours forward', 2 * hourMs],
  ['back again', 0],
  ['three hours back', -3 * hourMs],
  ['an hour forward, as where local time is kept in the clock and summer begins', -2 * hourMs],
] as const;

const realNow = Date.now.bind(Date);

/** Sets the clock, which goes on from there. */
function setClock(byMs: number): void {
  jest.spyOn(Date, 'now').mockImplementation(() => realNow() + byMs);
}

beforeAll(async () => {
  server = await startDovecot();
  bench = await createSyncBench(server.imapPort);
  shards = createShardBench(bench, { watchRetryCapMs: 1_000, watchWriteMs: 1_000 });
  holder = createIdleHolder('worker-1', shards.watching);
  for (let shard = 0; shard < shardCount; shard += 1) holder.hold(shard);
  holder.start();
});
afterEach(() => jest.restoreAllMocks());
afterAll(async () => {
  await holder.close();
  await bench.close();
  await server.stop();
});

const modeOf = async ({ mailboxId }: TestMailbox) => (await shards.rows())[mailboxId]?.mode ?? null;
const connectsOf = (mailbox: TestMailbox) =>
  shards.connects.filter(({ mailboxId }) => mailboxId === mailbox.mailboxId).length;

async function watched(options: Parameters<SyncBench['connect']>[0] = {}): Promise<TestMailbox> {
  const mailbox = await bench.connect(options);
  await mailbox.syncAll();
  await until(async () => (await modeOf(mailbox)) === 'notify', 'being watched');
  return mailbox;
}

test('no arrival is missed or waits, and nothing is done over and over, while the clock is set to and fro', async () => {
  const mailbox = await watched();
  for (const [name, byMs] of steps) {
    setClock(byMs);
    const before = shards.pokesOf(mailbox.mailboxId).length;
    await mailbox.person.append('INBOX', mail({ subject: name }));
    await until(() => shards.pokesOf(mailbox.mailboxId).length > before, name);
    await sleep(1_600);
    // The spacing of pokes is 750 ms; one arrival is one, or two where the server told in two parts.
    expect(shards.pokesOf(mailbox.mailboxId).length - before).toBeLessThanOrEqual(2);
    await mailbox.round();
  }
  expect(connectsOf(mailbox)).toBe(1);
  const rows = await mailbox.ledger();
  expect(rows.filter(({ folder }) => folder === 'INBOX')).toHaveLength(steps.length);
});

test('a server that answers is not taken for silent because the clock was set forward, and a silent one is found where it was set back', async () => {
  const told: string[] = [];
  const patience = { socketTimeoutMs: 1_000, commandTimeoutMs: 60_000, minBytesPerSecond: 1_024 };
  const wire = { bytesRead: 0 };
  const answering = setInterval(() => (wire.bytesRead += 1), 50);
  const timer = watchSilence(patience, wire, { isOurs: () => false, tooLong: () => told.push('too long') });
  setClock(2 * hourMs);
  await sleep(600);
  expect(told).toEqual([]);
  setClock(-2 * hourMs);
  clearInterval(answering);
  await until(() => told.length > 0, 'the silence');
  clearInterval(timer);
});

test('a connection that is lost while the clock goes back is there again as soon as the server is', async () => {
  const mailbox = await watched({ withoutPerson: true });
  const { imapPort, imapsPort, lmtpPort } = server;
  await server.stop();
  await until(async () => (await modeOf(mailbox)) === 'lost', 'the loss');
  setClock(-2 * hourMs);
  const tries = connectsOf(mailbox);
  await until(() => connectsOf(mailbox) > tries, 'another try');
  server = await startDovecot({ ports: { imap: imapPort, imaps: imapsPort, lmtp: lmtpPort } });
  await until(async () => (await modeOf(mailbox)) === 'notify', 'being watched again');
});

test('the change between summer and winter time is none: nothing reads the local time', () => {
  const local =
    /\.(?:get|set)(?:FullYear|Month|Date|Day|Hours|Minutes|Seconds)\(|getTimezoneOffset|toLocale(?:Date|Time)?String/;
  const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  expect(files.length).toBeGreaterThan(100);
  const reading = files.filter(
    (name) => !name.includes('generated') && local.test(readFileSync(`src/${name}`, 'utf8')),
  );
  expect(reading).toEqual([]);
});
