import { outcomes, presences } from '../../src/domain/ledger';
import { openMailbox } from '../../src/mail/open-mailbox';
import { auditOf } from '../support/audit-of';
import { capAnswers, type Capped } from '../support/capped-answers';
import { mail } from '../support/mail-factory';
import { folderOf, type ScriptedFolder } from '../support/scripted-imap-folder';
import {
  startScriptedServer,
  type CommandContext,
  type Script,
  type ScriptedServer,
} from '../support/scripted-imap-server';
import { createSyncBench, type SyncBench, type TestMailbox } from '../support/sync-bench';

// Servers that show a part of a folder, and do not say so.

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

const dayMs = 86_400_000;
const firstDay = Date.UTC(2026, 0, 1);

/** One a day. */
const numbered = (count: number) =>
  Array.from({ length: count }, (_, at) => ({
    uid: at + 1,
    raw: mail({ subject: `number ${String(at + 1)}` }),
    internalDate: new Date(firstDay + at * dayMs),
  }));

async function connect(capped: Capped | null, script: Script = {}, policy = {}): Promise<TestMailbox> {
  server = await startScriptedServer({ folders: { INBOX: { messages: numbered(30) } }, ...script });
  if (capped !== null) capAnswers(server, capped);
  return bench.connect({ port: server.port, user: 'somebody', withoutPerson: true, policy });
}

const inbox = (): ScriptedFolder => {
  const found = server.folders.get('INBOX');
  if (found === undefined) throw new Error('no INBOX');
  return found;
};

const liveUids = async (mailbox: TestMailbox) =>
  (await mailbox.ledger()).filter(({ presence }) => presence === presences.live).map(({ uid }) => uid);

interface Audited {
  verdict: string;
  reason: string | null;
  missing: number;
  serverCount: number;
  flags: string[];
}

async function audited(mailbox: TestMailbox): Promise<Audited | undefined> {
  await auditOf(bench, mailbox);
  const [row] = await bench.database.db.inTenant(mailbox.tenantId, (sql) =>
    sql.query<Audited>(
      `SELECT a.verdict, a.reason, a.missing_count::int AS missing, a.server_count::int AS "serverCount", m.flags
       FROM folder_audit a JOIN mailbox m ON m.source_id = a.source_id WHERE a.source_id = $1`,
      [mailbox.mailboxId],
    ),
  );
  return row;
}

const upTo = (last: number, first = 1) => Array.from({ length: last - first + 1 }, (_, at) => first + at);

test('a server that gives ten messages in an answer is asked in parts: all are fetched, and proven to be there', async () => {
  const mailbox = await connect({ each: 10 });
  await mailbox.syncAll();
  expect((await mailbox.ledger()).map(({ uid, outcome }) => [uid, outcome])).toEqual(
    upTo(30).map((uid) => [uid, outcomes.recorded]),
  );
  expect(await audited(mailbox)).toEqual({
    verdict: 'complete',
    reason: null,
    missing: 0,
    serverCount: 30,
    flags: [],
  });
});

test.each([
  ['by UIDs', ['number', 'date']],
  ['by dates', ['number', 'uid']],
] as const)('what only shows %s is fetched, though EXISTS knows nothing of it', async (_, hidden) => {
  const capped = { each: 10, exists: 10, status: 30, hidden: { from: [...hidden], shown: 10 } };
  const mailbox = await connect(capped);
  await mailbox.syncAll();
  expect(await liveUids(mailbox)).toEqual(upTo(30));
  expect(await audited(mailbox)).toMatchObject({ verdict: 'complete', missing: 0, serverCount: 30 });
});

test('nothing is removed because the parts do not show it', async () => {
  const mailbox = await connect({ each: 10 });
  await mailbox.syncAll();
  inbox().messages.splice(3, 2);
  inbox().highestModseq = '900';
  await mailbox.round();
  expect(await liveUids(mailbox)).toEqual(upTo(30));
  expect(await audited(mailbox)).toMatchObject({ verdict: 'not-provable', reason: 'shown-in-parts' });
  await mailbox.round();
  expect(await liveUids(mailbox)).toEqual(upTo(30));
});

test('a server that shows the newest ten of 83,640 to whatever is asked is not provable, and old mail stays', async () => {
  const shown = { from: ['number' as const, 'uid' as const, 'date' as const], shown: 10 };
  const mailbox = await connect({ each: Infinity, exists: 10, status: 83_640, hidden: shown });
  await mailbox.syncAll();
  expect(await liveUids(mailbox)).toEqual(upTo(30, 21));
  expect(await audited(mailbox)).toEqual({
    verdict: 'not-provable',
    reason: 'message-limit',
    missing: 0,
    serverCount: 83_640,
    flags: ['incomplete', 'partial-view'],
  });
  const [, arrived] = folderOf({
    messages: [
      { uid: 30, raw: '' },
      { uid: 31, raw: mail({ subject: 'new' }) },
    ],
  }).messages;
  if (arrived !== undefined) inbox().messages.push(arrived);
  Object.assign(inbox(), { uidNext: 32, highestModseq: '31' });
  await mailbox.syncAll();
  expect(await liveUids(mailbox)).toEqual(upTo(31, 21));
});

test('where the ways disagree, what each shows is fetched, and the folder is not provable', async () => {
  const mailbox = await connect({
    each: 10,
    exists: 10,
    status: 83_640,
    hidden: { from: ['number', 'uid'], shown: 10 },
  });
  await mailbox.syncAll().catch(() => undefined);
  for (let tried = 0; tried < 3; tried += 1) await mailbox.syncAll().catch(() => undefined);
  expect(await liveUids(mailbox)).toEqual(upTo(30));
  expect(await audited(mailbox)).toMatchObject({ verdict: 'not-provable', reason: 'routes-disagree', missing: 0 });
  expect((await audited(mailbox))?.flags).toContain('partial-view');
});

test('what an audit finds in other ways in a folder that was synced before is fetched by the import', async () => {
  const mailbox = await connect({ each: 10, exists: 10, status: 10, hidden: { from: ['number'], shown: 10 } });
  await mailbox.syncAll();
  expect(await liveUids(mailbox)).toEqual(upTo(30, 21));
  capAnswers(server, { each: 10, exists: 10, status: 30, hidden: { from: ['number'], shown: 10 } });
  expect(await audited(mailbox)).toMatchObject({ verdict: 'missing', missing: 20 });
  await mailbox.syncAll();
  expect(await liveUids(mailbox)).toEqual(upTo(30));
  expect(await audited(mailbox)).toMatchObject({ verdict: 'complete', missing: 0 });
});

const inPartsOf = async (mailbox: TestMailbox) =>
  bench.database.db.inTenant(mailbox.tenantId, async (sql) => {
    const rows = await sql.query<{ inParts: boolean }>(
      'SELECT in_parts AS "inParts" FROM folder_generation WHERE source_id = $1 AND retired_at IS NULL',
      [mailbox.mailboxId],
    );
    return rows.map(({ inParts }) => inParts);
  });

async function withCommands<T>(otherRouteCommands: number, action: () => Promise<T>): Promise<T> {
  const { limits } = bench.context;
  bench.context.limits = { ...limits, otherRouteCommands };
  try {
    return await action();
  } finally {
    bench.context.limits = limits;
  }
}

function foldersOf30(...paths: string[]): Script {
  return { folders: Object.fromEntries(paths.map((path) => [path, { messages: numbered(30) }])) };
}

test('an audit with too few commands forgets nothing of folders in parts, and each has its turn', async () => {
  const mailbox = await connect({ each: 10 }, foldersOf30('INBOX', 'Side', 'Third'));
  await mailbox.syncAll();
  const asked = new Set<string>();
  for (let audits = 0; audits < 60 && asked.size < 3; audits += 1) {
    server.commands.length = 0;
    await withCommands(8, () => audited(mailbox));
    expect(await inPartsOf(mailbox)).toEqual([true, true, true]);
    server.commands.forEach((command, at) => {
      // The first of the other ways.
      if (!command.startsWith('FETCH 26:30 ')) return;
      asked.add(server.commands.slice(0, at).findLast((one) => one.startsWith('EXAMINE')) ?? '');
    });
    expect(server.commands.filter((command) => command.startsWith('FETCH 26:30 '))).toHaveLength(2);
  }
  expect(asked.size).toBe(3);
});

test('an import that has no commands left for a folder leaves it to its next share', async () => {
  const mailbox = await connect(
    { each: 10, hidden: { from: ['number', 'uid', 'date'], shown: 10 } },
    foldersOf30('INBOX', 'B', 'C', 'D', 'E'),
  );
  await mailbox.round();
  capAnswers(server, { each: 10 });
  await withCommands(36, () => mailbox.syncAll());
  expect(await mailbox.ledger()).toHaveLength(150);
});

test('a folder that changes until no commands are left keeps what its first looks have shown', async () => {
  const capped = { each: 10, exists: 10, status: 10, hidden: { from: ['number' as const], shown: 10 } };
  const mailbox = await connect(capped);
  await mailbox.syncAll();
  expect(await liveUids(mailbox)).toEqual(upTo(30, 21));
  capAnswers(server, { ...capped, status: 83_640 });
  const examine = server.on['EXAMINE'];
  let arrives = 3;
  server.on['EXAMINE'] = (context) => {
    if (arrives > 0) inbox().uidNext += 1;
    arrives -= 1;
    examine?.(context);
  };
  expect(await withCommands(90, () => audited(mailbox))).toMatchObject({ verdict: 'not-provable', missing: 20 });
  expect(await inPartsOf(mailbox)).toEqual([true]);
  // What it has seen is not forgotten by one that sees nothing of it.
  expect(await withCommands(1, () => audited(mailbox))).toMatchObject({ verdict: 'not-provable', missing: 20 });
});

test('a start point holds for what only other ways show', async () => {
  const start = { from: 'date' as const, date: new Date(firstDay + 24.5 * dayMs).toISOString() };
  const mailbox = await connect({ each: 10 }, {}, { start });
  await mailbox.syncAll();
  const rows = await mailbox.ledger();
  expect(rows.filter(({ outcome }) => outcome === outcomes.recorded).map(({ uid }) => uid)).toEqual(upTo(30, 26));
  expect(rows.filter(({ reason }) => reason === 'before-start').map(({ uid }) => uid)).toEqual(upTo(25));
});

test('under MESSAGELIMIT all is asked in parts of that size, and nothing is called proven', async () => {
  const capabilities = ['LITERAL+', 'NAMESPACE', 'UNSELECT', 'MESSAGELIMIT=10'];
  const mailbox = await connect({ each: 10 }, { capabilities });
  await mailbox.syncAll();
  expect(await liveUids(mailbox)).toEqual(upTo(30));
  expect(await audited(mailbox)).toMatchObject({
    verdict: 'not-provable',
    reason: 'message-limit',
    missing: 0,
    serverCount: 30,
  });
});

test('a window over the newest 1,000 messages removes none that falls out of it', async () => {
  const messages = Array.from({ length: 1_000 }, (_, at) => ({ uid: at + 1, raw: 'From: a@example.org\r\n\r\n' }));
  const mailbox = await connect(null, { folders: { INBOX: { messages } } }, { start: { from: 'now' } });
  await mailbox.syncAll();
  const { messages: arrived } = folderOf({ messages: [{ uid: 1_001, raw: mail({ subject: 'new' }) }] });
  const folder = inbox();
  folder.messages = [...folder.messages.slice(1), ...arrived];
  Object.assign(folder, { uidNext: 1_002, highestModseq: '1001' });
  await mailbox.round();
  expect(await liveUids(mailbox)).toEqual(upTo(1_001));
  expect(await audited(mailbox)).toMatchObject({ verdict: 'not-provable', reason: 'message-limit' });
});

test('a folder that shows less than it did ends nothing, and what it shows again after it had ended lives', async () => {
  const mailbox = await connect(null);
  await mailbox.syncAll();
  await bench.database.db.inTenant(mailbox.tenantId, (sql) =>
    sql.execute(`UPDATE placement SET presence = 2, presence_at = recorded_at WHERE source_id = $1 AND uid = 29`, [
      mailbox.mailboxId,
    ]),
  );
  capAnswers(server, {
    each: Infinity,
    exists: 10,
    status: 30,
    hidden: { from: ['number', 'uid', 'date'], shown: 10 },
  });
  inbox().highestModseq = '700';
  await mailbox.round();
  expect(await liveUids(mailbox)).toEqual(upTo(30));
});

/** What is removed at the server the next times this command comes. */
function removingOn(command: string, times: number): void {
  let left = times;
  server.on[command] = (context) => {
    if (left > 0) {
      left -= 1;
      inbox().messages.pop();
      inbox().highestModseq = String(900 - left);
    }
    context.usual();
  };
}

test('mail that goes between the sweep of an audit and its look at the folder is no partial view', async () => {
  const mailbox = await connect(null);
  await mailbox.syncAll();
  removingOn('EXAMINE', 1);
  const audit = await audited(mailbox);
  expect(audit).toMatchObject({ serverCount: 29, reason: null });
  expect(audit?.flags).not.toContain('partial-view');
});

test('a folder from which mail goes at each look is not settled, and no partial view', async () => {
  const mailbox = await connect(null);
  await mailbox.syncAll();
  removingOn('EXAMINE', 20);
  const audit = await audited(mailbox);
  expect(audit).toMatchObject({ verdict: 'not-provable', reason: 'count-differs' });
  expect(audit?.flags).not.toContain('partial-view');
  await mailbox.round();
  expect(await liveUids(mailbox)).toEqual(upTo(30));
  delete server.on['EXAMINE'];
  await mailbox.round();
  expect(await liveUids(mailbox)).toEqual(upTo(inbox().messages.length));
});

test('ways that agree while EXISTS goes down are no limit', async () => {
  const mailbox = await connect(null);
  await mailbox.syncAll();
  let told = 30;
  const oneLess = (context: CommandContext) => {
    told -= 1;
    context.send(`* ${String(told)} EXISTS`);
    for (const { uid } of inbox().messages) context.sendRow(uid);
    context.ok();
  };
  Object.assign(server.on, {
    'UID SEARCH': (context: CommandContext) => {
      context.send('* 31 EXISTS');
      context.usual();
    },
    'UID FETCH': oneLess,
    FETCH: oneLess,
  });
  const open = await openMailbox(server.access(), {
    hostRules: { allowedNetworks: ['127.0.0.0/8'] },
    connectTimeoutMs: 5_000,
    socketTimeoutMs: 5_000,
  });
  const folder = await open.examine('INBOX');
  expect(await folder.listUids()).toMatchObject({ proven: false, reason: 'count-differs' });
  await open.close();
});

test('a folder that goes on showing a part while mail arrives is a partial view still', async () => {
  const shown = { from: ['number' as const, 'uid' as const, 'date' as const], shown: 10 };
  const capped = { each: Infinity, exists: 10, status: 83_640, hidden: shown };
  const mailbox = await connect(capped);
  await mailbox.syncAll();
  const examine = server.on['EXAMINE'];
  let arrives = 1;
  server.on['EXAMINE'] = (context) => {
    if (arrives > 0) inbox().uidNext += 1;
    arrives -= 1;
    examine?.(context);
  };
  expect(await audited(mailbox)).toMatchObject({ reason: 'message-limit', flags: ['incomplete', 'partial-view'] });
});
