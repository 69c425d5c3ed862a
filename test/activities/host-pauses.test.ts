import { setTimeout as sleep } from 'node:timers/promises';

import { createHostPauses, unlessPaused, type HostPauses } from '../../src/activities/host-pauses';
import { passwordOf } from '../../src/activities/mailbox-password';
import { pausedServers, pauseServer } from '../../src/db/watch/host-pauses';
import { newUuid } from '../../src/db/new-id';
import { defaultLimits } from '../../src/config/limits';
import type { MailFailure } from '../../src/domain/failure';
import { createConnections } from '../../src/activities/connections';
import { openMailbox } from '../../src/mail/open-mailbox';
import { startScriptedServer, type ScriptedServer } from '../support/scripted-imap-server';
import { createSyncBench, type SyncBench, type TestMailbox } from '../support/sync-bench';

let bench: SyncBench;
let server: ScriptedServer;

beforeAll(async () => {
  bench = await createSyncBench(0);
});

afterAll(async () => {
  await bench.close();
});

const opened: { closeAll: () => Promise<void> }[] = [];

afterEach(async () => {
  await Promise.all(opened.splice(0).map((connections) => connections.closeAll()));
  await server.stop();
});

const asking = (host: string, { port = 993, tenantId = 'a tenant' } = {}) => ({ tenantId, imap: { host, port } });

/** What another worker would have: its own memory, and the same database. `clock` is how late it is there. */
function worker(clock = { ms: 0 }): HostPauses {
  return createHostPauses({
    read: () => pausedServers(bench.database.db),
    write: (paused) => pauseServer(bench.database.db, paused),
    limits: defaultLimits,
    now: () => performance.now() + clock.ms,
  });
}

/** The bench of a worker that hears what servers say to everybody. */
function benchOf(pauses: HostPauses): SyncBench {
  const connections = createConnections({
    connect: ({ mailbox }) =>
      openMailbox(
        {
          ...mailbox.imap,
          allowInvalidCertificate: true,
          ca: null,
          username: mailbox.username,
          password: passwordOf(bench.context.secretBox, mailbox),
        },
        {
          hostRules: { allowedNetworks: ['127.0.0.0/8'] },
          connectTimeoutMs: 10_000,
          socketTimeoutMs: 10_000,
          onBusyForAll: (failure) => {
            pauses.pause(mailbox, failure);
          },
        },
      ),
    standings: () => Promise.resolve([]),
    idleMs: 60_000,
    checkMs: 60_000,
  });
  opened.push(connections);
  return { ...bench, context: { ...bench.context, connections: unlessPaused(connections, pauses) } };
}

const connect = (): Promise<TestMailbox> => bench.connect({ port: server.port, user: 'somebody', withoutPerson: true });

async function roundOf(of: SyncBench, mailbox: TestMailbox) {
  const { connections } = bench.context;
  Object.assign(bench.context, { connections: of.context.connections });
  try {
    return await mailbox.round();
  } finally {
    Object.assign(bench.context, { connections });
  }
}

const throttle = (text: string) => ({
  EXAMINE: ({ no }: { no: (text: string) => void }) => {
    no(text);
  },
});

test('a server that is too busy for everybody is left alone by all workers, as long as it says', async () => {
  server = await startScriptedServer({ on: throttle('[UNAVAILABLE] Server is too busy, try again in 5 minutes') });
  const [throttled, neighbour] = [await connect(), await connect()];
  const here = benchOf(worker());
  expect(await roundOf(here, throttled)).toMatchObject({ kind: 'retry', wait: 'told', retryAfterMs: 300_000 });
  const asked = server.connections;
  const there = benchOf(worker());
  for (const each of [here, there]) {
    const round = await roundOf(each, neighbour);
    expect(round).toMatchObject({ kind: 'retry', failure: 'busy (throttled)', wait: 'told' });
    expect((round as { retryAfterMs: number }).retryAfterMs).toBeGreaterThan(200_000);
  }
  expect(server.connections).toBe(asked);
});

test('a server that throttles one account is asked by the others', async () => {
  server = await startScriptedServer({
    on: throttle('Request is throttled. Suggested Backoff Time: 92415 milliseconds'),
  });
  const [throttled, neighbour] = [await connect(), await connect()];
  const here = benchOf(worker());
  expect(await roundOf(here, throttled)).toMatchObject({ kind: 'retry', wait: 'told', retryAfterMs: 92_415 });
  server.on = {};
  expect(await roundOf(here, neighbour)).toMatchObject({ kind: 'done' });
});

test('an organisation that has had its share stops its own mail alone, on all workers', async () => {
  server = await startScriptedServer();
  const ours = asking('mail.example', { tenantId: newUuid() });
  const pauses = worker();
  pauses.pause(ours, { retryAfterMs: 60_000, reach: 'organisation' });
  await expect(pauses.refuse(ours)).rejects.toMatchObject({ kind: 'busy' });
  await expect(pauses.refuse(asking('mail.example', { tenantId: newUuid() }))).resolves.toBeUndefined();
  const refusedThere = () =>
    worker()
      .refuse(ours)
      .then(
        () => false,
        () => true,
      );
  while (!(await refusedThere())) await sleep(20);
});

test('a round that is put off is no failure of the mailbox, and no outage', async () => {
  server = await startScriptedServer({ on: throttle('[UNAVAILABLE] Server is too busy, try again in 5 minutes') });
  const [throttled, neighbour] = [await connect(), await connect()];
  const here = benchOf(worker());
  await roundOf(here, throttled);
  await roundOf(here, neighbour);
  const standing = async ({ tenantId, mailboxId }: TestMailbox) => {
    const [row] = await bench.database.db.inTenant(tenantId, (sql) =>
      sql.query('SELECT state, failed_rounds, down_since IS NULL AS is_up FROM mailbox WHERE source_id = $1', [
        mailboxId,
      ]),
    );
    return row;
  };
  expect(await standing(throttled)).toEqual({ state: 'backing-off', failed_rounds: 1, is_up: false });
  expect(await standing(neighbour)).toEqual({ state: 'backing-off', failed_rounds: 0, is_up: true });
});

test('another port of the host is another server', async () => {
  server = await startScriptedServer();
  const pauses = worker();
  pauses.pause(asking('Shared.Example'), { retryAfterMs: 60_000, reach: 'server' });
  await expect(pauses.refuse(asking('shared.example'))).rejects.toMatchObject({ kind: 'busy' });
  await expect(pauses.refuse(asking('shared.example', { port: 1993 }))).resolves.toBeUndefined();
});

test('a pause ends, is a minute where the server names no time, and as long as it says else, a day at most', async () => {
  server = await startScriptedServer();
  const clock = { ms: 0 };
  const store = { read: () => Promise.resolve([]), write: () => Promise.resolve() };
  const pauses = createHostPauses({ ...store, limits: defaultLimits, now: () => clock.ms });
  const one = asking('one.example');
  const leftFor = () =>
    pauses.refuse(one).then(
      () => 0,
      (failure: unknown) => (failure as MailFailure).retryAfterMs ?? 0,
    );
  pauses.pause(one, { retryAfterMs: undefined, reach: 'server' });
  expect(await leftFor()).toBeGreaterThanOrEqual(60_000);
  clock.ms = 60_001;
  expect(await leftFor()).toBe(0);
  pauses.pause(one, { retryAfterMs: 86_400_000, reach: 'server' });
  expect(await leftFor()).toBeGreaterThanOrEqual(86_400_000);
  clock.ms += 86_399_999;
  expect(await leftFor()).toBeGreaterThan(0);
  clock.ms += 2;
  expect(await leftFor()).toBe(0);
  pauses.pause(one, { retryAfterMs: 86_400_001, reach: 'server' });
  clock.ms += 86_400_001;
  expect(await leftFor()).toBe(0);
});

test('where the database is away a worker keeps to what it has heard itself', async () => {
  server = await startScriptedServer();
  const away = () => Promise.reject(new Error('no database'));
  const pauses = createHostPauses({ read: away, write: away, limits: defaultLimits, now: () => performance.now() });
  await expect(pauses.refuse(asking('one.example'))).resolves.toBeUndefined();
  pauses.pause(asking('one.example'), { retryAfterMs: 5_000, reach: 'server' });
  await expect(pauses.refuse(asking('one.example'))).rejects.toMatchObject({ code: 'throttled' });
});
