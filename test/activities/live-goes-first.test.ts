import { mail } from '../support/mail-factory';
import { folderOf } from '../support/scripted-imap-folder';
import { startScriptedServer, type ScriptedServer } from '../support/scripted-imap-server';
import { createSyncBench, type SyncBench } from '../support/sync-bench';

let bench: SyncBench;
let server: ScriptedServer;

beforeAll(async () => {
  bench = await createSyncBench(0);
});

afterAll(async () => {
  await bench.close();
  await server.stop();
});

const messageOf = (uid: number) => ({ uid, raw: mail({ subject: `number ${String(uid)}` }) });

test('new mail goes before the history of an import, in memory and in the threads that read', async () => {
  const { parsePool, budget } = bench.context;
  const turns: string[] = [];
  Object.assign(bench.context, {
    parsePool: {
      ...parsePool,
      parse: (...[job, turn = 'in-line']: Parameters<typeof parsePool.parse>) => {
        turns.push(`read ${turn}`);
        return parsePool.parse(job, turn);
      },
    },
    budget: {
      give: (bytes: number) => {
        budget.give(bytes);
      },
      take: (...[bytes, signal, turn = 'in-line']: Parameters<typeof budget.take>) => {
        turns.push(`take ${turn}`);
        return budget.take(bytes, signal, turn);
      },
    },
  });
  server = await startScriptedServer({ folders: { INBOX: { messages: [1, 2].map(messageOf) } } });
  const mailbox = await bench.connect({ port: server.port, user: 'somebody', withoutPerson: true });
  await mailbox.syncAll();
  expect(new Set(turns)).toEqual(new Set(['take in-line', 'read in-line']));
  turns.length = 0;
  server.folders.set('INBOX', folderOf({ messages: [1, 2, 3].map(messageOf) }));
  await mailbox.round();
  expect(turns).toEqual(['take first', 'read first']);
});
