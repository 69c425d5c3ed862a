import { importBatch } from '../../src/activities/import-batch';
import { mailboxesToImport } from '../../src/db/sync/waiting-work';
import { mail } from '../support/mail-factory';
import { startScriptedServer, type ScriptedServer } from '../support/scripted-imap-server';
import { createSyncBench, type SyncBench, type TestMailbox } from '../support/sync-bench';

let bench: SyncBench;
let server: ScriptedServer;

beforeAll(async () => {
  bench = await createSyncBench(0, { socketTimeoutMs: 3_000 });
});

afterAll(async () => {
  await bench.close();
});

afterEach(async () => {
  await bench.context.connections.closeAll();
  await server.stop();
});

const run = { signal: new AbortController().signal, heartbeat: () => undefined };
const messagesOf = (...uids: number[]) => uids.map((uid) => ({ uid, raw: mail({ subject: `number ${String(uid)}` }) }));

/** A new mailbox with history in INBOX, and a folder that was never opened. */
async function withClosedFolder(words: string): Promise<TestMailbox> {
  const folders = {
    INBOX: { uidValidity: '7', messages: messagesOf(1, 2, 3) },
    Closed: { uidValidity: '9', messages: messagesOf(4) },
  };
  server = await startScriptedServer({ folders });
  server.on = {
    EXAMINE: ({ args, no, usual }) => {
      if (args.includes('Closed')) no(words);
      else usual();
    },
  };
  return bench.connect({ port: server.port, user: 'somebody', withoutPerson: true });
}

const importStates = ({ tenantId, mailboxId }: TestMailbox) =>
  bench.database.db.inTenant(tenantId, (sql) =>
    sql.query(`SELECT state, done FROM operation WHERE source_id = $1 AND kind = 'import'`, [mailboxId]),
  );

test.each([
  ['[NOPERM] Not yours', 'waiting'],
  ['[INUSE] Locked', 'retry'],
])('a folder that is not opened (%s) keeps the history of the others from no import', async (words, kind) => {
  const mailbox = await withClosedFolder(words);
  expect(await mailbox.round()).toMatchObject({ kind, foldersWithHistory: 1 });
  // Where the import is lost, its mailbox is reminded of it.
  expect(await mailboxesToImport(bench.database.db, 0)).toContain(mailbox.mailboxId);
  expect(await importBatch(bench.context, run, mailbox)).toEqual({ kind: 'done', imported: 3, foldersLeft: 0 });
  expect(await importStates(mailbox)).toEqual([{ state: 'done', done: 3 }]);
  const again = await mailbox.round();
  expect(again).toMatchObject({ kind });
  expect(again).not.toHaveProperty('foldersWithHistory');
  expect(await mailboxesToImport(bench.database.db, 0)).not.toContain(mailbox.mailboxId);
});

test('a mailbox that is not reached at all is asked for no import', async () => {
  const mailbox = await withClosedFolder('[INUSE] Locked');
  await mailbox.round();
  await bench.context.connections.closeAll();
  await server.stop();
  const failed = await mailbox.round();
  expect(failed).toMatchObject({ kind: 'retry' });
  expect(failed).not.toHaveProperty('foldersWithHistory');
  expect(await mailboxesToImport(bench.database.db, 0)).not.toContain(mailbox.mailboxId);
});
