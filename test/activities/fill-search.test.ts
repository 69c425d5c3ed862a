import type { ActivityContext, ActivityRun } from '../../src/activities/context';
import { fillSearchRows, fillSearchSoon } from '../../src/activities/fill-search';
import type { Database } from '../../src/db/database';
import { pendingSearchTenants } from '../../src/db/search-fill';
import { findAgain } from '../../src/db/search-pending';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { aMailbox, aMessage, type TestMailbox } from '../support/mail-rows';

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

test('new mail is findable at once while history waits, and so is what was told anew; history is written behind the import', async () => {
  const tenantId = await database.newTenant();
  const mailbox = await aMailbox(database.db, tenantId);
  const context = { db: database.db } as ActivityContext;
  const old = await aMessage(database.db, mailbox);
  await database.db.inTenant(tenantId, (sql) =>
    sql.execute('UPDATE folder_generation SET history_total = 10 WHERE id = $1', [mailbox.genId]),
  );
  await fillSearchSoon(context, tenantId, 1);
  const history: string[] = [];
  for (let n = 0; n < 5; n += 1) history.push(await ofHistory(mailbox));
  const fresh = await aMessage(database.db, mailbox, { subject: 'new' });
  for (let n = 0; n < 5; n += 1) history.push(await ofHistory(mailbox));
  await fillSearchSoon(context, tenantId, 1);
  expect((await waiting(tenantId)).sort()).toEqual([...history].sort());
  expect(await isFindable(tenantId, fresh.id)).toBe(true);
  const toldAnew = [old.id, history[3] ?? ''];
  await database.db.inTenant(tenantId, (sql) => findAgain(sql, tenantId, toldAnew));
  await fillSearchSoon(context, tenantId, 2);
  expect((await waiting(tenantId)).sort()).toEqual(history.filter((id) => id !== history[3]).sort());
  while ((await fillSearchRows(context, run, { tenantId })).filled > 0);
  expect(await waiting(tenantId)).toEqual([]);
  expect(await Promise.all(history.map((id) => isFindable(tenantId, id)))).toEqual(history.map(() => true));
});

test('what a round has left, because it brought too much at once, is written by the rounds after it', async () => {
  const tenantId = await database.newTenant();
  const mailbox = await aMailbox(database.db, tenantId);
  const context = { db: database.db } as ActivityContext;
  for (let n = 0; n < 3; n += 1) await aMessage(database.db, mailbox, { subject: `many ${String(n)}` });
  await fillSearchSoon(context, tenantId, 201);
  expect(await waiting(tenantId)).toHaveLength(3);
  await aMessage(database.db, mailbox, { subject: 'the next' });
  await fillSearchSoon(context, tenantId, 1);
  expect(await waiting(tenantId)).toEqual([]);
});

let made = 0;
async function ofHistory(mailbox: TestMailbox): Promise<string> {
  return (await aMessage(database.db, mailbox, { part: 'history', subject: `history ${String((made += 1))}` })).id;
}

const run: ActivityRun = { signal: new AbortController().signal, heartbeat: () => undefined };

async function waiting(tenantId: string): Promise<string[]> {
  const rows = await database.db.inTenant(tenantId, (sql) =>
    sql.query<{ id: string }>('SELECT message_id AS id FROM search_pending WHERE tenant_id = $1', [tenantId]),
  );
  return rows.map(({ id }) => id);
}

async function isFindable(tenantId: string, messageId: string): Promise<boolean> {
  const rows = await database.db.inTenant(tenantId, (sql) =>
    sql.query('SELECT FROM message_search WHERE tenant_id = $1 AND message_id = $2', [tenantId, messageId]),
  );
  return rows.length > 0;
}
