import { mail } from '../support/mail-factory';
import { folderOf } from '../support/scripted-imap-folder';
import { startScriptedServer, type ScriptedServer } from '../support/scripted-imap-server';
import { createSyncBench, type SyncBench, type TestMailbox } from '../support/sync-bench';

let bench: SyncBench;
let server: ScriptedServer;

beforeAll(async () => {
  bench = await createSyncBench(0, { removalCompareMessages: 1 });
});

afterAll(async () => {
  await bench.close();
});

afterEach(async () => {
  await bench.context.connections.closeAll();
  await server.stop();
});

const query = <Row extends object>({ tenantId }: TestMailbox, text: string, values: unknown[] = []) =>
  bench.database.db.inTenant(tenantId, (sql) => sql.query<Row>(text, values));

const connect = (start: object = {}) =>
  bench.connect({
    ...{ port: server.port, user: 'somebody', withoutPerson: true },
    policy: { removals: 'mirror', removalGraceSeconds: 0, ...start },
  });

async function roundWithRemoval(mailbox: TestMailbox): Promise<void> {
  await query(mailbox, 'UPDATE removal SET due_at = now() RETURNING 1');
  expect(await mailbox.round()).toMatchObject({ kind: 'done' });
}

function inbox() {
  const found = server.folders.get('INBOX');
  if (found === undefined) throw new Error('no INBOX');
  return found;
}

test('a removal is carried out beside a folder whose name has no STATUS', async () => {
  const messages = [{ uid: 1, raw: mail({ subject: 'stays' }) }];
  const goes = [{ uid: 1, raw: mail({ subject: 'goes' }) }];
  server = await startScriptedServer({ folders: { INBOX: { messages: goes }, 'bad&AAA-name': { messages } } });
  const mailbox = await connect();
  await mailbox.syncAll();
  expect(await query(mailbox, 'SELECT FROM message')).toHaveLength(2);
  Object.assign(inbox(), { messages: [], highestModseq: '30' });
  await mailbox.round();
  await roundWithRemoval(mailbox);
  expect(await query(mailbox, 'SELECT subject FROM message_subject')).toEqual([{ subject: 'stays' }]);
});

test('a row that the server says nothing of does not make each wait a short one', async () => {
  const internalDate = new Date('2020-02-02T02:02:02Z');
  const left = [1, 2].map((uid) => ({ uid, raw: mail({ subject: 'left' }), internalDate }));
  server = await startScriptedServer({ folders: { INBOX: { messages: [] }, Archive: { messages: left } } });
  const mailbox = await connect({ start: { from: 'date', date: '2025-01-01' } });
  await mailbox.syncAll();
  Object.assign(inbox(), folderOf({ messages: [{ uid: 7, raw: mail({ subject: 'goes' }) }], highestModseq: '20' }));
  await mailbox.syncAll();
  await query(mailbox, 'UPDATE placement SET size = NULL, internal_date = NULL WHERE copy_id IS NULL RETURNING 1');
  const archive = server.folders.get('Archive');
  server.on['UID FETCH'] = (context) => {
    if (context.folder === archive) context.ok();
    else context.usual();
  };
  Object.assign(inbox(), { messages: [], highestModseq: '30' });
  await mailbox.round();
  await query(mailbox, `UPDATE removal SET noted_at = now() - interval '1 day' RETURNING 1`);
  await roundWithRemoval(mailbox);
  const [row] = await query<{ hours: number }>(
    mailbox,
    'SELECT (extract(epoch FROM due_at - now()) / 3600)::float8 AS hours FROM removal',
  );
  expect(row?.hours).toBeGreaterThan(5);
});
