import { setTimeout as sleep } from 'node:timers/promises';

import { auditFolders } from '../../src/activities/audit-folders';
import { importBatch } from '../../src/activities/import-batch';
import { runRound } from '../../src/activities/run-round';
import { recordAudit, recordAuditDone } from '../../src/db/ingest/audit-write';
import { followFlags, seenDone } from '../../src/db/ingest/presence-write';
import { writeWish } from '../../src/db/desired-state';
import { mailboxForSync, type MailboxForSync } from '../../src/db/sync/mailbox-for-sync';
import { StaleFence } from '../../src/domain/stale-fence';
import { newUuid } from '../../src/db/new-id';
import { auditDone } from '../support/audit-done';
import { mail } from '../support/mail-factory';
import { startScriptedServer, type ScriptedServer } from '../support/scripted-imap-server';
import { createSyncBench, type SyncBench, type TestMailbox } from '../support/sync-bench';

// Work that was begun, or that waits in a queue, when a mailbox is stopped or paused.

let bench: SyncBench;
let server: ScriptedServer;
const run = { signal: new AbortController().signal, heartbeat: () => undefined };

beforeAll(async () => {
  bench = await createSyncBench(0);
});
afterAll(() => bench.close());
beforeEach(async () => {
  const messages = [1, 2, 3].map((uid) => ({ uid, raw: mail({ subject: `number ${String(uid)}` }) }));
  server = await startScriptedServer({ folders: { INBOX: { uidValidity: '7', messages } } });
});
afterEach(() => server.stop());

const connect = () => bench.connect({ port: server.port, user: 'somebody', withoutPerson: true });

async function wish(mailbox: TestMailbox, kind: 'stop' | 'pause'): Promise<void> {
  const { tenantId, mailboxId } = mailbox;
  const desired = kind === 'stop' ? 'stopped' : 'paused';
  await bench.database.db.inTenant(tenantId, (sql) =>
    writeWish(sql, tenantId, { mailboxId, kind, desired, actor: 'system' }),
  );
}

async function read(mailbox: TestMailbox): Promise<MailboxForSync> {
  const found = await mailboxForSync(bench.database.db, mailbox);
  if (found === null) throw new Error('the mailbox is gone');
  return found;
}

const generationOf = async ({ tenantId }: TestMailbox) =>
  (
    await bench.database.db.inTenant(tenantId, (sql) =>
      sql.query<{ id: number; folder: string }>('SELECT id, folder_id AS folder FROM folder_generation LIMIT 1'),
    )
  )[0] ?? { id: 0, folder: '' };

/** A stopped mailbox has no connection 5 s later; the bench looks for them a second oftener than the product. */
const closedWithinMs = 4_000;
const lookedEveryMs = 50;

/**
 * How long it took until the server had no connection any more, without what the machine was late meanwhile: timers that fired late, and
 * answers of the database that took long.
 */
async function msUntilClosed(): Promise<number> {
  const began = performance.now();
  let lateMs = 0;
  while (server.sockets.size > 0) {
    const before = performance.now();
    await sleep(lookedEveryMs);
    await bench.database.db.inTenant(newUuid(), (sql) => sql.query('SELECT 1'));
    lateMs += Math.max(0, performance.now() - before - lookedEveryMs);
  }
  return performance.now() - began - lateMs;
}

const silences: [wish: 'stop' | 'pause', its: string, silent: boolean][] = [
  ['stop', 'a server that answers', false],
  ['pause', 'a server that answers', false],
  ['stop', 'a server that has gone silent', true],
];

test.each(silences)('after a %s, kept connections to %s are closed within five seconds', async (kind, _, silent) => {
  const mailbox = await connect();
  await mailbox.syncAll();
  expect(server.sockets.size).toBeGreaterThan(0);
  if (silent) server.on['LOGOUT'] = () => undefined;
  await wish(mailbox, kind);
  expect(await msUntilClosed()).toBeLessThan(closedWithinMs);
});

test('connections of a mailbox that runs are kept', async () => {
  const mailbox = await connect();
  await mailbox.syncAll();
  const open = server.sockets.size;
  await sleep(2_000);
  expect(server.sockets.size).toBe(open);
});

describe('when a mailbox is stopped whose server has gone silent', () => {
  const ref = ({ tenantId, mailboxId }: TestMailbox) => ({ tenantId, mailboxId });
  const round = async (mailbox: TestMailbox) =>
    runRound(bench.context, run, { ...ref(mailbox), fence: (await read(mailbox)).fence });
  const audit = (mailbox: TestMailbox) => auditFolders(bench.context, run, { ...ref(mailbox), operationId: newUuid() });
  const works = [
    { what: 'a login', at: 'LOGIN', begin: round },
    { what: 'a round', at: 'EXAMINE', begin: round },
    {
      what: 'an import',
      at: 'UID FETCH',
      begin: (mailbox: TestMailbox) => importBatch(bench.context, run, ref(mailbox)),
    },
    { what: 'an audit', at: 'LIST', begin: audit },
  ];

  test.each(works)('the connection of $what is closed, and the work ends as overtaken', async ({ what, at, begin }) => {
    const mailbox = await connect();
    if (what === 'an import') await mailbox.round();
    const earlier = server.commands.length;
    server.on[at] = () => undefined;
    const working = begin(mailbox);
    while (!server.commands.slice(earlier).some((line) => line.startsWith(at))) await sleep(20);
    await wish(mailbox, 'stop');
    expect(await msUntilClosed()).toBeLessThan(closedWithinMs);
    await expect(working).resolves.toEqual({ kind: 'superseded' });
  });

  test('the second connection that a round has opened is closed too', async () => {
    const inbox = server.folders.get('INBOX');
    if (inbox !== undefined) server.folders.set('Work', { ...inbox, uidValidity: '8' });
    const mailbox = await connect();
    await mailbox.syncAll();
    server.folders.delete('Work');
    // What the listing leaves out is asked for on a fresh connection.
    server.on['LIST'] = ({ connection, usual }) => {
      if (connection === 1) usual();
    };
    const before = server.connections;
    const working = round(mailbox);
    while (server.connections === before) await sleep(20);
    await wish(mailbox, 'stop');
    expect(await msUntilClosed()).toBeLessThan(closedWithinMs);
    await expect(working).resolves.toEqual({ kind: 'superseded' });
  });

  test('a paused mailbox is audited to the end all the same', async () => {
    const mailbox = await connect();
    await mailbox.syncAll();
    await wish(mailbox, 'pause');
    server.on['LIST'] = ({ usual }) => void setTimeout(usual, 1_500);
    await expect(audit(mailbox)).resolves.toMatchObject({ kind: 'done' });
  });
});

test('queued work of a stopped mailbox does not begin: no round, no import, no audit, not even a connection', async () => {
  const mailbox = await connect();
  const { fence } = await read(mailbox);
  await wish(mailbox, 'stop');
  const ref = { tenantId: mailbox.tenantId, mailboxId: mailbox.mailboxId };
  expect(await runRound(bench.context, run, { ...ref, fence })).toEqual({ kind: 'superseded' });
  expect(await importBatch(bench.context, run, ref)).toEqual({ kind: 'superseded' });
  expect(await auditFolders(bench.context, run, { ...ref, operationId: newUuid() })).toEqual({ kind: 'superseded' });
  expect(server.commands).toEqual([]);
});

test('work that a stop has overtaken writes nothing more', async () => {
  const mailbox = await connect();
  await mailbox.syncAll();
  const stale = await read(mailbox);
  const { id: genId, folder: folderId } = await generationOf(mailbox);
  await wish(mailbox, 'stop');
  const { db } = bench.database;
  const none = { missing: [], unrecorded: 0, extra: [], ended: [], undelivered: [], accepted: 0 };
  const nothing = { serverCount: 0, serverBytes: 0, ...none, inParts: false, identities: null };
  const writes = {
    flags: () => followFlags(db, stale, { genId, flags: [{ uid: 1, flags: 1, modseq: null }], allRead: true }),
    seen: () => seenDone(db, stale, { genId, uids: [1] }),
    audit: () =>
      recordAudit(db, stale, { folderId, genId, verdict: 'complete', reason: null, cause: 'daily', ...nothing }),
    auditDone: () => recordAuditDone(db, stale, auditDone(true)),
  };
  for (const write of Object.values(writes)) await expect(write()).rejects.toThrow(StaleFence);
});

test('cancelling a round whose server hangs ends it, and its connection', async () => {
  const mailbox = await connect();
  server.on['EXAMINE'] = () => undefined;
  const { fence } = await read(mailbox);
  const cancelled = new AbortController();
  const ref = { tenantId: mailbox.tenantId, mailboxId: mailbox.mailboxId };
  const round = runRound(bench.context, { ...run, signal: cancelled.signal }, { ...ref, fence });
  while (!server.commands.some((line) => line.startsWith('EXAMINE'))) await sleep(20);
  cancelled.abort();
  await expect(round).rejects.toMatchObject({ name: 'AbortError' });
  while (server.sockets.size > 0) await sleep(20);
});
