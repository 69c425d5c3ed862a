import { ledgerOfFolders, removedOnServer, scopedFolders } from '../../src/db/change-facts';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { insertPlacements } from '../support/ledger-rows';
import { aMailbox, aMessage, type TestMailbox } from '../support/mail-rows';

let database: TestDatabase;
let mailbox: TestMailbox;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  mailbox = await aMailbox(database.db, await database.newTenant());
});

test('a message that is in no folder of the server any more is one that `mirror` would remove', async () => {
  const [gone] = [await aMessage(database.db, mailbox, {}), await aMessage(database.db, mailbox, {})];
  const { tenantId, sourceId: mailboxId } = mailbox;
  const removed = () => database.db.inTenant(tenantId, (sql) => removedOnServer(sql, { tenantId, mailboxId }));
  expect(await removed()).toBe(0);
  await database.db.inTenant(tenantId, (sql) =>
    sql.execute('UPDATE placement SET presence = 2 WHERE copy_id = $1', [gone.copyId]),
  );
  expect(await removed()).toBe(1);
});

test('the ledger of a folder is counted by what became of its rows', async () => {
  const { tenantId, sourceId: mailboxId, genId } = mailbox;
  await insertPlacements(database.db, mailbox, { genId, uids: [91, 92], outcome: 'recorded' });
  await insertPlacements(database.db, mailbox, { genId, uids: [93], outcome: 'filtered', reason: 'folder-role' });
  await insertPlacements(database.db, mailbox, { genId, uids: [94], outcome: 'filtered', reason: 'before-start' });
  await database.db.inTenant(tenantId, async (sql) => {
    const folders = await scopedFolders(sql, { tenantId, mailboxId });
    expect(folders).toEqual([{ path: 'INBOX', role: 'inbox', inScope: true, genId }]);
    expect(await ledgerOfFolders(sql, tenantId, [genId])).toEqual(
      new Map([[genId, { rows: 4, recorded: 2, leftOut: 1 }]]),
    );
  });
});
