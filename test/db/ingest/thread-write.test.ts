import { threadOf } from '../../../src/db/messages-thread';
import { createTestDatabase, type TestDatabase } from '../../support/database';
import { aMailbox, aMessage, type TestMailbox } from '../../support/mail-rows';

let database: TestDatabase;
let mailbox: TestMailbox;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  mailbox = await aMailbox(database.db, await database.newTenant());
});

const message = (messageId: string, references: string[] = []) =>
  aMessage(database.db, mailbox, { messageId, references });

const threadsOfMessages = async () => {
  const rows = await database.db.inTenant(mailbox.tenantId, (sql) =>
    sql.query<{ thread_id: string }>('SELECT DISTINCT thread_id FROM message WHERE tenant_id = $1', [mailbox.tenantId]),
  );
  return rows.map((row) => row.thread_id);
};

const leadsTo = (threadId: string) =>
  database.db.inTenant(mailbox.tenantId, (sql) => threadOf(sql, mailbox.tenantId, threadId));

test('several threads become one at once, the oldest, with all their messages', async () => {
  const first = await message('<a@x>');
  await message('<b@x>');
  await message('<c@x>');
  expect(await threadsOfMessages()).toHaveLength(3);
  await message('<late@x>', ['<c@x>', '<a@x>', '<b@x>']);
  expect(await threadsOfMessages()).toEqual([first.threadId]);
});

test('the id of a thread leads to the thread it became a part of, also when that one does the same', async () => {
  const first = await message('<a@x>');
  const second = await message('<b@x>');
  const third = await message('<c@x>');
  await message('<joins-b-c@x>', ['<b@x>', '<c@x>']);
  await message('<joins-a-b@x>', ['<a@x>', '<b@x>']);
  expect(await Promise.all([first, second, third].map(({ threadId }) => leadsTo(threadId)))).toEqual(
    Array(3).fill(first.threadId),
  );
});

test('what answers a message of a joined thread comes into the joined thread', async () => {
  const first = await message('<a@x>');
  await message('<b@x>');
  await message('<late@x>', ['<a@x>', '<b@x>']);
  expect((await message('<answer@x>', ['<b@x>'])).threadId).toBe(first.threadId);
});

test('other threads, and those of other tenants, stay', async () => {
  const apart = await message('<apart@x>');
  const here = mailbox;
  mailbox = await aMailbox(database.db, await database.newTenant());
  const elsewhere = await message('<b@x>');
  const there = mailbox;
  mailbox = here;
  await message('<a@x>');
  await message('<b@x>');
  await message('<late@x>', ['<a@x>', '<b@x>']);
  expect(await leadsTo(apart.threadId)).toBe(apart.threadId);
  mailbox = there;
  expect(await leadsTo(elsewhere.threadId)).toBe(elsewhere.threadId);
});
