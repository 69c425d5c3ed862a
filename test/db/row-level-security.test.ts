import pg from 'pg';

import { newUuid } from '../../src/db/new-id';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { insertSource } from '../support/correspondence';
import { insertionInto, leaksOf, tablesOf } from '../support/row-level-security';

let testDatabase: TestDatabase;
let owner: pg.Client;
let app: pg.Client;
const tenants = { mine: newUuid(), theirs: newUuid() };

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  owner = new pg.Client({ connectionString: testDatabase.ownerUrl });
  app = new pg.Client({ connectionString: testDatabase.appUrl });
  await Promise.all([owner.connect(), app.connect()]);
  // Rows of a table alone, without those they would refer to.
  await owner.query('SET session_replication_role = replica');
});

afterAll(async () => {
  await Promise.all([owner.end(), app.end()]);
  await testDatabase.drop();
});

const names = async (statement: string, values: unknown[] = []) =>
  (await owner.query<{ name: string }>(statement, values)).rows.map((row) => row.name);

/** No tenant's: which workers watch, and how fast they connect to a host. The application may not touch them. */
const ofNobody = ['connection_holder', 'host_pace', 'host_pause', 'idle_worker'];

/** Outlives its tenant, so it has none; test/db/deletion/tenants.test.ts says who may see it. */
const ofGoneTenants = 'tenant_deletion';

test('a tenant can neither read, write, change, give away nor delete rows of another, in any table', async () => {
  const leftOut = ['blob_chunk', ofGoneTenants, ...ofNobody];
  const tables = (await tablesOf(owner)).filter((table) => !leftOut.includes(table));
  expect(tables.length).toBeGreaterThan(30);
  const leaks: string[] = [];
  for (const table of tables) leaks.push(...(await leaksOf({ owner, app }, table, tenants)));
  expect(leaks).toEqual([]);
});

test('without a tenant no row of any table is there', async () => {
  const seen: string[] = [];
  for (const table of await tablesOf(owner)) {
    if (table === 'blob_chunk' || ofNobody.includes(table)) continue;
    const { rowCount } = await app.query(`SELECT FROM ${table}`);
    if (rowCount !== 0) seen.push(table);
  }
  expect(seen).toEqual([]);
});

test.each(ofNobody)('the application may not touch %s', async (table) => {
  for (const statement of [`SELECT FROM ${table}`, `DELETE FROM ${table}`, `INSERT INTO ${table} DEFAULT VALUES`]) {
    await expect(app.query(statement)).rejects.toThrow(/permission denied/);
  }
});

describe('a new table is noticed', () => {
  beforeEach(async () => {
    await owner.query('CREATE TABLE planted (tenant_id uuid NOT NULL, id uuid PRIMARY KEY)');
    await owner.query('GRANT SELECT, INSERT, UPDATE, DELETE ON planted TO letterbook_app');
  });

  afterEach(() => owner.query('DROP TABLE planted'));

  const leaks = () => leaksOf({ owner, app }, 'planted', tenants);

  test('without a policy', async () => {
    expect((await leaks()).map((leak) => leak.split(' (')[0])).toEqual([
      'planted: reads',
      'planted: updates',
      'planted: deletes',
      'planted: inserts',
      'planted: gives away',
    ]);
  });

  test('with a policy that forgets writes', async () => {
    await owner.query('ALTER TABLE planted ENABLE ROW LEVEL SECURITY');
    await owner.query('CREATE POLICY tenant ON planted USING (tenant_id = current_tenant()) WITH CHECK (true)');
    expect((await leaks()).map((leak) => leak.split(' (')[0])).toEqual(['planted: inserts', 'planted: gives away']);
  });

  test('that the application cannot use at all', async () => {
    await owner.query('ALTER TABLE planted ENABLE ROW LEVEL SECURITY');
    expect((await leaks()).map((leak) => leak.split(' (')[0])).toContain('planted: cannot read its own');
  });
});

test('the application may do nothing that passes by the policies', async () => {
  const beyond = await names(
    `SELECT relname || ' ' || privilege AS name FROM pg_class
     CROSS JOIN unnest(ARRAY['TRUNCATE', 'REFERENCES', 'TRIGGER', 'MAINTAIN']) privilege
     WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v') AND has_table_privilege($1, oid, privilege)`,
    [new URL(testDatabase.appUrl).username],
  );
  expect(beyond).toEqual([]);
});

test('only these functions and views run as the owner; each applies the tenant itself', async () => {
  expect(
    await names(
      `SELECT proname AS name FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef ORDER BY proname`,
    ),
  ).toEqual(['delete_blobs', 'refuse_orphans', 'search_messages']);
  expect(
    await names(
      `SELECT proname AS name FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef
       AND NOT coalesce(array_to_string(proconfig, ' ') LIKE 'search_path=pg_catalog%', false)`,
    ),
  ).toEqual([]);
  expect(
    await names(
      `SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('v', 'm')
       AND NOT coalesce(reloptions @> '{security_invoker=true}', false)`,
    ),
  ).toEqual(['blob_bytes']);
});

describe('the bytes of blobs', () => {
  const insertion = () => insertionInto(owner, 'blob_chunk');
  const asMine = async (statement: string, values: unknown[] = []) => {
    await app.query('BEGIN');
    await app.query(`SELECT set_config('letterbook.tenant', $1, true)`, [tenants.mine]);
    try {
      return await app.query<{ tenant_id: string }>(statement, values);
    } finally {
      await app.query('ROLLBACK');
    }
  };

  beforeAll(async () => {
    for (const tenant of [tenants.mine, tenants.theirs]) await owner.query(await insertion(), [tenant]);
  });

  test.each(['SELECT FROM blob_chunk', 'UPDATE blob_chunk SET n = 1', 'DELETE FROM blob_chunk'])(
    '%s is refused',
    async (statement) => {
      await expect(asMine(statement)).rejects.toThrow(/permission denied/);
    },
  );

  test('only own bytes can be put in', async () => {
    expect((await asMine(await insertion(), [tenants.mine])).rowCount).toBe(1);
    await expect(asMine(await insertion(), [tenants.theirs])).rejects.toThrow('row of another tenant');
    await expect(app.query(await insertion(), [tenants.mine])).rejects.toThrow('row of another tenant');
  });

  test('only own bytes can be seen', async () => {
    const { rows } = await asMine('SELECT DISTINCT tenant_id FROM blob_bytes');
    expect(rows).toEqual([{ tenant_id: tenants.mine }]);
    expect((await app.query('SELECT FROM blob_bytes')).rowCount).toBe(0);
  });
});

test('a foreign key does not let a placement stand in a folder of another tenant', async () => {
  const [mine, theirs] = [await testDatabase.newTenant(), await testDatabase.newTenant()];
  const { db } = testDatabase;
  const [generation] = await db.inTenant(theirs, async (sql) =>
    sql.query<{ id: number; source_id: string }>(
      `WITH f AS (INSERT INTO folder (tenant_id, id, source_id, path, in_scope) VALUES ($1, $2, $3, 'INBOX', true) RETURNING *)
       INSERT INTO folder_generation (tenant_id, source_id, folder_id, uidvalidity) SELECT $1, source_id, id, 1 FROM f
       RETURNING id, source_id`,
      [theirs, newUuid(), await insertSource(sql, theirs)],
    ),
  );
  const place = (tenantId: string) =>
    db.inTenant(tenantId, (sql) =>
      sql.execute('INSERT INTO placement (gen_id, uid, tenant_id, source_id, outcome) VALUES ($1, 1, $2, $3, 1)', [
        generation?.id,
        tenantId,
        generation?.source_id,
      ]),
    );
  await expect(place(mine)).rejects.toThrow(/foreign key/);
  expect(await place(theirs)).toBe(1);
});

describe('the role that reads across tenants', () => {
  const readable = [
    'account_connection',
    'blob',
    'connection_holder',
    'connector',
    'connector_change',
    'deletion',
    'erasure',
    'failure',
    'folder',
    'folder_audit',
    'folder_generation',
    'host_pace',
    'host_pause',
    'idle_worker',
    'mailbox',
    'mailbox_watch',
    'notice',
    'operation',
    'outbox',
    'placement',
    'reconciliation',
    'reconciliation_finding',
    'removal',
    'search_pending',
    'source',
    'tenant',
  ];

  beforeAll(() => app.query('SET ROLE letterbook_system'));
  afterAll(() => app.query('RESET ROLE'));

  const allowed = async (statementOf: (table: string) => string) => {
    const tables: string[] = [];
    for (const table of [...(await tablesOf(owner)), 'blob_bytes']) {
      const result = await app.query(statementOf(table)).catch((error: unknown) => String(error));
      if (typeof result !== 'string') tables.push(table);
      else if (!result.includes('permission denied')) throw new Error(result);
    }
    return tables;
  };

  test('reads just the tables that housekeeping needs, of all tenants', async () => {
    expect(await allowed((table) => `SELECT FROM ${table}`)).toEqual(readable);
    const { rows } = await app.query('SELECT DISTINCT tenant_id FROM source WHERE tenant_id IN ($1, $2)', [
      tenants.mine,
      tenants.theirs,
    ]);
    expect(rows).toHaveLength(2);
  });

  test('writes nothing but who watches what, how fast, and what the reconciler did', async () => {
    const writable = await names(
      `SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v')
       AND has_table_privilege('letterbook_system', oid, 'INSERT, UPDATE, DELETE, TRUNCATE') ORDER BY 1`,
    );
    expect(writable).toEqual([
      'account_connection',
      'connection_holder',
      'host_pace',
      'host_pause',
      'idle_worker',
      'mailbox_watch',
      'reconciliation',
      'reconciliation_finding',
    ]);
    await expect(app.query(`SELECT delete_blobs('{}')`)).rejects.toThrow(/permission denied/);
  });
});
