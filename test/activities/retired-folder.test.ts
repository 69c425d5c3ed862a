import type { ActivityContext } from '../../src/activities/context';
import { importBatch } from '../../src/activities/import-batch';
import { retireGenerations } from '../../src/db/ingest/retire-generations';
import { lockSource } from '../../src/db/ingest/source-lock';
import { mailboxForSync } from '../../src/db/sync/mailbox-for-sync';
import { mail } from '../support/mail-factory';
import { startScriptedServer, type ScriptedServer } from '../support/scripted-imap-server';
import { createSyncBench, type SyncBench, type TestMailbox } from '../support/sync-bench';

let bench: SyncBench;
let server: ScriptedServer;

beforeAll(async () => {
  bench = await createSyncBench(0);
  const messages = [1, 2, 3].map((uid) => ({ uid, raw: mail({ subject: `number ${String(uid)}` }) }));
  server = await startScriptedServer({ folders: { INBOX: { uidValidity: '7', messages } } });
});
afterAll(async () => {
  await bench.close();
  await server.stop();
});

const run = { signal: new AbortController().signal, heartbeat: () => undefined };

/** The folder is no more, as a round would note it. */
async function retireAll(mailbox: TestMailbox): Promise<void> {
  const source = await mailboxForSync(bench.database.db, mailbox);
  if (source === null) throw new Error('the mailbox is gone');
  await bench.database.db.inTenant(mailbox.tenantId, async (sql) => {
    await lockSource(sql, source);
    const folders = await sql.query<{ id: string }>('SELECT id FROM folder');
    await retireGenerations(
      sql,
      source,
      folders.map(({ id }) => id),
    );
  });
}

test('an import whose folder is retired while it runs leaves no live row in it, and goes on with the other folders', async () => {
  const mailbox = await bench.connect({ port: server.port, user: 'somebody', withoutPerson: true });
  await mailbox.round();
  const { blobs } = bench.context;
  const retiring: ActivityContext['blobs'] = {
    ...blobs,
    putBatch: async (owner, batch) => {
      const stored = await blobs.putBatch(owner, batch);
      await retireAll(mailbox);
      return stored;
    },
    pack: async (batch) => {
      const packed = await blobs.pack(batch);
      await retireAll(mailbox);
      return packed;
    },
  };
  const end = await importBatch({ ...bench.context, blobs: retiring }, run, mailbox);
  expect(end).toEqual({ kind: 'done', imported: 0, foldersLeft: 0 });
  expect((await mailbox.ledger()).filter(({ presence }) => presence === 1)).toEqual([]);
  expect(await importBatch(bench.context, run, mailbox)).toEqual({ kind: 'done', imported: 0, foldersLeft: 0 });
});
