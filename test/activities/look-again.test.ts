import { defaultLimits } from '../../src/config/limits';
import { mail } from '../support/mail-factory';
import { folderOf } from '../support/scripted-imap-folder';
import { startScriptedServer, type ScriptedServer } from '../support/scripted-imap-server';
import { createSyncBench, type SyncBench } from '../support/sync-bench';

let bench: SyncBench;
let server: ScriptedServer;

beforeAll(async () => {
  bench = await createSyncBench(0);
});

afterAll(() => bench.close());

afterEach(async () => {
  await bench.context.connections.closeAll();
  await server.stop();
});

test('a mailbox is left alone when all is in the ledger, and looked at again at its refresh time while a message is owed', async () => {
  const messages = [1, 2, 3].map((uid) => ({ uid, raw: mail({ subject: `number ${String(uid)}` }) }));
  server = await startScriptedServer({ folders: { INBOX: { uidValidity: '7', messages: messages.slice(0, 1) } } });
  const policy = { refreshSeconds: 90 };
  const mailbox = await bench.connect({ port: server.port, user: 'somebody', withoutPerson: true, policy });
  await mailbox.syncAll();
  expect(await mailbox.round()).toMatchObject({ kind: 'done', lookAgainMs: defaultLimits.safetyTimerMs });

  const inbox = server.folders.get('INBOX');
  inbox?.messages.push(...folderOf({ messages: messages.slice(1) }).messages);
  if (inbox !== undefined) inbox.uidNext = 4;
  let silentAbout = 2;
  server.on['UID FETCH'] = (context) => {
    if (!context.args.includes('BODY')) {
      context.usual();
      return;
    }
    for (const uid of [2, 3]) if (uid !== silentAbout && asksFor(context.args, uid)) context.sendRow(uid);
    context.ok();
  };
  expect(await mailbox.round()).toMatchObject({ kind: 'done', lookAgainMs: 90_000 });

  silentAbout = 0;
  expect(await mailbox.round()).toMatchObject({ kind: 'done', recorded: 1, lookAgainMs: defaultLimits.safetyTimerMs });
});

test.each([
  ['are followed', { flags: 'follow' }, defaultLimits.flagsLookMs],
  ['are not followed', { flags: 'ignore' }, defaultLimits.safetyTimerMs],
] as const)(
  'a server that does not say when flags change is looked at by the clock: they %s',
  async (_, policy, afterMs) => {
    const messages = [{ uid: 1, raw: mail({ subject: 'one' }) }];
    const folders = { INBOX: { uidValidity: '7', messages, highestModseq: null } };
    const capabilities = ['LITERAL+', 'ENABLE', 'UIDPLUS', 'NAMESPACE', 'UNSELECT'];
    server = await startScriptedServer({ folders, capabilities });
    const mailbox = await bench.connect({ port: server.port, user: 'somebody', withoutPerson: true, policy });
    await mailbox.syncAll();
    expect(await mailbox.round()).toMatchObject({ kind: 'done', lookAgainMs: afterMs });
  },
);

function asksFor(args: string, uid: number): boolean {
  const [set = ''] = args.split(' ');
  return set.split(',').some((range) => {
    const [from = '0', to = from] = range.split(':');
    return uid >= Number(from) && uid <= Number(to);
  });
}
