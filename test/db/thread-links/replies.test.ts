import { readCatalogue } from '../../../src/db/deletion/catalogue';
import { nextContent } from '../../../src/db/deletion/content-chunk';
import { deleteContent } from '../../../src/db/deletion/delete-content';
import { newUuid } from '../../../src/db/new-id';
import { linkAgain } from '../../../src/db/rematch';
import { lockTenantForWriting } from '../../../src/db/tenant-lock';
import { createTestDatabase, type TestDatabase } from '../../support/database';
import { aMailbox, aMessage, aRecord, aUser, type MessageOptions, type TestMailbox } from '../../support/mail-rows';

let database: TestDatabase;
let mailbox: TestMailbox;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  mailbox = await aMailbox(database.db, await database.newTenant());
});

const ada = 'ada@customer.example';
const user = 'sales@company.example';

const message = (messageId: string, options: MessageOptions = {}) =>
  aMessage(database.db, mailbox, {
    messageId,
    from: 'bob@elsewhere.example',
    to: ['carl@elsewhere.example'],
    ...options,
  });

const inTenant = <T>(work: Parameters<typeof database.db.inTenant<T>>[1]) =>
  database.db.inTenant(mailbox.tenantId, work);

/** Message-IDs of what a record is linked to, with the kinds of reasons. */
async function linkedTo(recordId: string): Promise<Record<string, string>> {
  const rows = await inTenant((sql) =>
    sql.query<{ id: string; kinds: string }>(
      `SELECT m.message_id_header AS id, (SELECT string_agg(DISTINCT r.kind, ' ' ORDER BY r.kind) FROM link_reason r WHERE r.link_id = l.id) AS kinds
       FROM link l JOIN message m ON m.id = l.message_id WHERE l.record_id = $1 AND l.state = 'active' ORDER BY 1`,
      [recordId],
    ),
  );
  return Object.fromEntries(rows.map(({ id, kinds }) => [id, kinds]));
}

/** Message-IDs in the timeline of a record, as the tenant sees it. */
async function timelineOf(recordId: string): Promise<string[]> {
  const rows = await inTenant((sql) =>
    sql.query<{ id: string }>(
      `SELECT m.message_id_header AS id FROM timeline t JOIN message m ON m.id = t.message_id WHERE t.record_id = $1 AND t.principal = -1 ORDER BY 1`,
      [recordId],
    ),
  );
  return rows.map(({ id }) => id);
}

const changeAddresses = (recordId: string, addresses: string[]) =>
  inTenant(async (sql) => {
    await lockTenantForWriting(sql, mailbox.tenantId);
    await sql.execute('DELETE FROM record_address WHERE record_id = $1', [recordId]);
    for (const address of addresses)
      await sql.execute(
        `INSERT INTO record_address (tenant_id, address_key, record_id, kind, address) VALUES ($1, $2, $3, 'business', $2)`,
        [mailbox.tenantId, address, recordId],
      );
    const rows = await sql.query<{ id: string }>('SELECT id FROM message');
    await linkAgain(
      sql,
      mailbox.tenantId,
      rows.map(({ id }) => id),
    );
  });

describe('a reply to mail that is linked', () => {
  test('is linked too, where its author was sender or recipient of that mail', async () => {
    const record = await aRecord(database.db, mailbox.tenantId, { addresses: [ada] });
    await message('<a@x>', { from: ada, to: ['bob@elsewhere.example'] });
    await message('<b@x>', { references: ['<a@x>'], from: 'bob@elsewhere.example', to: ['dora@elsewhere.example'] });
    await message('<c@x>', { references: ['<a@x>', '<b@x>'], from: 'dora@elsewhere.example' });
    expect(await linkedTo(record)).toEqual({ '<a@x>': 'address', '<b@x>': 'thread', '<c@x>': 'thread' });
    expect(await timelineOf(record)).toEqual(['<a@x>', '<b@x>', '<c@x>']);
  });

  test('is linked too where a user wrote it', async () => {
    await aUser(database.db, mailbox.tenantId, { addresses: [user] });
    const record = await aRecord(database.db, mailbox.tenantId, { addresses: [ada] });
    await message('<a@x>', { from: ada });
    await message('<b@x>', { references: ['<a@x>'], from: user });
    expect(await linkedTo(record)).toEqual({ '<a@x>': 'address', '<b@x>': 'thread' });
  });

  test('is not linked where a stranger claims to answer, also when the stranger goes on writing; its thread is the same', async () => {
    const record = await aRecord(database.db, mailbox.tenantId, { addresses: [ada] });
    const first = await message('<a@x>', { from: ada });
    const forged = await message('<f@x>', { references: ['<a@x>'], from: 'mallory@evil.example', to: [user] });
    const more = await message('<g@x>', { references: ['<a@x>', '<f@x>'], from: 'mallory@evil.example', to: [user] });
    expect([forged.threadId, more.threadId]).toEqual([first.threadId, first.threadId]);
    expect(await linkedTo(record)).toEqual({ '<a@x>': 'address' });
    expect(await timelineOf(record)).toEqual(['<a@x>']);
  });

  test('is linked when a user has answered the stranger', async () => {
    await aUser(database.db, mailbox.tenantId, { addresses: [user] });
    const record = await aRecord(database.db, mailbox.tenantId, { addresses: [ada] });
    await message('<a@x>', { from: ada });
    await message('<f@x>', { references: ['<a@x>'], from: 'eve@evil.example', to: [user] });
    await message('<b@x>', { references: ['<a@x>', '<f@x>'], from: user, to: ['eve@evil.example'] });
    await message('<c@x>', { references: ['<b@x>'], from: 'eve@evil.example', to: [user] });
    expect(await linkedTo(record)).toEqual({ '<a@x>': 'address', '<b@x>': 'thread', '<c@x>': 'thread' });
  });

  test('a forged message that joins two threads moves nobody’s mail', async () => {
    await aUser(database.db, mailbox.tenantId, { addresses: [user] });
    const one = await aRecord(database.db, mailbox.tenantId, { addresses: [ada] });
    const other = await aRecord(database.db, mailbox.tenantId, { addresses: ['otto@other.example'] });
    const first = await message('<a@x>', { from: ada });
    await message('<b@x>', { references: ['<a@x>'], from: user });
    await message('<o@x>', { from: 'otto@other.example' });
    await message('<p@x>', { references: ['<o@x>'], from: user });
    const forged = await message('<f@x>', { references: ['<b@x>', '<p@x>'], from: 'mallory@evil.example' });
    expect(forged.threadId).toBe(first.threadId);
    expect(await linkedTo(one)).toEqual({ '<a@x>': 'address', '<b@x>': 'thread' });
    expect(await linkedTo(other)).toEqual({ '<o@x>': 'address', '<p@x>': 'thread' });
  });

  test('with another’s Message-ID is another message, in whose name nothing is inherited', async () => {
    const record = await aRecord(database.db, mailbox.tenantId, { addresses: [ada] });
    await message('<a@x>', { from: ada, to: ['bob@elsewhere.example'] });
    await message('<a@x>', { from: 'mallory@evil.example', to: ['zoe@elsewhere.example'], subject: 'Other' });
    await message('<b@x>', { references: ['<a@x>'], from: 'zoe@elsewhere.example' });
    expect(await linkedTo(record)).toEqual({ '<a@x>': 'address' });
  });

  test('is linked when the mail that it answers comes after it', async () => {
    const record = await aRecord(database.db, mailbox.tenantId, { addresses: [ada] });
    await message('<c@x>', { references: ['<a@x>', '<b@x>'], from: 'dora@elsewhere.example' });
    await message('<b@x>', { references: ['<a@x>'], from: 'bob@elsewhere.example', to: ['dora@elsewhere.example'] });
    expect(await linkedTo(record)).toEqual({});
    await message('<a@x>', { from: ada, to: ['bob@elsewhere.example'] });
    expect(await linkedTo(record)).toEqual({ '<a@x>': 'address', '<b@x>': 'thread', '<c@x>': 'thread' });
    expect(await timelineOf(record)).toEqual(['<a@x>', '<b@x>', '<c@x>']);
  });

  test('says nothing of who stood in Bcc', async () => {
    const record = await aRecord(database.db, mailbox.tenantId, { addresses: [ada] });
    await message('<a@x>', { bcc: [ada] });
    await message('<b@x>', { references: ['<a@x>'], from: 'carl@elsewhere.example' });
    expect(await linkedTo(record)).toEqual({ '<a@x>': 'address' });
  });

  test('loses its link with what it answers, and has it again; what has another reason keeps it', async () => {
    const record = await aRecord(database.db, mailbox.tenantId);
    await message('<a@x>', { from: ada, to: ['bob@elsewhere.example'] });
    await message('<b@x>', { references: ['<a@x>'], from: 'bob@elsewhere.example', to: ['dora@elsewhere.example'] });
    await message('<c@x>', { references: ['<a@x>', '<b@x>'], from: 'dora@elsewhere.example' });
    await changeAddresses(record, [ada]);
    expect(await linkedTo(record)).toEqual({ '<a@x>': 'address', '<b@x>': 'thread', '<c@x>': 'thread' });
    await changeAddresses(record, ['dora@elsewhere.example']);
    expect(await linkedTo(record)).toEqual({ '<b@x>': 'address', '<c@x>': 'address thread' });
    await changeAddresses(record, ['bob@elsewhere.example']);
    expect(await linkedTo(record)).toEqual({ '<a@x>': 'address', '<b@x>': 'address', '<c@x>': 'thread' });
    await changeAddresses(record, []);
    expect(await linkedTo(record)).toEqual({});
    expect(await timelineOf(record)).toEqual([]);
  });

  test('holds on to nothing in a loop of references', async () => {
    const record = await aRecord(database.db, mailbox.tenantId, { addresses: [ada] });
    await message('<a@x>', { from: ada, to: ['bob@elsewhere.example'], references: ['<c@x>'] });
    await message('<b@x>', {
      references: ['<a@x>', '<c@x>'],
      from: 'bob@elsewhere.example',
      to: ['dora@elsewhere.example'],
    });
    await message('<c@x>', { references: ['<b@x>'], from: 'dora@elsewhere.example', to: ['bob@elsewhere.example'] });
    expect(Object.keys(await linkedTo(record))).toEqual(['<a@x>', '<b@x>', '<c@x>']);
    await changeAddresses(record, []);
    expect(await linkedTo(record)).toEqual({});
  });

  test('loses its link when the mail that it answers is deleted with its mailbox', async () => {
    const record = await aRecord(database.db, mailbox.tenantId, { addresses: [ada] });
    const other = await aMailbox(database.db, mailbox.tenantId);
    await aMessage(database.db, other, { messageId: '<a@x>', from: ada, to: ['bob@elsewhere.example'] });
    await message('<b@x>', { references: ['<a@x>'], from: 'bob@elsewhere.example', to: ['dora@elsewhere.example'] });
    await message('<c@x>', { references: ['<b@x>'], from: 'dora@elsewhere.example' });
    expect(await timelineOf(record)).toEqual(['<a@x>', '<b@x>', '<c@x>']);
    const ref = { tenantId: mailbox.tenantId, sourceId: other.sourceId, deletionId: newUuid() };
    const chunk = await nextContent(database.db, ref, { after: null, limit: 100 });
    if (chunk === null) throw new Error('nothing to delete');
    const catalogue = await inTenant(readCatalogue);
    await deleteContent(database.db, ref, { chunk, contents: new Map(), catalogue });
    expect(await linkedTo(record)).toEqual({});
    expect(await timelineOf(record)).toEqual([]);
  });
});
