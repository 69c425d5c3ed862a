import { outcomes, presences } from '../../src/domain/ledger';
import { auditOf } from '../support/audit-of';
import { mail } from '../support/mail-factory';
import { folderOf, type ScriptedFolder } from '../support/scripted-imap-folder';
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
  bench.context.now = Date.now;
  await bench.context.connections.closeAll();
  await server.stop();
});

const numbered = (uids: number[], subject = 'number') =>
  uids.map((uid) => ({
    uid,
    raw: mail({ subject: `${subject} ${String(uid)}` }),
    emailId: `${subject}${String(uid)}`,
    internalDate: new Date(1_767_000_000_000 + (uid % 1_000_000) * 1_000),
  }));

function folder(path: string): ScriptedFolder {
  const found = server.folders.get(path);
  if (found === undefined) throw new Error('no such folder');
  return found;
}

function change(path: string, uids: (uids: number[]) => number[], flags: string[] = []): void {
  const before = folder(path);
  const after = folderOf({
    ...{ uidValidity: before.uidValidity, mailboxId: before.mailboxId },
    highestModseq: String(Number(before.highestModseq ?? 1) + 100),
    messages: numbered(uids(before.messages.map(({ uid }) => uid))).map((message) => ({
      ...message,
      flags,
      modseq: Number(before.highestModseq ?? 1) + 50,
    })),
  });
  server.folders.set(path, { ...after, uidNext: Math.max(before.uidNext, after.uidNext) });
}

const rich = ['LITERAL+', 'ENABLE', 'UIDPLUS', 'CONDSTORE', 'NAMESPACE', 'UNSELECT', 'LIST-EXTENDED', 'LIST-STATUS'];
const servers: [string, string[]][] = [
  ['of today', [...rich, 'OBJECTID', 'SPECIAL-USE', 'MOVE', 'IDLE']],
  ['of Gmail', [...rich, 'X-GM-EXT-1', 'SPECIAL-USE', 'MOVE', 'IDLE']],
  ['that can do nothing beyond IMAP4rev1', []],
];

/** All that a FETCH may ask for: what the ledger needs, and bytes. A server makes ENVELOPE and BODYSTRUCTURE by parsing the message. */
const askedFor =
  /^(UID|FLAGS|INTERNALDATE|RFC822\.SIZE|MODSEQ|EMAILID|THREADID|X-GM-(MSGID|THRID|LABELS)|BODY\.PEEK\[(HEADER(\.FIELDS \(message-id\))?)?\](<\d+\.\d+>)?)$/i;

function itemsAsked(): string[] {
  return server.commands.flatMap((command) => {
    const [, , list = ''] = /^(UID )?FETCH \S+ \(?(.*?)\)?( \(CHANGEDSINCE \d+\))?$/i.exec(command) ?? [];
    return list === '' ? [] : (list.match(/BODY\.PEEK\[[^\]]*\](<[^>]*>)?|[^\s()]+/gi) ?? []);
  });
}

const recorded = async (mailbox: TestMailbox) =>
  (await mailbox.ledger())
    .filter(({ outcome, presence }) => outcome === outcomes.recorded && presence === presences.live)
    .map(({ uid }) => uid);

test.each(servers)(
  'in the whole life of a mailbox a server %s is asked for nothing that it must parse a message for',
  async (_, capabilities) => {
    const big = { ...numbered([8])[0], uid: 8, raw: mail({ subject: 'big', text: 'x'.repeat(9_000_000) }) };
    const huge = { ...numbered([9])[0], uid: 9, raw: mail({ subject: 'huge', text: 'x'.repeat(12_000_000) }) };
    const older = { uid: 1, raw: mail({ subject: 'left out' }), internalDate: new Date('2020-01-01') };
    server = await startScriptedServer({
      capabilities,
      folders: {
        INBOX: { messages: [...numbered([3, 4, 5, 6, 7]), big, huge] },
        Archive: { messages: [older], mailboxId: 'F1' },
      },
    });
    const mailbox = await bench.connect({
      ...{ port: server.port, user: 'somebody', withoutPerson: true },
      policy: {
        ...{ start: { from: 'date', date: '2025-06-01' }, removals: 'mirror', removalGraceSeconds: 0, markSeen: true },
        maxMessageBytes: 10_000_000,
      },
    });
    await mailbox.syncAll();
    // One that the server does not deliver, new mail, flags, a removal, a move, a rename, a new UIDVALIDITY, an audit.
    server.on['UID FETCH'] = (context) => {
      if (context.args.includes('BODY.PEEK[]') && /^5\b|[,:]5\b/.test(context.args))
        context.no('[UNAVAILABLE] not this one');
      else context.usual();
    };
    change('INBOX', (uids) => [...uids.filter((uid) => uid < 8), 20, 21], ['\\Seen']);
    await mailbox.syncAll().catch(() => undefined);
    change('INBOX', (uids) => uids.filter((uid) => uid !== 3 && uid !== 4));
    folder('Archive').messages.push(...folderOf({ messages: numbered([4]) }).messages);
    folder('Archive').uidNext = 5;
    await mailbox.syncAll().catch(() => undefined);
    server.folders.set('Files', folder('Archive'));
    server.folders.delete('Archive');
    bench.context.now = () => Date.now() + 660_000;
    await mailbox.syncAll().catch(() => undefined);
    delete server.on['UID FETCH'];
    folder('INBOX').uidValidity = '77';
    await mailbox.syncAll();
    await auditOf(bench, mailbox);
    await mailbox.syncAll();
    expect(await recorded(mailbox)).toEqual(expect.arrayContaining([4, 5, 6, 7, 20, 21]));
    const asked = itemsAsked();
    expect(asked.filter((item) => !askedFor.test(item))).toEqual([]);
    expect(new Set(asked.map((item) => item.replace(/<.*/, '').toUpperCase()))).toEqual(
      new Set([...asked.map((item) => item.replace(/<.*/, '').toUpperCase()), 'BODY.PEEK[]', 'BODY.PEEK[HEADER]']),
    );
    expect(
      server.commands.filter((command) =>
        /ENVELOPE|BODYSTRUCTURE|\bBODY\b(?!\.PEEK)|\bFAST\b|\bALL\)|\bFULL\b/.test(command),
      ),
    ).toEqual([]);
  },
);

test('UIDs with gaps up to the highest that there can be are recorded, each once', async () => {
  const uids = [1, 5, 70_000, 4_000_000_000, 4_294_967_294];
  server = await startScriptedServer({ capabilities: [], folders: { INBOX: { messages: numbered(uids) } } });
  const mailbox = await bench.connect({ port: server.port, user: 'somebody', withoutPerson: true });
  await mailbox.syncAll();
  expect(await recorded(mailbox)).toEqual(uids);
  folder('INBOX').messages.splice(2, 1);
  await mailbox.syncAll();
  expect(await recorded(mailbox)).toEqual(uids.filter((uid) => uid !== 70_000));
});

test.each([
  ['its size', 'RFC822.SIZE'],
  ['its bytes', 'BODY.PEEK[]'],
])(
  'a message that is expunged between the listing and the question for %s holds the folder up in no round',
  async (_, item) => {
    server = await startScriptedServer({ capabilities: [], folders: { INBOX: { messages: numbered([1, 2, 3, 4]) } } });
    const mailbox = await bench.connect({ port: server.port, user: 'somebody', withoutPerson: true });
    server.on['UID FETCH'] = (context) => {
      if (context.args.includes(item) && folder('INBOX').messages.length === 4) folder('INBOX').messages.splice(1, 1);
      context.usual();
    };
    await mailbox.syncAll();
    expect(await recorded(mailbox)).toEqual([1, 3, 4]);
    expect(await mailbox.round()).toMatchObject({ kind: 'done' });
    expect((await mailbox.ledger()).map(({ uid }) => uid)).toEqual([1, 3, 4]);
  },
);

test('a NUL in a subject is in no row: neither of a message that can be read, nor of the failure of one that cannot', async () => {
  const header = 'From: a@corp.example\r\nSubject: a\0b\r\n';
  const parts = '--b\r\nContent-Type: text/plain\r\n\r\nx\r\n'.repeat(1_100);
  const raws = [
    `${header}\r\ntext\0\r\n`,
    `${header}MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n${parts}--b--\r\n`,
  ];
  const messages = raws.map((raw, at) => ({ uid: at + 1, raw }));
  server = await startScriptedServer({ folders: { INBOX: { messages } } });
  const mailbox = await bench.connect({ port: server.port, user: 'somebody', withoutPerson: true });
  await mailbox.syncAll();
  expect((await mailbox.ledger()).map(({ outcome }) => outcome)).toEqual([outcomes.recorded, outcomes.parked]);
  const rows = await bench.database.db.inTenant(mailbox.tenantId, (sql) =>
    sql.query('SELECT subject, (SELECT detail FROM failure) AS detail FROM message_subject'),
  );
  expect(rows).toEqual([{ subject: 'ab', detail: { maxParts: expect.any(Number) as number } }]);
});
