import { findMail } from '../../src/db/find';
import { outcomes } from '../../src/domain/ledger';
import { sharedDovecot } from '../support/dovecot';
import { mail } from '../support/mail-factory';
import { aRecord, aUser } from '../support/mail-rows';
import { createSyncBench, type SyncBench, type TestMailbox } from '../support/sync-bench';

let bench: SyncBench;

beforeAll(async () => {
  bench = await createSyncBench(sharedDovecot().imapPort);
});

afterAll(async () => {
  await bench.close();
});

const find = (mailbox: TestMailbox, messageIdHeader: string) =>
  bench.database.db.inTenant(mailbox.tenantId, (sql) =>
    findMail(sql, { tenantId: mailbox.tenantId, userId: null, principal: -1 }, messageIdHeader),
  );

test('with unmatched: drop, mail of nobody known leaves a row that its Message-ID finds, and no content', async () => {
  const mailbox = await bench.connect({ policy: { unmatched: 'drop' } });
  await aRecord(bench.database.db, mailbox.tenantId, { addresses: ['ada@customer.example'] });
  const known = { from: 'ada@customer.example', to: mailbox.user, messageId: 'known@customer.example' };
  const unknown = { from: 'nobody@elsewhere.example', to: mailbox.user, messageId: 'unknown@elsewhere.example' };
  await mailbox.person.append('INBOX', mail({ ...known, subject: 'kept' }));
  const uid = await mailbox.person.append('INBOX', mail({ ...unknown, subject: 'left out' }));
  await mailbox.syncAll();
  expect((await mailbox.ledger()).map((row) => [row.outcome, row.reason, row.copyId === null])).toEqual([
    [outcomes.recorded, null, false],
    [outcomes.filtered, 'unmatched', true],
  ]);
  expect(await find(mailbox, '<unknown@elsewhere.example>')).toMatchObject({
    messages: [],
    placements: [{ folder: 'INBOX', uid, outcome: outcomes.filtered, reason: 'unmatched' }],
  });
  expect(await find(mailbox, '<known@customer.example>')).toMatchObject({ messages: [{}], placements: [] });
});

test.each([
  ['whole', 1_000_000],
  ['by its header alone', 300],
])('mail without a user or a subject leaves a row and no content, looked at %s', async (_how, maxMessageBytes) => {
  const activity = { type: 'email', status: 'done', requireUser: true, requireSubject: true };
  const mailbox = await bench.connect({ policy: { activity, maxMessageBytes } });
  await aUser(bench.database.db, mailbox.tenantId, { addresses: [mailbox.user] });
  const text = 'words '.repeat(100);
  await mailbox.person.append('INBOX', mail({ to: mailbox.user, subject: 'taken in', text }));
  const strangers = {
    to: 'nobody@elsewhere.example',
    subject: 'refused',
    messageId: 'refused@elsewhere.example',
    text,
  };
  await mailbox.person.append('INBOX', mail(strangers));
  await mailbox.person.append('INBOX', mail({ to: mailbox.user, subject: null, text }));
  await mailbox.syncAll();
  const taken = maxMessageBytes === 300 ? outcomes['headers-only'] : outcomes.recorded;
  expect((await mailbox.ledger()).map((row) => [row.outcome, row.reason])).toEqual([
    [taken, null],
    [outcomes.filtered, 'no-user'],
    [outcomes.filtered, 'no-subject'],
  ]);
  expect(await find(mailbox, '<refused@elsewhere.example>')).toMatchObject({
    messages: [],
    placements: [{ folder: 'INBOX', outcome: outcomes.filtered, reason: 'no-user' }],
  });
  const [kept] = await bench.database.db.inTenant(mailbox.tenantId, (sql) =>
    sql.query<{ blobs: number; messages: number }>(
      'SELECT (SELECT count(*) FROM blob) AS blobs, (SELECT count(*) FROM message) AS messages',
    ),
  );
  expect(kept).toEqual({ blobs: taken === outcomes.recorded ? 1 : 0, messages: 1 });
});

test('mail that could not be read is found with its failure', async () => {
  const mailbox = await bench.connect();
  await mailbox.person.append('INBOX', tooManyParts('parts@customer.example'));
  await mailbox.syncAll();
  expect(await find(mailbox, '<parts@customer.example>')).toMatchObject({
    messages: [],
    placements: [{ folder: 'INBOX', outcome: outcomes.parked, reason: 'too-many-parts' }],
    failures: [{ folder: 'INBOX', code: 'too-many-parts' }],
  });
});

test('mail whose header was never fetched has a row with its UID only, and its Message-ID finds nothing', async () => {
  const mailbox = await bench.connect({ policy: { start: { from: 'now' } } });
  await mailbox.person.append('INBOX', mail({ subject: 'older', messageId: 'older@customer.example' }), {
    date: new Date('2026-01-01T00:00:00Z'),
  });
  await mailbox.person.append('Junk', mail({ subject: 'junk', messageId: 'junk@customer.example' }));
  await mailbox.syncAll();
  expect((await mailbox.ledger()).map((row) => [row.folder, row.reason])).toEqual([
    ['INBOX', 'before-start'],
    ['Junk', 'folder-role'],
  ]);
  const nothing = { messages: [], placements: [], failures: [] };
  expect(await find(mailbox, '<older@customer.example>')).toEqual(nothing);
  expect(await find(mailbox, '<junk@customer.example>')).toEqual(nothing);
});

function tooManyParts(messageId: string): Buffer {
  const head = `From: a@customer.example\r\nMessage-ID: <${messageId}>\r\nMIME-Version: 1.0\r\n`;
  const parts = '--b\r\nContent-Type: text/plain\r\n\r\nx\r\n'.repeat(1_100);
  return Buffer.from(`${head}Content-Type: multipart/mixed; boundary="b"\r\n\r\n${parts}--b--\r\n`);
}
