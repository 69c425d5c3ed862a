import { importBatch } from '../../src/activities/import-batch';
import { outcomes } from '../../src/domain/ledger';
import { mail } from '../support/mail-factory';
import { folderOf } from '../support/scripted-imap-folder';
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

afterEach(async () => {
  await bench.context.connections.closeAll();
  await server.stop();
});

const five = [1, 2, 3, 4, 5].map((uid) => ({ uid, raw: mail({ subject: `number ${String(uid)}` }) }));
const run = { signal: new AbortController().signal, heartbeat: () => undefined };
const paths = ['INBOX', 'One', 'Two'];

/** A mailbox of three folders, in each of which five messages wait to be fetched: by the import, or as new mail by a round. */
async function connect(by: 'import' | 'round'): Promise<TestMailbox> {
  const messages = by === 'import' ? five : [];
  const folders = Object.fromEntries(paths.map((path, at) => [path, { uidValidity: String(7 + at), messages }]));
  server = await startScriptedServer({ folders });
  const mailbox = await bench.connect({ port: server.port, user: 'somebody', withoutPerson: true });
  await mailbox.round();
  if (by === 'import') return mailbox;
  await mailbox.syncAll();
  for (const folder of server.folders.values()) {
    Object.assign(folder, folderOf({ uidValidity: folder.uidValidity, messages: five }), { highestModseq: '9' });
  }
  return mailbox;
}

/** What a FETCH of this item is answered with; the commands that come after the first such answer are counted. */
function strike(item: string, text: string): { after: () => string[] } {
  let struckAt: number | null = null;
  server.on['UID FETCH'] = (context) => {
    if (!context.args.includes(item)) {
      context.usual();
      return;
    }
    struckAt ??= server.commands.length;
    context.no(text);
  };
  return { after: () => server.commands.slice(struckAt ?? Infinity).filter((command) => command !== 'LOGOUT') };
}

const tooBusy = '[UNAVAILABLE] Server is too busy, try again in 5 minutes';
const told = { kind: 'retry', wait: 'told', retryAfterMs: 300_000 };

const refusedItems: [string, string][] = [
  ['bytes', 'BODY'],
  ['sizes', 'RFC822.SIZE'],
];

describe.each(refusedItems)('a server that asks to be left alone in answer to a FETCH of %s', (_, item) => {
  test('is asked nothing more in a round, which waits as long as it was told', async () => {
    const mailbox = await connect('round');
    const { after } = strike(item, tooBusy);
    expect(await mailbox.round()).toMatchObject(told);
    expect(after()).toEqual([]);
  });

  test('is asked nothing more by an import, which waits as long as it was told', async () => {
    const mailbox = await connect('import');
    const { after } = strike(item, tooBusy);
    expect(await importBatch(bench.context, run, mailbox)).toMatchObject(told);
    expect(after()).toEqual([]);
  });

  test('again and again is searched for no message to blame, and none is parked', async () => {
    const mailbox = await connect('round');
    for (let tries = 0; tries < 5; tries += 1) {
      bench.context.now = () => Date.now() + tries * 300_001;
      const { connections } = server;
      const { after } = strike(item, tries % 2 === 0 ? tooBusy : '[LIMIT] UID FETCH Rate limit hit');
      expect(await mailbox.round()).toMatchObject({ kind: 'retry' });
      expect(after()).toEqual([]);
      expect(server.connections - connections).toBeLessThan(2);
    }
    bench.context.now = Date.now;
    server.on = {};
    await mailbox.syncAll();
    const rows = await mailbox.ledger();
    expect(rows.map(({ outcome }) => outcome)).toEqual(Array.from({ length: 15 }, () => outcomes.recorded));
  });
});
