import { outcomes, presences } from '../../src/domain/ledger';
import type { Policy } from '../../src/domain/policy';
import { mail } from '../support/mail-factory';
import { aRecord } from '../support/mail-rows';
import { folderOf, type FolderWish, type ScriptedFolder } from '../support/scripted-imap-folder';
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

const subjects = ['one', 'two', 'three'];
const messages = subjects.map((subject, at) => ({
  uid: at + 1,
  raw: mail({ subject, from: 'ada@customer.example' }),
  emailId: String(1_000 + at),
  internalDate: new Date(Date.UTC(2026, 0, at + 1)),
}));

const query = <Row extends object>({ tenantId }: TestMailbox, text: string, values: unknown[] = []) =>
  bench.database.db.inTenant(tenantId, (sql) => sql.query<Row>(text, values));

function folder(path: string): ScriptedFolder {
  const found = server.folders.get(path);
  if (found === undefined) throw new Error('no such folder');
  return found;
}

/** Rounds and import, and the removals that are due then. */
async function settle(mailbox: TestMailbox): Promise<void> {
  await mailbox.syncAll();
  await mailbox.syncAll();
  await query(mailbox, 'UPDATE removal SET due_at = now() RETURNING 1');
  await mailbox.syncAll();
}

interface Linked {
  mailbox: TestMailbox;
  /** What must not change: messages with their copies, links with their reasons, places in timelines. */
  state: () => Promise<unknown>;
}

const work = (): FolderWish => ({ uidValidity: '7', messages });

/** A mirrored mailbox with mail in Work: linked by its address, the first by hand too, the second not any more. */
async function linked(wish: { capabilities: string[]; policy?: Partial<Policy>; path?: string }): Promise<Linked> {
  const { path = 'Work' } = wish;
  server = await startScriptedServer({ capabilities: wish.capabilities, folders: { [path]: work() } });
  const policy: Partial<Policy> = { removals: 'mirror', removalGraceSeconds: 0, ...wish.policy };
  const mailbox = await bench.connect({ port: server.port, user: 'somebody', withoutPerson: true, policy });
  await aRecord(bench.database.db, mailbox.tenantId, { addresses: ['ada@customer.example'] });
  await mailbox.syncAll();
  await query(
    mailbox,
    `INSERT INTO link_reason (tenant_id, link_id, kind, key, actor, record_version)
     SELECT l.tenant_id, l.id, 'person', 'usr_1', 'usr_1', 1 FROM link l JOIN message_subject s USING (tenant_id, message_id)
     WHERE s.subject = 'one' RETURNING 1`,
  );
  await query(
    mailbox,
    `UPDATE link l SET state = 'suppressed' FROM message_subject s
     WHERE s.tenant_id = l.tenant_id AND s.message_id = l.message_id AND s.subject = 'two' RETURNING 1`,
  );
  const state = () =>
    query(
      mailbox,
      `SELECT (SELECT jsonb_agg(c ORDER BY c.id) FROM copy c) AS copies, (SELECT jsonb_agg(l ORDER BY l.id) FROM link l) AS links,
         (SELECT jsonb_agg(r ORDER BY r.link_id, r.kind) FROM link_reason r) AS reasons, (SELECT count(*) FROM timeline) AS places,
         (SELECT jsonb_agg(o.ids ORDER BY o.seq) FROM outbox o WHERE o.type IN ('message.recorded', 'message.removed')) AS events,
         (SELECT count(*) FROM removal) AS removals`,
    );
  expect((await mailbox.ledger()).map(({ outcome }) => outcome)).toEqual(subjects.map(() => outcomes.recorded));
  return { mailbox, state };
}

const bodiesAsked = () => server.commands.filter((command) => command.includes('BODY.PEEK[]')).length;
const live = async (mailbox: TestMailbox) =>
  (await mailbox.ledger()).filter(({ presence }) => presence === presences.live);

const good = ['LITERAL+', 'ENABLE', 'UIDPLUS', 'CONDSTORE', 'NAMESPACE', 'UNSELECT', 'MOVE', 'IDLE', 'LIST-STATUS'];
const servers: [string, { capabilities: string[]; tells: boolean }][] = [
  ['knows mail by EMAILID', { capabilities: [...good, 'OBJECTID'], tells: true }],
  ['knows mail by X-GM-MSGID', { capabilities: [...good, 'X-GM-EXT-1'], tells: true }],
  ['knows mail by nothing', { capabilities: good, tells: false }],
  ['can do nothing beyond IMAP4rev1', { capabilities: [], tells: false }],
];

/** The same mail under other UIDs, in another order. */
function renumbered(of: ScriptedFolder, uidValidity: string): ScriptedFolder {
  const all = [...of.messages].reverse().map((message, at) => ({ ...message, uid: at + 11, modseq: at + 50 }));
  return folderOf({ uidValidity, messages: all });
}

function rename(from: string, to: string): void {
  server.folders.set(to, folder(from));
  server.folders.delete(from);
}

describe.each(servers)('on a server that %s', (_, { capabilities, tells }) => {
  test('a new UIDVALIDITY maps known mail to new placements: nothing is doubled or removed, links survive', async () => {
    const { mailbox, state } = await linked({ capabilities });
    const before = await state();
    const asked = bodiesAsked();
    server.folders.set('Work', renumbered(folder('Work'), '8'));
    await settle(mailbox);
    expect(await state()).toEqual(before);
    expect((await live(mailbox)).map(({ uidValidity, uid }) => [uidValidity, uid])).toEqual([
      ['8', 11],
      ['8', 12],
      ['8', 13],
    ]);
    expect(bodiesAsked() - asked).toBe(tells ? 0 : 1);
  });

  test('mail that was recorded and is older than the start point is mapped by a new UIDVALIDITY too', async () => {
    const { mailbox, state } = await linked({ capabilities });
    await query(mailbox, `UPDATE source SET policy = jsonb_set(policy, '{start}', '{"from": "now"}') RETURNING 1`);
    const before = await state();
    const again = renumbered(folder('Work'), '8');
    const older = { uid: 9, raw: mail({ subject: 'left out' }), internalDate: new Date('2020-01-01') };
    server.folders.set('Work', folderOf({ uidValidity: '8', messages: [older, ...again.messages] }));
    await settle(mailbox);
    expect(await state()).toEqual(before);
    expect((await live(mailbox)).map(({ uid, reason }) => [uid, reason])).toEqual([
      [9, 'before-start'],
      [11, null],
      [12, null],
      [13, null],
    ]);
  });

  test('with `keep`, likewise', async () => {
    const { mailbox, state } = await linked({ capabilities, policy: { removals: 'keep' } });
    await query(mailbox, `UPDATE source SET policy = jsonb_set(policy, '{start}', '{"from": "now"}') RETURNING 1`);
    const before = await state();
    server.folders.set('Work', renumbered(folder('Work'), '8'));
    await settle(mailbox);
    expect(await state()).toEqual(before);
    expect((await live(mailbox)).map(({ uid, outcome }) => [uid, outcome])).toEqual(
      [11, 12, 13].map((uid) => [uid, outcomes.recorded]),
    );
  });

  test.each<[string, () => void]>([
    [
      'is renamed',
      () => {
        rename('Work', 'Customers');
      },
    ],
    [
      'is renamed and another of its name is made',
      () => {
        rename('Work', 'Customers');
        server.folders.set('Work', folderOf({ uidValidity: '9' }));
      },
    ],
    [
      'is deleted and made again with the same mail',
      () => {
        server.folders.set('Work', renumbered(folder('Work'), '9'));
      },
    ],
    [
      'is deleted, and its mail put into a new one',
      () => {
        server.folders.set('Other', renumbered(folder('Work'), '9'));
        server.folders.delete('Work');
      },
    ],
  ])('a folder that %s loses and doubles nothing, and its mail keeps its links', async (_what, change) => {
    const { mailbox, state } = await linked({ capabilities });
    const before = await state();
    change();
    await settle(mailbox);
    expect(await state()).toEqual(before);
    expect(await live(mailbox)).toHaveLength(3);
  });

  test('a folder that becomes unselectable, and is back within the grace, is as it was', async () => {
    const { mailbox, state } = await linked({ capabilities, policy: { removalGraceSeconds: 600 } });
    const before = await state();
    const all = folder('Work');
    server.folders.set('Work', folderOf({ attributes: ['\\Noselect'] }));
    await mailbox.syncAll();
    expect((await mailbox.ledger()).map(({ presence }) => presence)).toEqual(subjects.map(() => presences.tombstoned));
    server.folders.set('Work', all);
    await bench.context.connections.closeAll();
    await settle(mailbox);
    expect(await state()).toEqual(before);
    expect((await live(mailbox)).map(({ uidValidity, uid }) => [uidValidity, uid])).toEqual([
      ['7', 1],
      ['7', 2],
      ['7', 3],
    ]);
  });

  test('a namespace with another prefix and delimiter changes the names of folders, and nothing else', async () => {
    const { mailbox, state } = await linked({ capabilities, path: 'Work/Customers' });
    const before = await state();
    const asked = bodiesAsked();
    rename('Work/Customers', 'INBOX.Work.Customers');
    Object.assign(server.on, {
      LIST: (context: { send: (...parts: (string | Buffer)[]) => void; usual: () => void }) => {
        const { send } = context;
        context.send = (...parts) => {
          send(...parts.map((part) => (typeof part === 'string' ? part.replace('"/"', '"."') : part)));
        };
        context.usual();
      },
    });
    await bench.context.connections.closeAll();
    await settle(mailbox);
    expect(await state()).toEqual(before);
    expect((await mailbox.ledger()).map((row) => [row.folder, row.uid])).toEqual(
      [1, 2, 3].map((uid) => ['INBOX.Work.Customers', uid]),
    );
    expect(bodiesAsked()).toBe(asked);
  });
});
