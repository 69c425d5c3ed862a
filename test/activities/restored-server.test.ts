import { presences } from '../../src/domain/ledger';
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
  await bench.context.connections.closeAll();
  await server.stop();
});

const old = messagesOf(1, 30, 'old');

function messagesOf(from: number, to: number, subject: string) {
  return Array.from({ length: to - from + 1 }, (_, at) => ({
    uid: from + at,
    raw: mail({ subject: `${subject} ${String(from + at)}` }),
    internalDate: new Date((subject === 'old' ? 1_767_000_000_000 : 1_768_000_000_123) + at * 61_000),
  }));
}

const inbox = (): ScriptedFolder => {
  const found = server.folders.get('INBOX');
  if (found === undefined) throw new Error('no INBOX');
  return found;
};

/** The server is put back to an older state, and new mail takes the UIDs of mail that came after that. */
function restore(backup: {
  last: number;
  fresh: ReturnType<typeof messagesOf>;
  uidNext?: number;
  highestModseq?: string;
}): void {
  const kept = old.filter(({ uid }) => uid <= backup.last);
  const { fresh, uidNext, highestModseq = '29' } = backup;
  server.folders.set(
    'INBOX',
    folderOf({ messages: [...kept, ...fresh], ...(uidNext === undefined ? {} : { uidNext }), highestModseq }),
  );
}

async function connect(): Promise<TestMailbox> {
  server = await startScriptedServer({ folders: { INBOX: { messages: old, highestModseq: '30' } } });
  const mailbox = await bench.connect({ port: server.port, user: 'somebody', withoutPerson: true });
  await mailbox.syncAll();
  return mailbox;
}

const live = async (mailbox: TestMailbox) =>
  (await mailbox.ledger()).filter(({ presence }) => presence === presences.live);

/** Every message that was ever shown has one copy, and what is live is what the server shows. */
async function expectWhole(mailbox: TestMailbox, copies: number): Promise<void> {
  expect((await live(mailbox)).map(({ uid }) => uid)).toEqual(inbox().messages.map(({ uid }) => uid));
  expect(new Set((await mailbox.ledger()).map(({ copyId }) => copyId)).size).toBe(copies);
}

describe('after a restore of the server from backup', () => {
  test.each([1, 2, 5])('%d new messages under the UIDs of lost ones are recorded', async (count) => {
    const mailbox = await connect();
    restore({ last: 20, fresh: messagesOf(21, 20 + count, 'new') });
    await mailbox.syncAll();
    await expectWhole(mailbox, 30 + count);
  });

  test('mail that comes later under the UIDs of lost mail is recorded', async () => {
    const mailbox = await connect();
    restore({ last: 28, fresh: [] });
    await mailbox.syncAll();
    await expectWhole(mailbox, 30);
    restore({ last: 28, fresh: messagesOf(29, 29, 'new') });
    await mailbox.syncAll();
    await expectWhole(mailbox, 31);
  });

  test('more new messages than were lost are recorded, all of them', async () => {
    const mailbox = await connect();
    restore({ last: 28, fresh: messagesOf(29, 31, 'new') });
    await mailbox.syncAll();
    await expectWhole(mailbox, 33);
  });

  test('a second restore does not take the first generation for the one that is there', async () => {
    const mailbox = await connect();
    restore({ last: 29, fresh: messagesOf(30, 30, 'new') });
    await mailbox.syncAll();
    restore({ last: 28, fresh: messagesOf(29, 29, 'newer') });
    await mailbox.syncAll();
    await expectWhole(mailbox, 32);
  });

  test('the links of mail that was there before are those it had', async () => {
    const mailbox = await connect();
    const before = new Map((await live(mailbox)).map(({ uid, messageId }) => [uid, messageId]));
    restore({ last: 20, fresh: messagesOf(21, 22, 'new') });
    await mailbox.syncAll();
    const kept = (await live(mailbox)).filter(({ uid }) => uid <= 20);
    expect(kept.map(({ messageId }) => messageId)).toEqual(kept.map(({ uid }) => before.get(uid)));
  });
});

describe('after a restore that new mail has overtaken before anybody looked', () => {
  const findings = (mailbox: TestMailbox) =>
    bench.database.db.inTenant(mailbox.tenantId, (sql) =>
      sql.query<{ kind: string; uids: number[]; healed: boolean }>(
        'SELECT kind, uids, healed_at IS NOT NULL AS healed FROM audit_finding WHERE source_id = $1',
        [mailbox.mailboxId],
      ),
    );

  test.each([40, 80])('an audit finds the reused UIDs, and the next round fetches them: up to UID %d', async (last) => {
    const mailbox = await connect();
    restore({ last: 28, fresh: messagesOf(29, last, 'new'), highestModseq: '99' });
    await mailbox.syncAll();
    await auditOf(bench, mailbox);
    expect(await findings(mailbox)).toEqual([{ kind: 'missing', uids: [29, 30], healed: false }]);
    await mailbox.syncAll();
    await expectWhole(mailbox, last + 2);
    await auditOf(bench, mailbox);
    expect(await findings(mailbox)).toEqual([{ kind: 'missing', uids: [29, 30], healed: true }]);
  });

  test('an audit that nobody asked for finds them in a folder whose sizes it does not ask for', async () => {
    const mailbox = await connect();
    restore({ last: 28, fresh: messagesOf(29, 60, 'new'), highestModseq: '99' });
    await mailbox.syncAll();
    await auditOf(bench, mailbox, 'outage');
    expect(await findings(mailbox)).toEqual([{ kind: 'missing', uids: [29, 30], healed: false }]);
  });

  test('the round that ends an outage finds them itself', async () => {
    const mailbox = await connect();
    restore({ last: 28, fresh: messagesOf(29, 40, 'new'), highestModseq: '99' });
    await bench.database.db.inTenant(mailbox.tenantId, (sql) =>
      sql.execute(
        `UPDATE mailbox SET state = 'backing-off', down_since = now() - interval '2 hours' WHERE source_id = $1`,
        [mailbox.mailboxId],
      ),
    );
    await mailbox.syncAll();
    await expectWhole(mailbox, 42);
  });
});

test('daily audits compare all messages of a big folder, a part each time, and say how far they are', async () => {
  const date = new Date('2026-01-02T03:04:05Z');
  const messages = Array.from({ length: 2_500 }, (_, at) => ({
    uid: at + 1,
    raw: 'Subject: x\r\n\r\n',
    internalDate: date,
  }));
  server = await startScriptedServer({ folders: { INBOX: { messages } } });
  const policy = { start: { from: 'now' as const } };
  const mailbox = await bench.connect({ port: server.port, user: 'somebody', withoutPerson: true, policy });
  await mailbox.syncAll();
  const { db } = bench.database;
  // Message 700 is not the one that was there.
  await db.inTenant(mailbox.tenantId, (sql) =>
    sql.execute(
      `UPDATE placement SET size = 14, internal_date = $2::timestamptz - CASE WHEN uid = 700 THEN interval '1 hour 7 minutes' ELSE interval '0' END
       WHERE source_id = $1`,
      [mailbox.mailboxId, date.toISOString()],
    ),
  );
  await db.inTenant(mailbox.tenantId, (sql) =>
    sql.execute('UPDATE folder_generation SET identity_uid = 1000 WHERE source_id = $1', [mailbox.mailboxId]),
  );
  const audited = async () => {
    await auditOf(bench, mailbox, 'daily');
    const rows = await db.inTenant(mailbox.tenantId, (sql) =>
      sql.query<{ compared: number; missing: number[]; whole: boolean; next: number }>(
        `SELECT identities_compared AS compared, missing, identities_whole_at IS NOT NULL AS whole, g.identity_uid AS next
         FROM folder_audit a JOIN folder_generation g ON g.folder_id = a.folder_id WHERE a.source_id = $1`,
        [mailbox.mailboxId],
      ),
    );
    return rows[0];
  };
  expect(await audited()).toEqual({ compared: 1_500, missing: [], whole: true, next: 0 });
  expect(await audited()).toEqual({ compared: 2_000, missing: [700], whole: true, next: 1_000 });
});

test('the same bytes under two provider ids are no sign of a restore', async () => {
  const raw = mail({ subject: 'delivered twice' });
  const messages = [
    { uid: 1, raw, emailId: 'M1' },
    { uid: 2, raw, emailId: 'M2', internalDate: new Date('2026-01-03T03:04:05Z') },
  ];
  const capabilities = ['LITERAL+', 'ENABLE', 'UIDPLUS', 'CONDSTORE', 'NAMESPACE', 'UNSELECT', 'OBJECTID'];
  server = await startScriptedServer({ capabilities, folders: { INBOX: { messages, highestModseq: '30' } } });
  const mailbox = await bench.connect({ port: server.port, user: 'somebody', withoutPerson: true });
  await mailbox.syncAll();
  const [first, second] = await mailbox.ledger();
  expect(second?.copyId).toBe(first?.copyId);
  await auditOf(bench, mailbox);
  const verdicts = await bench.database.db.inTenant(mailbox.tenantId, (sql) =>
    sql.query('SELECT verdict FROM folder_audit WHERE source_id = $1', [mailbox.mailboxId]),
  );
  expect(verdicts).toEqual([{ verdict: 'complete' }]);
});

test('a server that tells no UIDNEXT is not taken for restored when its newest message goes', async () => {
  server = await startScriptedServer({
    folders: { INBOX: { messages: old, highestModseq: '30' } },
    on: {
      EXAMINE: (context) => {
        const { send } = context;
        context.send = (...parts) => {
          if (!String(parts[0]).includes('[UIDNEXT')) send(...parts);
        };
        context.usual();
      },
      STATUS: (context) => {
        context.no('[SERVERBUG] no status');
      },
    },
  });
  const mailbox = await bench.connect({ port: server.port, user: 'somebody', withoutPerson: true });
  await mailbox.syncAll();
  inbox().messages.pop();
  await mailbox.syncAll();
  expect(await mailbox.ledger()).toHaveLength(30);
  expect(await live(mailbox)).toHaveLength(29);
});
