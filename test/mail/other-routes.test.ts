import { openMailbox } from '../../src/mail/open-mailbox';
import type { Mailbox, OpenFolder } from '../../src/mail/mailbox';
import { capAnswers, type Capped } from '../support/capped-answers';
import { startScriptedServer, type ScriptedServer } from '../support/scripted-imap-server';

let server: ScriptedServer;
let mailbox: Mailbox;

afterEach(async () => {
  await mailbox.close();
  await server.stop();
});

const dayMs = 86_400_000;

async function folderOf64(capped: Capped, capabilities?: string[]): Promise<OpenFolder> {
  const messages = Array.from({ length: 64 }, (_, at) => ({
    uid: (at + 1) * 1_000,
    raw: 'From: a@example.org\r\n\r\n',
    internalDate: new Date(Date.UTC(2020, 0, 1) + at * 30 * dayMs),
  }));
  server = await startScriptedServer({
    folders: { INBOX: { messages } },
    ...(capabilities === undefined ? {} : { capabilities }),
  });
  capAnswers(server, capped);
  mailbox = await openMailbox(server.access(), {
    hostRules: { allowedNetworks: ['127.0.0.0/8'] },
    connectTimeoutMs: 5_000,
    socketTimeoutMs: 5_000,
  });
  const open = await mailbox.examine('INBOX');
  server.commands.length = 0;
  return open;
}

const wish = { shown: [60_000, 61_000, 62_000, 63_000, 64_000], counted: 64, uidNext: 64_001, mostCommands: 400 };

test.each([
  ['sequence numbers', ['uid', 'date']],
  ['UIDs', ['number', 'date']],
  ['dates', ['number', 'uid']],
] as const)('all is found that shows by %s alone', async (_, hidden) => {
  const open = await folderOf64({ each: 5, hidden: { from: [...hidden], shown: 5 } });
  const { uids, commands } = await open.listByOtherRoutes(wish);
  expect(uids).toHaveLength(64);
  expect(commands).toBe(server.commands.length);
});

test('no more commands are sent than are allowed, and the newest are found first', async () => {
  const open = await folderOf64({ each: 5 });
  const { uids, commands } = await open.listByOtherRoutes({ ...wish, mostCommands: 9 });
  expect(commands).toBeLessThanOrEqual(9);
  expect(server.commands).toHaveLength(commands);
  expect(uids.slice(-6)).toEqual([59, 60, 61, 62, 63, 64].map((number) => number * 1_000));
});

test.each([
  [9, false],
  [400, true],
])('with %i commands it is told whether they were enough', async (mostCommands, ended) => {
  const open = await folderOf64({ each: 5 });
  expect(await open.listByOtherRoutes({ ...wish, counted: Infinity, mostCommands })).toMatchObject({ ended });
});

test('each step by dates is one command, however many messages the server counts', async () => {
  const open = await folderOf64({ each: 5, exists: 400_000 });
  server.on['FETCH'] = ({ no }) => {
    no('not by number');
  };
  server.commands.length = 0;
  const { uids, commands } = await open.listByOtherRoutes(wish);
  expect(uids).toHaveLength(64);
  expect(server.commands).toHaveLength(commands);
});

test('nothing more is asked once all are found', async () => {
  const open = await folderOf64({ each: Infinity });
  const { uids, commands } = await open.listByOtherRoutes({ ...wish, shown: [1_000], counted: 64 });
  expect(uids).toHaveLength(64);
  expect(commands).toBeLessThanOrEqual(64);
  expect(server.commands.filter((command) => command.startsWith('UID SEARCH'))).toEqual([]);
});

test('a way that is refused ends, and the others go on', async () => {
  const open = await folderOf64({ each: 5 });
  server.on['FETCH'] = ({ no }) => {
    no('not by number');
  };
  server.on['UID FETCH'] = ({ bad }) => {
    bad('not by UID');
  };
  expect((await open.listByOtherRoutes(wish)).uids).toHaveLength(64);
});

test('a connection that is lost is a failure, and not a part', async () => {
  const open = await folderOf64({ each: 5 });
  server.on['UID FETCH'] = ({ cut }) => {
    cut();
  };
  server.on['FETCH'] = ({ no }) => {
    no('not by number');
  };
  await expect(open.listByOtherRoutes(wish)).rejects.toMatchObject({ kind: 'unreachable' });
});

test('an empty folder that is said to have messages is asked to the end of its UIDs', async () => {
  const open = await folderOf64({ each: 5, hidden: { from: ['number', 'uid', 'date'], shown: 0 } });
  expect(await open.listByOtherRoutes({ ...wish, shown: [] })).toMatchObject({ uids: [] });
});
