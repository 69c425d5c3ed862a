import { getEventListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

import { createConnections, type Connections } from '../../src/activities/connections';
import { mailboxForSync, type MailboxForSync } from '../../src/db/sync/mailbox-for-sync';
import { presetOfHost } from '../../src/domain/provider-presets';
import { mail } from '../support/mail-factory';
import { startScriptedServer, type ScriptedServer } from '../support/scripted-imap-server';
import { createSyncBench, type SyncBench } from '../support/sync-bench';

// What a mail server sees of several workers.

let bench: SyncBench;
let server: ScriptedServer;
let workers: Connections[];
const { signal } = new AbortController();

beforeAll(async () => {
  bench = await createSyncBench(0);
});
afterAll(() => bench.close());
beforeEach(async () => {
  const messages = [{ uid: 1, raw: mail({ subject: 'one' }) }];
  server = await startScriptedServer({ folders: { INBOX: { uidValidity: '7', messages } } });
});
afterEach(async () => {
  for (const worker of workers) await worker.closeAll();
  await server.stop();
});

/** A mailbox that is said to be at `host`, and five workers that reach it at the scripted server. */
async function mailboxAt(host: string): Promise<MailboxForSync> {
  const connected = await bench.connect({ port: server.port, user: 'somebody', withoutPerson: true });
  const found = await mailboxForSync(bench.database.db, connected);
  if (found === null) throw new Error('the mailbox is gone');
  workers = Array.from({ length: 5 }, () =>
    createConnections({
      connect: () => bench.context.connect(found),
      standings: () => Promise.resolve([]),
      idleMs: 60_000,
      checkMs: 60_000,
    }),
  );
  return { ...found, imap: { ...found.imap, host } };
}

async function work(mailbox: MailboxForSync): Promise<number> {
  let most = 0;
  const count = () => {
    most = Math.max(most, server.sockets.size);
    return Promise.resolve();
  };
  for (const worker of workers) {
    await Promise.all([
      worker.use({ mailbox, purpose: 'sync', signal }, count),
      worker.use({ mailbox, purpose: 'import', signal }, count),
    ]);
  }
  return most;
}

async function until(open: number): Promise<void> {
  while (server.sockets.size !== open) await sleep(20);
}

test('rounds and imports by many workers leave room for who watches, where a provider counts connections', async () => {
  const gmail = await mailboxAt('imap.gmail.com');
  expect(await work(gmail)).toBeLessThanOrEqual((presetOfHost('imap.gmail.com')?.connections.use ?? 0) - 1);
  await until(0);
});

test('where connections are not counted a worker keeps one for rounds and one for imports', async () => {
  const own = await mailboxAt('imap.company.example');
  await work(own);
  await until(workers.length * 2);
  await work(own);
  expect(server.sockets.size).toBe(workers.length * 2);
});

test('a signal that outlives many uses of connections has nobody left who listens to it', async () => {
  const own = await mailboxAt('imap.company.example');
  await work(own);
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});
