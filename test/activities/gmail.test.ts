import { heldCopies } from '../../src/db/messages-copies';
import { outcomes, presences } from '../../src/domain/ledger';
import { auditOf } from '../support/audit-of';
import { mail } from '../support/mail-factory';
import { folderOf, type MessageWish, type ScriptedFolder } from '../support/scripted-imap-folder';
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

const capabilities = [
  'LITERAL+',
  'ENABLE',
  'UIDPLUS',
  'CONDSTORE',
  'NAMESPACE',
  'UNSELECT',
  'SPECIAL-USE',
  'X-GM-EXT-1',
];
const allMail = '[Gmail]/All Mail';

/** A message of Gmail: in the folder of all mail, and under another UID in that of each label. */
function gmailMessage(number: number, labels: string[]): MessageWish {
  const raw = mail({ subject: `number ${String(number)}` });
  return { uid: number, raw, labels, emailId: `17${String(number)}`, threadId: '99' };
}

const inAll = [gmailMessage(1, ['\\Inbox', 'Kunden']), gmailMessage(2, ['\\Sent']), gmailMessage(3, ['Kunden'])];
const asLabel = (of: MessageWish[]) => of.map((message, at) => ({ ...message, uid: at + 11 }));

function gmailFolders() {
  return {
    INBOX: { uidValidity: '1', messages: asLabel(inAll.slice(0, 1)) },
    Kunden: { uidValidity: '2', messages: asLabel([inAll[0], inAll[2]].flatMap((message) => message ?? [])) },
    '[Gmail]': { attributes: ['\\Noselect'] },
    [allMail]: { uidValidity: '3', attributes: ['\\All'], messages: inAll },
    '[Gmail]/Sent Mail': { uidValidity: '4', attributes: ['\\Sent'], messages: asLabel(inAll.slice(1, 2)) },
    '[Gmail]/Trash': { uidValidity: '5', attributes: ['\\Trash'], messages: asLabel([gmailMessage(7, [])]) },
  };
}

async function connect(folders: Parameters<typeof startScriptedServer>[0] = {}): Promise<TestMailbox> {
  server = await startScriptedServer({ capabilities, folders: gmailFolders(), ...folders });
  const mailbox = await bench.connect({ port: server.port, user: 'somebody', withoutPerson: true });
  await mailbox.syncAll();
  return mailbox;
}

function folder(path: string): ScriptedFolder {
  const found = server.folders.get(path);
  if (found === undefined) throw new Error('no such folder');
  return found;
}

const live = async (mailbox: TestMailbox) =>
  (await mailbox.ledger()).filter(({ presence }) => presence === presences.live);
const bodiesAsked = () => server.commands.filter((command) => command.includes('BODY.PEEK')).length;

async function flagsOf(mailbox: TestMailbox): Promise<string[]> {
  const [row] = await bench.database.db.inTenant(mailbox.tenantId, (sql) =>
    sql.query<{ flags: string[] }>('SELECT flags FROM mailbox WHERE source_id = $1', [mailbox.mailboxId]),
  );
  return row?.flags ?? [];
}

async function labelsByUid(mailbox: TestMailbox): Promise<Record<number, string[]>> {
  const rows = await bench.database.db.inTenant(mailbox.tenantId, (sql) =>
    sql.query<{ uid: number; labels: string[] }>(
      'SELECT uid, labels FROM placement WHERE copy_id IS NOT NULL ORDER BY uid',
    ),
  );
  return Object.fromEntries(rows.map(({ uid, labels }) => [uid, labels]));
}

test('the folder of all mail is the one that is fetched; Trash has rows, labels have none', async () => {
  const mailbox = await connect();
  expect((await live(mailbox)).map((row) => [row.folder, row.uid, row.outcome])).toEqual([
    [allMail, 1, outcomes.recorded],
    [allMail, 2, outcomes.recorded],
    [allMail, 3, outcomes.recorded],
    ['[Gmail]/Trash', 11, outcomes.filtered],
  ]);
  expect(server.commands.filter((command) => /EXAMINE "?(INBOX|Kunden)/.test(command))).toEqual([]);
  expect(await flagsOf(mailbox)).toEqual([]);
});

test('labels are those that the server tells, and follow it', async () => {
  const mailbox = await connect();
  expect(await labelsByUid(mailbox)).toEqual({ 1: ['Kunden', '\\Inbox'], 2: ['\\Sent'], 3: ['Kunden'] });
  const [first, , third] = folder(allMail).messages;
  if (first === undefined || third === undefined) throw new Error('no messages');
  Object.assign(first, { labels: ['Kunden', 'Wichtig'], modseq: 50 });
  Object.assign(third, { labels: [], modseq: 51 });
  folder(allMail).highestModseq = '51';
  const asked = bodiesAsked();
  await mailbox.round();
  expect(await labelsByUid(mailbox)).toEqual({ 1: ['Kunden', 'Wichtig'], 2: ['\\Sent'], 3: [] });
  expect(bodiesAsked()).toBe(asked);
});

test('a label that no database stores is kept without what it cannot store, and holds up no message', async () => {
  // NUL and half a surrogate pair, in modified UTF-7 (RFC 3501 5.1.3).
  const odd = gmailMessage(4, ['Kun&AAA-den', '&2AA-Wichtig']);
  const mailbox = await connect({
    folders: { ...gmailFolders(), [allMail]: { uidValidity: '3', attributes: ['\\All'], messages: [...inAll, odd] } },
  });
  expect((await labelsByUid(mailbox))[4]).toEqual(['Kunden', 'Wichtig']);
  const [first] = folder(allMail).messages;
  if (first === undefined) throw new Error('no messages');
  Object.assign(first, { labels: ['&2AA-Neu', 'Al&AAA-t'], modseq: 50 });
  folder(allMail).highestModseq = '50';
  await mailbox.round();
  expect((await labelsByUid(mailbox))[1]).toEqual(['Alt', 'Neu']);
});

test('a label that is named is a folder of its own, and its mail is not fetched twice', async () => {
  const mailbox = await connect();
  const asked = bodiesAsked();
  await bench.database.db.inTenant(mailbox.tenantId, (sql) =>
    sql.execute(`UPDATE source SET policy = jsonb_set(policy, '{folders,include}', '["Kunden"]') WHERE id = $1`, [
      mailbox.mailboxId,
    ]),
  );
  await mailbox.syncAll();
  const kunden = (await live(mailbox)).filter((row) => row.folder === 'Kunden');
  expect(kunden.map(({ uid }) => uid)).toEqual([11, 12]);
  expect(bodiesAsked()).toBe(asked);
});

describe('where the folder of all mail is hidden', () => {
  const hidden = () => {
    const { [allMail]: all, ...folders } = gmailFolders();
    return { folders, all };
  };

  test('the other folders are fetched, each message once, and the mailbox says partial-view', async () => {
    const mailbox = await connect({ folders: hidden().folders });
    const rows = (await live(mailbox)).filter(({ outcome }) => outcome === outcomes.recorded);
    expect(rows.map((row) => row.folder)).toEqual(['INBOX', 'Kunden', 'Kunden', '[Gmail]/Sent Mail']);
    expect(new Set(rows.map(({ copyId }) => copyId)).size).toBe(3);
    expect(await flagsOf(mailbox)).toEqual(['partial-view']);
  });

  test('an audit says so too, also after the mailbox has lost the flag', async () => {
    const mailbox = await connect({ folders: hidden().folders });
    await auditOf(bench, mailbox);
    expect(await flagsOf(mailbox)).toEqual(['partial-view']);
    await bench.database.db.inTenant(mailbox.tenantId, (sql) => sql.execute(`UPDATE mailbox SET flags = '{}'`));
    await mailbox.round();
    expect(await flagsOf(mailbox)).toEqual(['partial-view']);
  });

  test('and is shown later, nothing is fetched again, and the mailbox no longer says so', async () => {
    const mailbox = await connect({ folders: hidden().folders });
    const asked = bodiesAsked();
    server.folders.set(allMail, folderOf(hidden().all));
    await mailbox.syncAll();
    const rows = (await live(mailbox)).filter((row) => row.folder === allMail);
    expect(rows.map(({ outcome }) => outcome)).toEqual([1, 2, 3].map(() => outcomes.recorded));
    expect(bodiesAsked()).toBe(asked);
    expect(await flagsOf(mailbox)).toEqual([]);
  });
});

test('where the folder of all mail is shown in part, rounds leave the flag that an audit has set', async () => {
  const mailbox = await connect({
    on: {
      STATUS: (context) => {
        const { send } = context;
        context.send = (...parts) => {
          send(...parts.map((part) => String(part).replace('MESSAGES 3', 'MESSAGES 9000')));
        };
        context.usual();
      },
    },
  });
  await auditOf(bench, mailbox);
  expect(await flagsOf(mailbox)).toContain('partial-view');
  await mailbox.round();
  expect(await flagsOf(mailbox)).toContain('partial-view');
});

test('whoever holds the copy sees its labels', async () => {
  const mailbox = await connect();
  const [row] = await mailbox.ledger();
  const copies = await bench.database.db.inTenant(mailbox.tenantId, (sql) =>
    heldCopies(sql, { tenantId: mailbox.tenantId, userId: null, principal: 0 }, [row?.messageId ?? '']),
  );
  expect(copies[0]?.placements[0]?.labels).toEqual(['Kunden', '\\Inbox']);
});
