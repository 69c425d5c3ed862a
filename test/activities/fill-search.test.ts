import type { ActivityContext } from '../../src/activities/context';
import { fillSearchSoon } from '../../src/activities/fill-search';
import type { Database } from '../../src/db/database';
import { pendingSearchTenants } from '../../src/db/search-fill';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { aMailbox, aMessage } from '../support/mail-rows';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

test('messages of rounds that end at about the same time are made findable by few statements, and all are when each has ended', async () => {
  const tenantId = await database.newTenant();
  const mailbox = await aMailbox(database.db, tenantId);
  let statements = 0;
  const counted: Database['preparedInTenant'] = (tenant, work) => {
    statements += 1;
    return database.db.preparedInTenant(tenant, work);
  };
  const context = { db: { ...database.db, preparedInTenant: counted } } as ActivityContext;
  await aMessage(database.db, mailbox);
  const first = fillSearchSoon(context, tenantId, 1);
  for (let more = 0; more < 9; more += 1) await aMessage(database.db, mailbox);
  await Promise.all([first, ...Array.from({ length: 9 }, () => fillSearchSoon(context, tenantId, 1))]);
  expect(await pendingSearchTenants(database.db)).toEqual([]);
  expect(statements).toBeLessThanOrEqual(3);
});
