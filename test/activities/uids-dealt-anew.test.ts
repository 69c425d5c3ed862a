import { auditOf } from '../support/audit-of';
import { mail } from '../support/mail-factory';
import { folderOf } from '../support/scripted-imap-folder';
import { startScriptedServer, type ScriptedServer } from '../support/scripted-imap-server';
import { createSyncBench, type SyncBench, type TestMailbox } from '../support/sync-bench';

/*
 * A server that gives its UIDs to other messages under the same UIDVALIDITY, as Proton Bridge does when it builds its store anew. It counts no
 * changes. Each letter is a message, and its place in the word its UID.
 */

let bench: SyncBench;
let server: ScriptedServer;

beforeAll(async () => {
  bench = await createSyncBench(0, { removalRetryMs: 1 });
});

afterAll(async () => {
  await bench.close();
});

afterEach(async () => {
  await bench.context.connections.closeAll();
  await server.stop();
});

const letters = ['A', 'B', 'C', 'D', 'E', 'F'].map((letter, at) => ({
  letter,
  raw: mail({ subject: letter, messageId: `${letter}@corp.example`, text: 'x'.repeat(at) }),
  internalDate: new Date(1_767_000_000_000 + at * 61_000),
}));

function folderWith(word: string, uidNext: number) {
  const messages = letters
    .map(({ letter, ...message }) => ({ uid: word.indexOf(letter) + 1, ...message }))
    .filter(({ uid }) => uid > 0)
    .sort((one, other) => one.uid - other.uid);
  return folderOf({ messages, uidNext, highestModseq: null });
}

function deal(word: string, uidNext = Math.max(6, word.length + 1)): void {
  server.folders.set('INBOX', folderWith(word, uidNext));
}

async function connect(removals: 'keep' | 'mirror' = 'keep'): Promise<TestMailbox> {
  server = await startScriptedServer({ capabilities: ['LITERAL+', 'UIDPLUS', 'NAMESPACE', 'UNSELECT'] });
  deal('ABCDE');
  const policy = { removals, removalGraceSeconds: 0 };
  const mailbox = await bench.connect({ port: server.port, user: 'somebody', withoutPerson: true, policy });
  await mailbox.syncAll();
  await auditOf(bench, mailbox);
  expect(await flags(mailbox)).toEqual([]);
  return mailbox;
}

const query = <Row extends object>({ tenantId }: TestMailbox, text: string, values: unknown[] = []) =>
  bench.database.db.inTenant(tenantId, (sql) => sql.query<Row>(text, values));

const flags = async (mailbox: TestMailbox) =>
  (await query<{ flags: string[] }>(mailbox, 'SELECT flags FROM mailbox'))[0]?.flags;

/** What stands under which UID, as the word that the server was dealt. */
const standing = async (mailbox: TestMailbox) => {
  const rows = await query<{ uid: number; subject: string }>(
    mailbox,
    `SELECT p.uid, s.subject FROM placement p JOIN folder_generation g ON g.id = p.gen_id AND g.retired_at IS NULL
     JOIN copy c ON c.tenant_id = p.tenant_id AND c.id = p.copy_id JOIN message_subject s ON s.message_id = c.message_id
     WHERE p.presence = 1 ORDER BY p.uid`,
  );
  return rows.map(({ subject }) => subject).join('');
};

/** The messages that there are, in the order of the letters. */
const messages = async (mailbox: TestMailbox) =>
  (await query<{ subject: string }>(mailbox, 'SELECT s.subject FROM copy c JOIN message_subject s USING (message_id)'))
    .map(({ subject }) => subject)
    .sort()
    .join('');

const events = async (mailbox: TestMailbox, type: string) =>
  (await query(mailbox, 'SELECT FROM outbox WHERE type = $1', [type])).length;

const findings = (mailbox: TestMailbox) =>
  query(
    mailbox,
    'SELECT kind, reason, uids, healed_at IS NOT NULL AS healed FROM audit_finding ORDER BY found_at DESC LIMIT 1',
  );

/** Once an audit and the round after it have been, everything is as the server shows it. */
async function expectHealed(mailbox: TestMailbox, word: string, uids: number[]): Promise<void> {
  await auditOf(bench, mailbox);
  expect(await findings(mailbox)).toEqual([{ kind: 'missing', reason: 'uids-reused', uids, healed: false }]);
  expect(await query(mailbox, 'SELECT verdict, reason FROM folder_audit')).toEqual([
    { verdict: 'missing', reason: 'uids-reused' },
  ]);
  expect(await flags(mailbox)).toEqual(['incomplete']);
  await mailbox.syncAll();
  expect(await standing(mailbox)).toBe(word);
  await auditOf(bench, mailbox);
  expect(await findings(mailbox)).toEqual([{ kind: 'missing', reason: 'uids-reused', uids, healed: true }]);
  expect(await flags(mailbox)).toEqual([]);
}

test.each(['keep', 'mirror'] as const)(
  'where nothing else shows it, an audit finds it (removals: %s)',
  async (removals) => {
    const mailbox = await connect(removals);
    deal('EDCBA');
    await mailbox.syncAll();
    expect(await standing(mailbox)).toBe('ABCDE');
    await expectHealed(mailbox, 'EDCBA', [1, 2, 4, 5]);
    expect(await messages(mailbox)).toBe('ABCDE');
    expect(await events(mailbox, 'message.recorded')).toBe(5);
    expect(await events(mailbox, 'message.removed')).toBe(0);
  },
);

test('where new mail comes with it, that is recorded too, and nothing twice', async () => {
  const mailbox = await connect('mirror');
  deal('FEDCBA');
  await mailbox.syncAll();
  await expectHealed(mailbox, 'FEDCBA', [1, 2, 3, 4, 5]);
  expect(await messages(mailbox)).toBe('ABCDEF');
  expect(await events(mailbox, 'message.recorded')).toBe(6);
  expect(await events(mailbox, 'message.removed')).toBe(0);
});

test('dealt anew and back again, it is what it was', async () => {
  const mailbox = await connect('mirror');
  for (const word of ['EDCBA', 'ABCDE']) {
    deal(word);
    await mailbox.syncAll();
    await expectHealed(mailbox, word, [1, 2, 4, 5]);
  }
  expect(await messages(mailbox)).toBe('ABCDE');
  expect(await events(mailbox, 'message.recorded')).toBe(5);
});

test('where a message goes with it, that one alone is removed, and not the one whose UID has gone', async () => {
  const mailbox = await connect('mirror');
  deal('ABDE');
  await mailbox.round();
  expect(await messages(mailbox)).toBe('ABCDE');
  for (let rounds = 0; rounds < 5 && (await messages(mailbox)).includes('C'); rounds += 1) await mailbox.syncAll();
  expect(await standing(mailbox)).toBe('ABDE');
  expect(await messages(mailbox)).toBe('ABDE');
  expect(await events(mailbox, 'message.removed')).toBe(1);
  expect(await events(mailbox, 'message.recorded')).toBe(5);
});

describe('an audit is asked for at once', () => {
  const due = (mailbox: TestMailbox) =>
    query(mailbox, 'SELECT audit_cause AS cause, audit_due_at <= now() AS due FROM mailbox');
  const auditedLongAgo = (mailbox: TestMailbox) =>
    query(
      mailbox,
      `UPDATE mailbox SET audited_at = now() - interval '1 day', audit_tried_at = NULL, audit_due_at = now() + interval '1 hour', audit_cause = 'daily'`,
    );

  test('where UIDNEXT falls, although the newest messages are who they were', async () => {
    const mailbox = await connect();
    deal('ABCDE', 9);
    await mailbox.round();
    await auditedLongAgo(mailbox);
    await mailbox.round();
    expect(await due(mailbox)).toEqual([{ cause: 'daily', due: false }]);
    deal('ABCDE', 6);
    await mailbox.round();
    expect(await due(mailbox)).toEqual([{ cause: 'rewound', due: true }]);
  });

  test('where a UID that was gone is shown again', async () => {
    const mailbox = await connect();
    deal('ABCD');
    await mailbox.round();
    await auditedLongAgo(mailbox);
    deal('ABCDE');
    await mailbox.round();
    expect(await due(mailbox)).toEqual([{ cause: 'rewound', due: true }]);
  });

  test('and not more often than audits are apart', async () => {
    const mailbox = await connect();
    await query(mailbox, `UPDATE mailbox SET audited_at = now(), audit_due_at = now() + interval '1 day'`);
    deal('ABCD');
    await mailbox.round();
    deal('ABCDE');
    await mailbox.round();
    expect(await due(mailbox)).toEqual([{ cause: 'rewound', due: false }]);
  });
});
