import type { Sql } from '../../src/db/database';
import { lockTenantForWriting } from '../../src/db/tenant-lock';
import { refreshTimelines, timelineDifferences } from '../../src/db/timeline-write';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { aMailbox, aMessage, aRecord, aUser } from '../support/mail-rows';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

/** A message at a record, with a member who holds it and everybody else who may read its subject. */
async function aLinkedMessage() {
  const tenantId = await database.newTenant();
  const { id: ownerUserId } = await aUser(database.db, tenantId);
  const mailbox = await aMailbox(database.db, tenantId, { visibility: 'subject', ownerUserId });
  await aRecord(database.db, tenantId, { addresses: ['ada@customer.example'] });
  const { id } = await aMessage(database.db, mailbox, { from: 'ada@customer.example' });
  const underLock = <T>(work: (sql: Sql) => Promise<T>) =>
    database.db.inTenant(tenantId, async (sql) => {
      await lockTenantForWriting(sql, tenantId);
      return work(sql);
    });
  return {
    underLock,
    /** Its rows, with the transaction that wrote each. */
    rows: () =>
      underLock((sql) =>
        sql.query<{ place: string; written: string }>(
          `SELECT record_id || ' ' || principal || ' ' || level AS place, xmin::text AS written FROM timeline ORDER BY 1`,
        ),
      ),
    refresh: () => underLock((sql) => refreshTimelines(sql, tenantId, [id, id])),
    differences: () => underLock((sql) => timelineDifferences(sql, tenantId, [id])),
  };
}

test('rows that are right are not written again', async () => {
  const { rows, refresh } = await aLinkedMessage();
  const before = await rows();
  expect(before.length).toBeGreaterThan(4);
  await refresh();
  expect(await rows()).toEqual(before);
});

test('what is missing comes, what is too much goes, and what says another level is put right', async () => {
  const { rows, refresh, differences, underLock } = await aLinkedMessage();
  const before = await rows();
  await underLock(async (sql) => {
    await sql.execute('DELETE FROM timeline WHERE principal = 0 AND record_id IN (SELECT id FROM record)');
    await sql.execute('UPDATE timeline SET level = 1 WHERE principal > 0 AND record_id IN (SELECT id FROM record)');
    await sql.execute(
      'INSERT INTO timeline SELECT tenant_id, record_id, 4711, sort_at, message_id, level FROM timeline WHERE principal = -1',
    );
  });
  expect(await differences()).not.toEqual([]);
  await refresh();
  const after = await rows();
  expect(after.map(({ place }) => place)).toEqual(before.map(({ place }) => place));
  const kept = new Set(before.map(({ place, written }) => `${place} ${written}`));
  const writtenAgain = after.filter(({ place, written }) => !kept.has(`${place} ${written}`));
  expect(writtenAgain).toHaveLength(2);
});
