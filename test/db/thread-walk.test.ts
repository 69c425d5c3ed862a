import { newUuid } from '../../src/db/new-id';
import { walkThread } from '../../src/db/thread-walk';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { aMailbox, aMessage } from '../support/mail-rows';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

test('a walk goes on where a page ended, and begins anew where a former release noted an id alone', async () => {
  const tenantId = await database.newTenant();
  const { id } = await aMessage(database.db, await aMailbox(database.db, tenantId), { subject: 'a' });
  const pages = await database.db.inTenant(tenantId, async (sql) => {
    const [message] = await sql.query<{ thread_id: string }>('SELECT thread_id FROM message WHERE tenant_id = $1', [
      tenantId,
    ]);
    const threadId = message?.thread_id ?? '';
    const first = await walkThread(sql, tenantId, { threadId, after: null, limit: 1 });
    const second = await walkThread(sql, tenantId, { threadId, after: first.next, limit: 1 });
    const anew = await walkThread(sql, tenantId, { threadId, after: newUuid(), limit: 1 });
    return [first, second, anew].map(({ messageIds }) => messageIds);
  });
  expect(pages).toEqual([[id], [], [id]]);
});
