import { findMail } from '../../src/db/find';
import { outcomes, presences } from '../../src/domain/ledger';
import { imapProfiles, serverOf, type ServerOfProfile } from '../support/imap-profiles';
import { mail } from '../support/mail-factory';
import { createSyncBench, type SyncBench, type TestMailbox } from '../support/sync-bench';

/** A parser that is not ready for this breaks, or runs for ever. */
function tooManyParts(header: string): Buffer {
  const parts = '--b\r\nContent-Type: text/plain\r\n\r\nx\r\n'.repeat(1_100);
  return Buffer.from(
    `${header}MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n${parts}--b--\r\n`,
  );
}

const longId = `<${'a/b/'.repeat(100)}@corp.example>`;

describe.each(imapProfiles)('on a server of the %s profile', (profile) => {
  let bench: SyncBench;
  let dovecot: ServerOfProfile;

  beforeAll(async () => {
    dovecot = await serverOf(profile);
    bench = await createSyncBench(dovecot.imapPort);
  });

  afterAll(async () => {
    await bench.close();
    await dovecot.release();
  });

  const query = <Row extends object>({ tenantId }: TestMailbox, text: string, values: unknown[] = []) =>
    bench.database.db.inTenant(tenantId, (sql) => sql.query<Row>(text, values));

  const find = (mailbox: TestMailbox, messageIdHeader: string) =>
    bench.database.db.inTenant(mailbox.tenantId, (sql) =>
      findMail(sql, { tenantId: mailbox.tenantId, userId: null, principal: -1 }, messageIdHeader),
    );

  const messagesIn = async (mailbox: TestMailbox) =>
    new Set((await mailbox.ledger()).map(({ messageId }) => messageId)).size;

  test.each<[string, Buffer, Record<string, unknown>]>([
    [
      'with a Message-ID of 400 bytes with slashes',
      mail({ subject: 'long', messageId: longId }),
      { subject: 'long', message_id_header: longId },
    ],
    ['without a sender', mail({ subject: 'nobody', from: null }), { subject: 'nobody' }],
    [
      'without a Message-ID and a subject',
      mail({ subject: null, messageId: null }),
      { subject: '', message_id_header: null },
    ],
    [
      'without a sender, a date, a Message-ID and a subject',
      mail({ from: null, date: null, subject: null, messageId: null }),
      { subject: '', message_id_header: null, sent_at: null },
    ],
    ['without any header', Buffer.from('\r\njust text\r\n'), { subject: '', message_id_header: null }],
  ])('a message %s is recorded as what it is', async (_, raw, shown) => {
    const mailbox = await bench.connect();
    await mailbox.person.append('INBOX', raw);
    await mailbox.syncAll();
    expect((await mailbox.ledger()).map(({ outcome }) => outcome)).toEqual([outcomes.recorded]);
    const rows = await query<Record<string, unknown>>(
      mailbox,
      'SELECT s.subject, m.message_id_header, m.sent_at FROM message m JOIN message_subject s ON s.message_id = m.id',
    );
    expect(rows).toEqual([expect.objectContaining(shown)]);
  });

  test('what is parked has its bytes, its kind, numbers and no text of it, its tries, and the versions that tried', async () => {
    const mailbox = await bench.connect();
    await mailbox.person.append(
      'INBOX',
      tooManyParts(`From: secret@corp.example\r\nSubject: secret\r\nMessage-ID: ${longId}\r\n`),
    );
    await mailbox.syncAll();
    const [failure] = await query<Record<string, unknown>>(
      mailbox,
      `SELECT x.kind, x.code, x.detail, x.attempts, x.versions, x.state, b.size > 0 AS has_bytes
       FROM failure x JOIN placement p ON p.gen_id = x.gen_id AND p.uid = x.uid JOIN blob b ON b.id = p.blob_id`,
    );
    expect(failure).toMatchObject({
      ...{ kind: 'unreadable', code: 'too-many-parts', attempts: 1, state: 'parked', has_bytes: true },
      versions: { parser: bench.context.parserVersion, code: bench.context.codeVersion },
    });
    expect(JSON.stringify(failure)).not.toMatch(/secret|corp\.example/);
    expect((await find(mailbox, longId)).failures).toHaveLength(1);
  });

  test('a message with a Message-ID of 400 bytes with slashes is found by it', async () => {
    const mailbox = await bench.connect();
    await mailbox.person.append('INBOX', mail({ messageId: longId }));
    await mailbox.syncAll();
    expect((await find(mailbox, longId)).messages).toHaveLength(1);
  });

  test('two messages with other content under one Message-ID are two', async () => {
    const mailbox = await bench.connect();
    const messageId = 'same@corp.example';
    for (const text of ['first', 'second']) await mailbox.person.append('INBOX', mail({ messageId, text }));
    await mailbox.syncAll();
    expect(await messagesIn(mailbox)).toBe(2);
    expect((await find(mailbox, `<${messageId}>`)).messages).toHaveLength(2);
  });

  test('a message that is delivered twice with other transport headers is one, with both its placements', async () => {
    const mailbox = await bench.connect();
    const raw = mail({ subject: 'twice', text: 'as it was sent' });
    const by = (host: string) => Buffer.concat([Buffer.from(`Received: by ${host}.corp.example\r\n`), raw]);
    await mailbox.person.append('INBOX', by('mx1'));
    await mailbox.person.append('INBOX', by('mx2'));
    await mailbox.person.append('Archive', by('mx3'));
    await mailbox.syncAll();
    const rows = await mailbox.ledger();
    expect(rows.map(({ folder, uid, presence }) => [folder, uid, presence])).toEqual([
      ['Archive', 1, presences.live],
      ['INBOX', 1, presences.live],
      ['INBOX', 2, presences.live],
    ]);
    expect(new Set(rows.map(({ copyId }) => copyId)).size).toBe(3);
    expect(await messagesIn(mailbox)).toBe(1);
  });

  test('a draft that is sent later under its Message-ID is another message where its text differs, and the draft goes by itself', async () => {
    const mailbox = await bench.connect({
      policy: {
        ...{ removals: 'mirror', removalGraceSeconds: 0 },
        folders: { mode: 'all', include: ['Drafts'], exclude: [] },
      },
    });
    const messageId = 'draft@corp.example';
    await mailbox.person.append('Drafts', mail({ messageId, text: 'Dear' }), { flags: ['\\Draft'] });
    await mailbox.syncAll();
    await mailbox.person.append('Sent', mail({ messageId, text: 'Dear Ada, all is said.' }));
    await mailbox.person.expunge('Drafts', [1]);
    await mailbox.syncAll();
    expect((await mailbox.ledger()).map(({ folder, outcome, reason }) => [folder, outcome, reason])).toEqual([
      ['Drafts', outcomes.filtered, 'removed'],
      ['Sent', outcomes.recorded, null],
    ]);
    expect(await query(mailbox, 'SELECT text FROM message_body')).toEqual([
      { text: expect.stringContaining('all is said') as string },
    ]);
  });

  const oddName = 'a, (b) "c" \\d {5} %e* [f]';

  test('a folder whose name has a comma, parentheses, quotes and a backslash is synced, moved from, renamed and mirrored', async () => {
    const mailbox = await bench.connect({ policy: { removals: 'mirror', removalGraceSeconds: 0 } });
    await mailbox.person.createFolder(oddName);
    for (const subject of ['stays', 'moves', 'goes']) await mailbox.person.append(oddName, mail({ subject }));
    await mailbox.syncAll();
    await mailbox.person.move(oddName, 2, 'INBOX');
    await mailbox.person.expunge(oddName, [3]);
    await mailbox.syncAll();
    await mailbox.person.renameFolder(oddName, `${oddName} 2`);
    // Without UNSELECT, Dovecot ends the session whose folder is renamed.
    await mailbox.round();
    await mailbox.syncAll();
    expect(
      (await mailbox.ledger()).map(({ folder, uid, presence, reason }) => [folder, uid, presence, reason]),
    ).toEqual(
      expect.arrayContaining([
        ['INBOX', 1, presences.live, null],
        [`${oddName} 2`, 1, presences.live, null],
        [`${oddName} 2`, 2, presences.ended, null],
        [`${oddName} 2`, 3, presences.ended, 'removed'],
      ]),
    );
    expect(await messagesIn(mailbox)).toBe(3);
  });
});
