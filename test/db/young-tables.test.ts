import { readCatalogue } from '../../src/db/deletion/catalogue';
import { nextContent } from '../../src/db/deletion/content-chunk';
import { deleteContent } from '../../src/db/deletion/delete-content';
import type { Database, Sql } from '../../src/db/database';
import { candidatesByAddress } from '../../src/db/match-candidates';
import { newUuid } from '../../src/db/new-id';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { aMailbox } from '../support/mail-rows';

/*
 * Tables that are just being filled have no statistics, and to the planner all their indexes cost the same. What a look-up reads is told by the
 * database's own counters: it must not depend on how many rows there are.
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
    const before = await rowsRead(sql, 'record');
    const found = await candidatesByAddress(sql, tenantId, {
      addressKeys: ids.slice(0, 20).map((id) => `${id}@customer.example`),
      policy: { gmailAddresses: 'exact', companyDomains: 'off' },
    });
    expect(found.size).toBe(20);
    return (await rowsRead(sql, 'record')) - before;
  });
  expect(read).toBe(20);
});

test('A chunk of a deletion reads the copies of its messages, however many the mailbox has in a table without statistics', async () => {
  const tenantId = await database.newTenant();
  const mailbox = await aMailbox(database.db, tenantId);
  await database.db.inTenant(tenantId, (sql) => insertCopies(sql, mailbox, 3_000));
  const ref = { tenantId, sourceId: mailbox.sourceId, deletionId: newUuid() };
  const chunk = await nextContent(database.db, ref, { after: null, limit: 10 });
  if (chunk === null) throw new Error('there is nothing to delete');
  const catalogue = await database.db.inTenant(tenantId, readCatalogue);
  let read = 0;
  const counting: Database = {
    ...database.db,
    writeInTenant: (id, work) =>
      database.db.writeInTenant(id, async (sql) => {
        const before = await rowsRead(sql, 'copy');
        const done = await work(sql);
        read = (await rowsRead(sql, 'copy')) - before;
        return done;
      }),
  };
  await deleteContent(counting, ref, { chunk, contents: new Map(), catalogue, rest: 'noted' });
  expect(chunk.copyIds).toHaveLength(10);
  expect(read).toBeGreaterThan(0);
  // Some statements read each of them, and the rows are there until the end of the transaction.
  expect(read).toBeLessThan(100);
});

test('A look at the next chunk of a deletion reads this chunk of the ledger, however much is left of it', async () => {
  const tenantId = await database.newTenant();
  const mailbox = await aMailbox(database.db, tenantId);
  await database.db.inTenant(tenantId, (sql) => insertCopies(sql, mailbox, 3_000));
  const ref = { tenantId, sourceId: mailbox.sourceId, deletionId: newUuid() };
  let read = 0;
  const counting: Database = {
    ...database.db,
    inTenant: (id, work) =>
      database.db.inTenant(id, async (sql) => {
        const before = await rowsRead(sql, 'placement');
        const done = await work(sql);
        read = (await rowsRead(sql, 'placement')) - before;
        return done;
      }),
  };
  const after = { genId: mailbox.genId, belowUid: 1_500 };
  const chunk = await nextContent(counting, ref, { after, limit: 10 });
  expect(chunk?.next).toEqual({ genId: mailbox.genId, belowUid: 1_490 });
  expect(read).toBe(10);
});

/** Copies with their messages and placements, as an import would leave them. */
async function insertCopies(sql: Sql, mailbox: { tenantId: string; sourceId: string; genId: number }, count: number) {
  const { tenantId, sourceId, genId } = mailbox;
  const ids = Array.from({ length: count }, () => newUuid());
  const rows = 'unnest($2::uuid[]) WITH ORDINALITY AS r(id, n)';
  await sql.execute(`INSERT INTO thread (tenant_id, id) SELECT $1, id FROM ${rows}`, [tenantId, ids]);
  await sql.execute(
    `INSERT INTO message (tenant_id, id, message_key, thread_id, sort_at, participants)
     SELECT $1, id, sha256(convert_to(id::text, 'UTF8')), id, now(), '{}' FROM ${rows}`,
    [tenantId, ids],
  );
  await sql.execute(
    `INSERT INTO copy (tenant_id, id, source_id, message_id, raw_sha, raw_size, raw_state, visibility, direction, parser_version)
     SELECT $1, id, $3, id, sha256(convert_to(id::text, 'UTF8')), 1000, 'none', 3, 'incoming', 1 FROM ${rows}`,
    [tenantId, ids, sourceId],
  );
  await sql.execute(
    `INSERT INTO placement (gen_id, uid, tenant_id, source_id, copy_id, outcome) SELECT $4, n, $1, $3, id, 2 FROM ${rows}`,
    [tenantId, ids, sourceId, genId],
  );
}

/** Rows of a table that index scans on this connection have fetched and not yet reported: those of its last transactions may be among them. */
async function rowsRead(sql: Sql, table: string): Promise<number> {
  const [row] = await sql.query<{ read: number }>(
    'SELECT idx_tup_fetch AS read FROM pg_stat_xact_user_tables WHERE relname = $1',
    [table],
  );
  return row?.read ?? 0;
}
