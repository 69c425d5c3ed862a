import { filteredWindowRows } from '../../src/db/timeline-read';
import { publicId } from '../../src/domain/ids';
import { issueKey, testApi, type TestApi } from '../support/api';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { aLongThread } from '../support/long-thread';
import { aMailbox, aUser } from '../support/mail-rows';

let database: TestDatabase;
let server: TestApi;

beforeAll(async () => {
  database = await createTestDatabase();
  server = testApi(database.db);
});
afterAll(async () => {
  await server.api.close();
  await database.drop();
});

interface Page {
  items: { id: string }[];
  nextCursor: string | null;
}

const pageOf = async (url: string, headers: Record<string, string>) =>
  (await server.api.inject({ url, headers })).json<Page>();

test('a thread that is longer than a page looks at is read to its end, and is none to whoever may see nothing of it', async () => {
  const { db } = database;
  const tenantId = await database.newTenant();
  const owner = await aUser(db, tenantId, { addresses: ['owner@us.example'] });
  const stranger = await aUser(db, tenantId, { addresses: ['stranger@us.example'] });
  const mailbox = await aMailbox(db, tenantId, { visibility: 'private', ownerUserId: owner.id });
  const more = filteredWindowRows + 1;
  const threadId = await aLongThread(db, mailbox, { name: 'long', more });
  await db.inTenant(tenantId, (sql) => sql.execute('UPDATE copy SET visibility = 0 WHERE tenant_id = $1', [tenantId]));
  await db.inTenant(tenantId, (sql) =>
    sql.execute('DELETE FROM timeline WHERE tenant_id = $1 AND principal <> ALL ($2)', [
      tenantId,
      [-1, owner.principal],
    ]),
  );
  const url = `/v1/threads/${publicId('thread', threadId)}?limit=200`;
  const ids = new Set<string>();
  const { headers } = await issueKey(db, tenantId, { userId: owner.id });
  let next: string | null = null;
  do {
    const page: Page = await pageOf(next === null ? url : `${url}&cursor=${next}`, headers);
    for (const { id } of page.items) ids.add(id);
    next = page.nextCursor;
  } while (next !== null);
  expect(ids.size).toBe(more + 1);
  const theirs = await issueKey(db, tenantId, { userId: stranger.id });
  expect((await server.api.inject({ url, headers: theirs.headers })).statusCode).toBe(404);
});
