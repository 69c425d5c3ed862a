import { presences } from '../../src/domain/ledger';
import { mail } from '../support/mail-factory';
import { allowOneConnection } from '../support/one-connection';
import { folderOf, type ScriptedFolder } from '../support/scripted-imap-folder';
import { startScriptedServer, type Handler, type ScriptedServer } from '../support/scripted-imap-server';
import { createSyncBench, type SyncBench, type TestMailbox } from '../support/sync-bench';

const liveRoundMessages = 30;
let bench: SyncBench;
let server: ScriptedServer;

beforeAll(async () => {
  bench = await createSyncBench(0, { liveRoundMessages });
});

afterAll(async () => {
  await bench.close();
});

afterEach(async () => {
  await bench.context.connections.closeAll();
  await server.stop();
});

const numbered = (count: number) =>
  Array.from({ length: count }, (_, at) => ({ uid: at + 1, raw: mail({ subject: `number ${String(at + 1)}` }) }));

/** A mailbox with a hundred messages in its ledger, in a folder of that name. */
async function connect(path: string): Promise<TestMailbox> {
  server = await startScriptedServer({ folders: { [path]: { messages: numbered(100) } } });
  const mailbox = await bench.connect({
    port: server.port,
    user: 'somebody',
    withoutPerson: true,
    policy: { refreshSeconds: 90 },
  });
  await mailbox.syncAll();
  return mailbox;
}

function folder(path: string): ScriptedFolder {
  const found = server.folders.get(path);
  if (found === undefined) throw new Error('no such folder');
  return found;
}

/** Eighty of the hundred are removed, and so many come. */
function removeManyAndDeliver(path: string, count: number): void {
  const { messages: fresh } = folderOf({ messages: numbered(100 + count).slice(100) });
  const kept = folder(path).messages.slice(0, 20);
  Object.assign(folder(path), { uidNext: 101 + count, highestModseq: '500', messages: [...kept, ...fresh] });
}

const live = async (mailbox: TestMailbox) =>
  (await mailbox.ledger()).filter(({ presence }) => presence === presences.live);

const noMoreConnections: Handler = (context) => {
  context.no('[UNAVAILABLE] Maximum number of connections exceeded');
};

test('many messages that are missing have gone, also where the server allows one connection only', async () => {
  const mailbox = await connect('INBOX');
  removeManyAndDeliver('INBOX', 1);
  await bench.context.connections.closeAll();
  allowOneConnection(server);
  expect(await mailbox.round()).toMatchObject({ kind: 'done', recorded: 1 });
  expect(await live(mailbox)).toHaveLength(21);
});

describe('many messages that are missing while no second connection is to be had', () => {
  test('are still counted as there, and the round goes on', async () => {
    const mailbox = await connect('INBOX');
    removeManyAndDeliver('INBOX', 1);
    server.on['LOGIN'] = noMoreConnections;
    expect(await mailbox.round()).toMatchObject({ kind: 'done', recorded: 1 });
    expect(await live(mailbox)).toHaveLength(101);
  });

  test.each(['INBOX', 'Trash'])('are looked at again in %s, at the refresh time, until one is', async (path) => {
    const mailbox = await connect(path);
    removeManyAndDeliver(path, 1);
    for (let round = 0; round < 2; round += 1) {
      let allowed = round;
      server.on['LOGIN'] = (context) => {
        allowed -= 1;
        if (allowed < 0) noMoreConnections(context);
        else context.usual();
      };
      expect(await mailbox.round()).toMatchObject({ kind: 'done', folders: 1, lookAgainMs: 90_000 });
    }
    server.on = {};
    await mailbox.round();
    expect(await live(mailbox)).toHaveLength(21);
    expect(await mailbox.round()).toMatchObject({ folders: 0 });
  });

  test('keep no new mail from the import, also where more has come than a round fetches', async () => {
    const mailbox = await connect('INBOX');
    removeManyAndDeliver('INBOX', liveRoundMessages + 1);
    server.on['LOGIN'] = noMoreConnections;
    expect(await mailbox.round()).toMatchObject({ kind: 'done', recorded: 0, lookAgainMs: 90_000 });
    server.on = {};
    await mailbox.syncAll();
    const rows = await live(mailbox);
    expect(rows.map(({ uid }) => uid)).toEqual(folder('INBOX').messages.map(({ uid }) => uid));
    expect(rows.every(({ sha256 }) => sha256 !== null)).toBe(true);
  });

  test('are looked at again, and its mail is fetched, in a folder that comes into scope', async () => {
    const mailbox = await connect('Trash');
    removeManyAndDeliver('Trash', 1);
    await bench.database.db.inTenant(mailbox.tenantId, (sql) =>
      sql.execute(`UPDATE source SET policy = jsonb_set(policy, '{folders,include}', '["Trash"]') WHERE id = $1`, [
        mailbox.mailboxId,
      ]),
    );
    server.on['LOGIN'] = noMoreConnections;
    expect(await mailbox.round()).toMatchObject({ kind: 'done', foldersWithHistory: 1, lookAgainMs: 90_000 });
    expect(await live(mailbox)).toHaveLength(100);
    server.on = {};
    await mailbox.syncAll();
    const rows = await live(mailbox);
    expect(rows).toHaveLength(21);
    expect(rows.every(({ sha256 }) => sha256 !== null)).toBe(true);
  });
});

test.each(['INBOX', 'Trash'])(
  'what has gone from %s is noted by the round after one that was killed over it',
  async (path) => {
    const mailbox = await connect(path);
    removeManyAndDeliver(path, 1);
    const before = { ...bench.context };
    bench.context.connect = () => Promise.reject(new Error('killed'));
    await mailbox.round().catch(() => undefined);
    Object.assign(bench.context, before);
    expect(await mailbox.ledger()).toHaveLength(101);
    expect(await mailbox.round()).toMatchObject({ kind: 'done', folders: 1 });
    expect(await live(mailbox)).toHaveLength(21);
  },
);
