import { dueAudits } from '../../src/db/sync/audits-due';
import { readCompleteness } from '../../src/db/completeness';
import { auditOf } from '../support/audit-of';
import { mail } from '../support/mail-factory';
import { folderOf } from '../support/scripted-imap-folder';
import { startScriptedServer, type ScriptedServer } from '../support/scripted-imap-server';
import { createSyncBench, type SyncBench, type TestMailbox } from '../support/sync-bench';

let bench: SyncBench;
let server: ScriptedServer;

beforeEach(async () => {
  bench = await createSyncBench(0, { socketTimeoutMs: 3_000 });
});

afterEach(async () => {
  await bench.close();
  await server.stop();
});

const rowsOf = <Row extends object>({ tenantId }: TestMailbox, text: string) =>
  bench.database.db.inTenant(tenantId, (sql) => sql.query<Row>(text));

const messagesOf = (...uids: number[]) => uids.map((uid) => ({ uid, raw: mail({ subject: `number ${String(uid)}` }) }));

/** Two messages, read and proven; then a third comes, which the server lists and does not deliver. */
async function withUndelivered(): Promise<TestMailbox> {
  server = await startScriptedServer({ folders: { INBOX: { uidValidity: '7', messages: messagesOf(1, 2) } } });
  const mailbox = await bench.connect({ port: server.port, user: 'somebody', withoutPerson: true });
  await mailbox.syncAll();
  await auditOf(bench, mailbox);
  expect(await verdictOf(mailbox)).toBe('complete');
  server.on['UID FETCH'] = (context) => {
    if (context.args.includes('BODY') && /(?:^|[:,])3\b/.test(context.args)) context.no('[UNAVAILABLE] not this one');
    else context.usual();
  };
  arrives(1, 2, 3);
  return mailbox;
}

function arrives(...uids: number[]): void {
  const folder = server.folders.get('INBOX');
  if (folder === undefined) throw new Error('no INBOX');
  Object.assign(folder, folderOf({ uidValidity: '7', messages: messagesOf(...uids) }), { highestModseq: null });
}

async function verdictOf({ tenantId, mailboxId }: TestMailbox): Promise<string | undefined> {
  const [inbox] = await readCompleteness(bench.database.db, tenantId, mailboxId);
  return inbox?.verdict;
}

/** Rounds until the server was asked for it often and long enough. */
async function untilParked(mailbox: TestMailbox): Promise<void> {
  for (let tries = 0; tries < 4; tries += 1) {
    const at = Date.now() + tries * 660_000;
    bench.context.now = () => at;
    await mailbox.round();
  }
  expect(await rowsOf(mailbox, 'SELECT uid FROM placement WHERE outcome = 5 AND blob_id IS NULL')).toEqual([
    { uid: 3 },
  ]);
}

const minutesUntilDue = async (mailbox: TestMailbox) =>
  (
    await rowsOf<{ minutes: number }>(
      mailbox,
      'SELECT (extract(epoch FROM audit_due_at - now()) / 60)::float8 AS minutes FROM mailbox',
    )
  )[0]?.minutes;

test('a mailbox with a message that is not delivered says so soon, and not with its next daily audit', async () => {
  const mailbox = await withUndelivered();
  await rowsOf(mailbox, `UPDATE mailbox SET audited_at = now() - interval '1 hour' RETURNING 1`);
  await untilParked(mailbox);
  expect(await minutesUntilDue(mailbox)).toBeLessThanOrEqual(0);
  expect((await dueAudits(bench.database.db, 100)).map(({ mailboxId }) => mailboxId)).toEqual([mailbox.mailboxId]);
  await auditOf(bench, mailbox);
  expect(await verdictOf(mailbox)).toBe('missing');
  expect(await rowsOf(mailbox, 'SELECT flags FROM mailbox')).toEqual([{ flags: ['incomplete'] }]);
});

test('a server that delivers nothing has its mailbox compared every ten minutes at most', async () => {
  const mailbox = await withUndelivered();
  await untilParked(mailbox);
  expect(await minutesUntilDue(mailbox)).toBeGreaterThan(8);
  expect(await minutesUntilDue(mailbox)).toBeLessThanOrEqual(10);
});

test('mail that is parked with its bytes is here, and no audit is made for it', async () => {
  const mailbox = await withUndelivered();
  server.on = {};
  const folder = server.folders.get('INBOX');
  if (folder === undefined) throw new Error('no INBOX');
  const deep = Buffer.from(
    `From: a@b.example\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n${'--x\r\n\r\n'.repeat(20_000)}`,
  );
  Object.assign(folder, folderOf({ uidValidity: '7', messages: [...messagesOf(1, 2), { uid: 3, raw: deep }] }));
  await mailbox.round();
  expect(await rowsOf(mailbox, 'SELECT uid FROM placement WHERE outcome = 5 AND blob_id IS NOT NULL')).toEqual([
    { uid: 3 },
  ]);
  expect(await minutesUntilDue(mailbox)).toBeGreaterThan(60);
});
