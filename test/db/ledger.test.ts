import pg from 'pg';

import { readLedger } from '../../src/db/ledger';
import type { Database, Sql } from '../../src/db/database';
import { newUuid } from '../../src/db/new-id';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { insertFolder, insertPlacements } from '../support/ledger-rows';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

async function newSource(): Promise<{ tenantId: string; sourceId: string }> {
  const source = { tenantId: await database.newTenant(), sourceId: newUuid() };
  await database.db.inTenant(source.tenantId, (sql) =>
    sql.execute(
      `INSERT INTO source (tenant_id, id, kind, address, address_key, policy, desired_state) VALUES ($1, $2, 'mailbox', 'a', 'a', '{}', 'running')`,
      [source.tenantId, source.sourceId],
    ),
  );
  return source;
}

interface PlanNode {
  'Node Type': string;
  'Relation Name'?: string;
  'Actual Rows': number;
  'Actual Loops': number;
  Plans?: PlanNode[];
}

/** The same database, but each query is explained and its plan kept. */
function explaining(plans: PlanNode[]): Database {
  return {
    ...database.db,
    inTenant: (tenantId, work) =>
      database.db.inTenant(tenantId, async (sql) => {
        const query: Sql['query'] = async <Row extends object>(text: string, values?: unknown[]) => {
          const [plan] = await sql.query<{ 'QUERY PLAN': { Plan: PlanNode }[] }>(
            `EXPLAIN (ANALYZE, FORMAT JSON) ${text}`,
            values,
          );
          plans.push(...(plan?.['QUERY PLAN'] ?? []).map((entry) => entry.Plan));
          return sql.query<Row>(text, values);
        };
        return work({ ...sql, query });
      }),
  };
}

/** What autovacuum does by itself after an import; the application may not. */
async function analyze(): Promise<void> {
  const owner = new pg.Client({ connectionString: database.ownerUrl });
  await owner.connect();
  await owner.query('ANALYZE placement');
  await owner.end();
}

function nodesOf(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(nodesOf)];
}

test('a page in the middle of a big ledger reads a page, not the ledger', async () => {
  const source = await newSource();
  const folder = await insertFolder(database.db, source);
  const uids = Array.from({ length: 30_000 }, (_, n) => n + 1);
  await insertPlacements(database.db, source, { ...folder, uids });
  await analyze();
  const plans: PlanNode[] = [];
  const rows = await readLedger(explaining(plans), source, {
    filter: { folder: null, outcome: null, presence: null },
    after: { generationId: folder.genId, uid: 20_000 },
    limit: 51,
  });
  expect(rows.map((row) => row.uid)).toEqual(uids.slice(20_000, 20_051));
  const scans = plans.flatMap(nodesOf).filter((node) => node['Relation Name'] === 'placement');
  expect(scans.map((node) => node['Node Type'])).toEqual(['Index Scan']);
  expect(scans[0]?.['Actual Rows']).toBeLessThanOrEqual(51);
});

test('the ledger of a source shows no row of another source of the tenant', async () => {
  const source = await newSource();
  const other = { ...source, sourceId: newUuid() };
  await database.db.inTenant(source.tenantId, (sql) =>
    sql.execute(
      `INSERT INTO source (tenant_id, id, kind, address, address_key, policy, desired_state) VALUES ($1, $2, 'mailbox', 'b', 'b', '{}', 'running')`,
      [source.tenantId, other.sourceId],
    ),
  );
  await insertPlacements(database.db, other, { ...(await insertFolder(database.db, other)), uids: [1] });
  const page = { filter: { folder: null, outcome: null, presence: null }, after: null, limit: 10 };
  expect(await readLedger(database.db, source, page)).toEqual([]);
});
