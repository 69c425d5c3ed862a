import { candidatesByAddress } from '../../src/db/match-candidates';
import { newUuid } from '../../src/db/new-id';
import { createTestDatabase, type TestDatabase } from '../support/database';

/*
 * Tables that are just being filled have no statistics, and to the planner all their indexes cost the same. What a look-up of a record reads is told
 * by the database's own counters: it must not depend on how many records there are.
 */

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

test('The records of an address are looked up by their ids, however many there are in a table without statistics', async () => {
  const tenantId = await database.newTenant();
  const ids = Array.from({ length: 300 }, () => newUuid());
  await database.db.inTenant(tenantId, async (sql) => {
    await sql.execute(
      `INSERT INTO record (tenant_id, id, type, name) SELECT $1, id, 'contact', id::text FROM unnest($2::uuid[]) AS r(id)`,
      [tenantId, ids],
    );
    await sql.execute(
      `INSERT INTO record_address (tenant_id, record_id, address_key, address, kind)
       SELECT $1, id, id || '@customer.example', id || '@customer.example', 'business' FROM unnest($2::uuid[]) AS r(id)`,
      [tenantId, ids],
    );
  });
  const read = await database.db.preparedInTenant(tenantId, async (sql) => {
    const before = await rowsReadBy(sql);
    const found = await candidatesByAddress(sql, tenantId, {
      addressKeys: ids.slice(0, 20).map((id) => `${id}@customer.example`),
      policy: { gmailAddresses: 'exact', companyDomains: 'off' },
    });
    expect(found.size).toBe(20);
    return (await rowsReadBy(sql)) - before;
  });
  expect(read).toBe(20);
});

/** Rows of the table that index scans have fetched in this transaction. */
async function rowsReadBy(sql: Parameters<Parameters<TestDatabase['db']['inTenant']>[1]>[0]): Promise<number> {
  const [row] = await sql.query<{ read: number }>(
    `SELECT idx_tup_fetch AS read FROM pg_stat_xact_user_tables WHERE relname = 'record'`,
  );
  return row?.read ?? 0;
}
