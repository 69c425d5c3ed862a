import { auditOf } from '../support/audit-of';
import { mail } from '../support/mail-factory';
import { folderOf } from '../support/scripted-imap-folder';
import type { Script, ScriptedServer } from '../support/scripted-imap-server';
import { createSyncBench, type SyncBench, type TestMailbox } from '../support/sync-bench';
import { startUidOnlyServer, uidOnlyCapabilities } from '../support/uid-only-server';

let bench: SyncBench;
let server: ScriptedServer;

beforeAll(async () => {
  bench = await createSyncBench(0);
});

afterAll(async () => {
  await bench.close();
});

afterEach(async () => {
  await bench.context.connections.closeAll();
  await server.stop();
});

const uids = Array.from({ length: 40 }, (_, at) => at + 1);
const messageOf = (uid: number) => ({ uid, raw: mail({ subject: `number ${String(uid)}` }) });

async function connect(script: Script = {}): Promise<TestMailbox> {
  server = await startUidOnlyServer({ INBOX: { messages: uids.map(messageOf) } }, { shown: 10, ...script });
  const mailbox = await bench.connect({ port: server.port, user: 'somebody', withoutPerson: true });
  await mailbox.syncAll();
  await mailbox.round();
  return mailbox;
}

const recorded = async (mailbox: TestMailbox) => (await mailbox.ledger()).map(({ uid }) => uid).sort((a, b) => a - b);

const verdictOf = ({ tenantId, mailboxId }: TestMailbox) =>
  bench.database.db.inTenant(tenantId, (sql) =>
    sql.query('SELECT verdict, reason FROM folder_audit WHERE source_id = $1', [mailboxId]),
  );

test('a folder that is shown in part to others is imported whole, followed, and complete', async () => {
  const mailbox = await connect();
  expect(await recorded(mailbox)).toEqual(uids);
  const folder = server.folders.get('INBOX');
  const [arrived] = folderOf({ messages: [messageOf(41)] }).messages;
  if (folder === undefined || arrived === undefined) throw new Error('no folder');
  folder.messages = [...folder.messages.filter(({ uid }) => uid !== 3), arrived];
  folder.uidNext = 42;
  await mailbox.round();
  expect(await recorded(mailbox)).toEqual([...uids, 41]);
  await auditOf(bench, mailbox);
  expect(await verdictOf(mailbox)).toEqual([{ verdict: 'complete', reason: null }]);
  expect(server.commands.filter((command) => command.startsWith('FETCH'))).toEqual([]);
});

test('a server that gives but a few at once gives all in the end, and is not believed to have no more', async () => {
  const atMost = 8;
  const limited: Script = {
    capabilities: [...uidOnlyCapabilities, `MESSAGELIMIT=${String(atMost)}`],
    on: {
      'UID SEARCH': ({ args, folder, send, ok }) => {
        const [from = '1', to = from] = (/UID ([\d:*]+)/.exec(args)?.[1] ?? '1:*').split(':');
        const inside = (folder?.messages ?? []).filter(
          ({ uid }) => uid >= Number(from) && (to === '*' || uid <= Number(to)),
        );
        const shown = inside.slice(-atMost);
        send(`* SEARCH ${shown.map(({ uid }) => uid).join(' ')}`.trimEnd());
        ok(shown.length < inside.length ? `[MESSAGELIMIT ${String(atMost)} ${String(shown[0]?.uid)}] some` : 'done');
      },
    },
  };
  const mailbox = await connect(limited);
  expect(await recorded(mailbox)).toEqual(uids);
  await auditOf(bench, mailbox);
  expect(await verdictOf(mailbox)).toMatchObject([{ verdict: 'not-provable' }]);
});
