import type { Socket } from 'node:net';

import { defaultLimits } from '../../src/config/limits';
import { outcomes, presences } from '../../src/domain/ledger';
import { mail } from '../support/mail-factory';
import { folderOf } from '../support/scripted-imap-folder';
import { startScriptedServer, type Handler, type Script, type ScriptedServer } from '../support/scripted-imap-server';
import { createSyncBench, type SyncBench, type TestMailbox } from '../support/sync-bench';

let bench: SyncBench;
let server: ScriptedServer;

beforeAll(async () => {
  bench = await createSyncBench(0, { socketTimeoutMs: 1_500 });
});

afterAll(async () => {
  await bench.close();
});

afterEach(async () => {
  await bench.context.connections.closeAll();
  await server.stop();
});

const messages = [1, 2, 3].map((uid) => ({ uid, raw: mail({ subject: `number ${String(uid)}` }) }));

async function connect(script: Script = {}): Promise<TestMailbox> {
  server = await startScriptedServer({ folders: { INBOX: { uidValidity: '7', messages } }, ...script });
  return bench.connect({ port: server.port, user: 'somebody', withoutPerson: true });
}

interface StateRow {
  state: string;
  state_reason: string | null;
  waits: number | null;
}

async function stateOf(mailbox: TestMailbox): Promise<StateRow | undefined> {
  const [row] = await bench.database.db.inTenant(mailbox.tenantId, (sql) =>
    sql.query<StateRow>(
      `SELECT state, state_reason, extract(epoch FROM state_until - now())::float8 AS waits FROM mailbox WHERE source_id = $1`,
      [mailbox.mailboxId],
    ),
  );
  return row;
}

const allRecorded = async (mailbox: TestMailbox) =>
  (await mailbox.ledger()).map(({ uid, outcome, presence }) => [uid, outcome, presence]);
const three = [1, 2, 3].map((uid) => [uid, outcomes.recorded, presences.live]);

const refusals: [string, string, string][] = [
  ['[INUSE] Mailbox is locked', 'in-use', 'backing-off'],
  ['[OVERQUOTA] Mailbox is full', 'over-quota', 'backing-off'],
  ['[LIMIT] Too much', 'limit', 'backing-off'],
  ['[UNAVAILABLE] Backend is down', 'unavailable', 'backing-off'],
  ['[NOPERM] Not yours', 'no-permission', 'needs-attention'],
  // Somebody renames or deletes folders while a round goes over them: the next one knows, and must not wait for a person or an hour.
  ['[NONEXISTENT] Renamed just now', 'folder-gone', 'backing-off'],
];

test.each(refusals)(
  'EXAMINE answered by %s: the mailbox says %s and %s, and goes on when it is over',
  async (text, code, state) => {
    const mailbox = await connect({
      on: {
        EXAMINE: (context) => {
          context.no(text);
        },
      },
    });
    expect((await mailbox.round()).kind).not.toBe('done');
    expect(await stateOf(mailbox)).toMatchObject({ state, state_reason: code });
    server.on = {};
    await mailbox.syncAll();
    expect(await stateOf(mailbox)).toMatchObject({ state: 'live', state_reason: null });
    expect(await allRecorded(mailbox)).toEqual(three);
  },
);

test('the throttling of Exchange is waited out for as long as the server says', async () => {
  const mailbox = await connect({
    on: {
      EXAMINE: (context) => {
        context.bad('Request is throttled. Suggested Backoff Time: 92415 milliseconds');
      },
    },
  });
  expect(await mailbox.round()).toMatchObject({ kind: 'retry', failure: 'busy (throttled)' });
  const row = await stateOf(mailbox);
  expect(row).toMatchObject({ state: 'backing-off', state_reason: 'throttled' });
  expect(row?.waits).toBeGreaterThan(60);
});

const steps = ['LOGIN', 'LIST', 'STATUS', 'EXAMINE', 'UID SEARCH', 'UID FETCH'];
const ends: [string, Handler, string[]][] = [
  ['silence', () => undefined, ['unreachable (timed-out)']],
  [
    'a BYE',
    (context) => {
      context.send('* BYE Shutting down');
      context.cut();
    },
    // A server that says goodbye at the login does not want us now.
    ['unreachable (connection-lost)', 'busy (unavailable)'],
  ],
];

for (const [name, end, failures] of ends) {
  test.each(steps)(`${name} at %s is retried, and nothing is lost or doubled`, async (command) => {
    let struck = 1;
    const strike: Handler = (context) => {
      struck -= 1;
      if (struck >= 0) end(context);
      else context.usual();
    };
    const mailbox = await connect({
      on: { [command]: strike, ...(command === 'LOGIN' ? { AUTHENTICATE: strike } : {}) },
    });
    const results = [];
    for (let tried = 0; tried < 3; tried += 1) {
      results.push(await mailbox.round());
      await mailbox.syncAll().catch(() => undefined);
    }
    expect(struck).toBeLessThan(1);
    expect(results.every(({ kind }) => kind === 'done' || kind === 'retry')).toBe(true);
    const said = results.flatMap((result) => (result.kind === 'retry' ? [result.failure] : []));
    expect(said.filter((failure) => !failures.includes(failure))).toEqual([]);
    expect(await allRecorded(mailbox)).toEqual(three);
  });
}

test('a greeting that comes late is waited for, by default also one of 20 s', async () => {
  expect(Math.min(defaultLimits.connectTimeoutMs, defaultLimits.socketTimeoutMs)).toBeGreaterThan(30_000);
  const mailbox = await connect({ greeting: null });
  const greeted = new Set<Socket>();
  const greet = setInterval(() => {
    for (const socket of server.sockets) if (!greeted.has(socket)) socket.write('* OK at last\r\n');
    for (const socket of server.sockets) greeted.add(socket);
  }, 700);
  await mailbox.syncAll();
  clearInterval(greet);
  expect(await allRecorded(mailbox)).toEqual(three);
});

test('capabilities that change at the login are those of after it', async () => {
  let loggedIn = false;
  const login: Handler = (context) => {
    loggedIn = true;
    context.usual();
  };
  const mailbox = await connect({
    capabilities: ['LITERAL+', 'NAMESPACE'],
    on: {
      LOGIN: login,
      CAPABILITY: (context) => {
        context.send(
          loggedIn ? '* CAPABILITY IMAP4rev1 LITERAL+' : '* CAPABILITY IMAP4rev1 LITERAL+ CONDSTORE ENABLE NAMESPACE',
        );
        context.ok();
      },
    },
  });
  await mailbox.syncAll();
  expect(await allRecorded(mailbox)).toEqual(three);
  expect(server.commands.filter((command) => command.startsWith('ENABLE'))).toEqual([]);
});

test.each([
  'comma, and (brackets)',
  'a "quote"',
  'back\\slash',
  'percent % and star *',
  '~tilde & ampersand',
  ' spaces ',
])('a folder called %p is synced under its name', async (path) => {
  const mailbox = await connect({ folders: {} });
  server.folders.set(path, folderOf({ messages }));
  const quoted = `"${path.replaceAll('&', '&-').replaceAll(/["\\]/g, '\\$&')}"`;
  server.on['LIST'] = (context) => {
    context.send('* LIST () "/" "INBOX"');
    if (context.args.includes('"*"') || context.args.endsWith('*')) context.send(`* LIST () "/" ${quoted}`);
    context.ok();
  };
  const unquote: Handler = (context) => {
    const asked = server.folders.get(path);
    if (asked !== undefined) server.folders.set(path.replaceAll('&', '&-'), asked);
    context.usual();
    if (path.includes('&')) server.folders.delete(path.replaceAll('&', '&-'));
  };
  Object.assign(server.on, { STATUS: unquote, EXAMINE: unquote });
  await mailbox.syncAll();
  expect((await mailbox.ledger()).map((row) => row.folder)).toEqual([path, path, path]);
});

test('a folder without a delimiter is fetched like any other', async () => {
  const mailbox = await connect({ folders: {} });
  server.folders.set('Flat/not a child', folderOf({ messages }));
  server.on['LIST'] = (context) => {
    context.send('* LIST () NIL "INBOX"');
    context.send('* LIST () NIL "Flat/not a child"');
    context.ok();
  };
  await mailbox.syncAll();
  expect((await mailbox.ledger()).map((row) => [row.folder, row.outcome])).toEqual(
    [1, 2, 3].map(() => ['Flat/not a child', outcomes.recorded]),
  );
});

test.each([
  ['no delimiter', '* LIST () NIL "Flat"', 'Flat'],
  ['a literal with a line break', null, 'two\r\nlines'],
  ['broken UTF-7', '* LIST () "/" "a&b"', null],
])('a folder listed with %s holds up no other', async (_, line, path) => {
  const mailbox = await connect();
  server.on['LIST'] = (context) => {
    context.send('* LIST () "/" "INBOX"');
    if (line !== null) context.send(line);
    else context.send('* LIST () "/" ', Buffer.from(path));
    context.ok();
  };
  await mailbox.round();
  await mailbox.syncAll().catch(() => undefined);
  expect((await allRecorded(mailbox)).slice(0, 3)).toEqual(three);
});

test('a folder that fails keeps saying so, and the others are followed', async () => {
  const mailbox = await connect({
    folders: { INBOX: { uidValidity: '7', messages }, Locked: { uidValidity: '8', messages } },
    on: {
      EXAMINE: (context) => {
        if (context.args.includes('Locked')) context.no('[INUSE] locked');
        else context.usual();
      },
    },
  });
  await mailbox.syncAll().catch(() => undefined);
  expect((await mailbox.ledger()).map((row) => row.folder)).toEqual(['INBOX', 'INBOX', 'INBOX']);
  expect(await stateOf(mailbox)).toMatchObject({ state: 'backing-off', state_reason: 'in-use' });
});

const oddNames: [string, string | Buffer, string][] = [
  ['NUL', 'bad&AAA-name', 'bad\ufffd{0000}name'],
  ['half a surrogate', 'half&2AA-', 'half\ufffd{d800}'],
  ['broken UTF-7', 'a&b', 'a\ufffd&b'],
  ['a line break', Buffer.from('two\r\nlines'), 'two\r\nlines'],
];

test.each(oddNames)('a folder whose name has %s is listed, and its mail fetched', async (_, listed, path) => {
  const mailbox = await connect({ folders: {} });
  const name = listed.toString();
  const literal = typeof listed !== 'string';
  server.folders.set(name, folderOf({ messages }));
  server.on['LIST'] = (context) => {
    context.send('* LIST () "/" "INBOX"');
    if (/\*"?$/.test(context.args))
      context.send(...(literal ? ['* LIST () "/" ', listed] : [`* LIST () "/" "${name}"`]));
    context.ok();
  };
  await mailbox.syncAll();
  expect((await mailbox.ledger()).map((row) => [row.folder, row.uid, row.outcome])).toEqual(
    [1, 2, 3].map((uid) => [path, uid, outcomes.recorded]),
  );
  expect(await stateOf(mailbox)).toMatchObject({ state: 'live', state_reason: null });
  const [fourth] = folderOf({ messages: [{ uid: 4, raw: mail({ subject: 'four' }) }] }).messages;
  if (fourth !== undefined) server.folders.get(name)?.messages.push(fourth);
  Object.assign(server.folders.get(name) ?? {}, { uidNext: 5, highestModseq: '4' });
  await mailbox.round();
  expect((await mailbox.ledger()).filter(({ presence }) => presence === presences.live)).toHaveLength(4);
});
