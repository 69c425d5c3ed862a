import pg from 'pg';

import { foldersOnRecord } from '../../../src/db/ingest/folder-read';
import type { Sql } from '../../../src/db/database';
import { createTestDatabase, type TestDatabase } from '../../support/database';
import { aMailbox, type TestMailbox } from '../../support/mail-rows';

// A round reads the folders of its mailbox twice: what that costs must not grow with the other mailboxes of the tenant.

let database: TestDatabase;
let mailbox: TestMailbox;
const otherFolders = 10_000;

beforeAll(async () => {
  database = await createTestDatabase();
  const tenantId = await database.newTenant();
  mailbox = await aMailbox(database.db, tenantId);
  const other = await aMailbox(database.db, tenantId);
  const owner = new pg.Client({ connectionString: database.ownerUrl });
  await owner.connect();
  await owner.query(
    `WITH made AS (
       INSERT INTO folder (tenant_id, id, source_id, path, in_scope)
       SELECT $1, gen_random_uuid(), $2, 'folder ' || n, true FROM generate_series(1, $3::int) AS n RETURNING id
     ) INSERT INTO folder_generation (tenant_id, source_id, folder_id, uidvalidity) SELECT $1, $2, id, 1 FROM made`,
    [tenantId, other.sourceId, otherFolders],
  );
  await owner.query('ANALYZE folder, folder_generation');
  await owner.end();
});
afterAll(() => database.drop());

test('the folders of a mailbox are read by their keys, however many its tenant has', async () => {
  const plans: object[] = [];
  const folders = await database.db.preparedInTenant(mailbox.tenantId, (sql) => {
    const explained: Sql = {
      ...sql,
      query: async <Row extends object>(text: string, values?: unknown[]) => {
        // As connections keep it: made for whatever values.
        await sql.execute(`PREPARE kept (uuid, uuid) AS ${text}`);
        const given = (values ?? []).map((value) => `'${String(value)}'`).join(', ');
        plans.push(...(await sql.query(`EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE kept (${given})`)));
        await sql.execute('DEALLOCATE kept');
        return sql.query<Row>(text, values);
      },
    };
    return foldersOnRecord(explained, mailbox);
  });
  expect(folders.map(({ path }) => path)).toEqual(['INBOX']);
  const [explained] = plans as { 'QUERY PLAN': [{ Plan: Record<string, number> }] }[];
  const plan = explained?.['QUERY PLAN'][0].Plan ?? {};
  expect((plan['Shared Hit Blocks'] ?? NaN) + (plan['Shared Read Blocks'] ?? NaN)).toBeLessThan(30);
});

test('a folder without messages is known to have had some', async () => {
  await database.db.inTenant(mailbox.tenantId, (sql) =>
    sql.execute('UPDATE folder_generation SET retired_at = now() WHERE id = $1', [mailbox.genId]),
  );
  const [folder] = await database.db.preparedInTenant(mailbox.tenantId, (sql) => foldersOnRecord(sql, mailbox));
  expect(folder).toMatchObject({ path: 'INBOX', generation: null, hadMessages: true });
});
