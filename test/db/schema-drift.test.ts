import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import pg from 'pg';

import { createTestDatabase, type TestDatabase } from '../support/database';
import { columnFact, factsOfPrismaSchema, keyFact, type SchemaFacts } from '../support/prisma-schema';

const schemaText = readFileSync(join(__dirname, '..', '..', 'prisma', 'schema.prisma'), 'utf8');

let testDatabase: TestDatabase;
let owner: pg.Client;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  owner = new pg.Client({ connectionString: testDatabase.ownerUrl });
  await owner.connect();
});

afterAll(async () => {
  await owner.end();
  await testDatabase.drop();
});

// dbmate's own table, and the one that is written by COPY only.
const leftOut = ['schema_migrations', 'blob_chunk'];

/** What the catalog says, in the words of `factsOfPrismaSchema`. Partial and expression indexes are none of Prisma's business. */
async function factsOfDatabase(): Promise<SchemaFacts> {
  const tables = `c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND c.relname <> ALL ($1)`;
  const columns = await owner.query<{
    relname: string;
    column: string;
    type: string;
    notNull: boolean;
    hasDefault: boolean;
  }>(
    `SELECT c.relname, a.attname AS column, format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull AS "notNull",
            a.atthasdef OR a.attidentity <> '' AS "hasDefault"
     FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid WHERE ${tables} AND a.attnum > 0 AND NOT a.attisdropped`,
    [leftOut],
  );
  const keys = await owner.query<{ relname: string; primary: boolean; columns: string }>(
    `SELECT c.relname, i.indisprimary AS primary,
            (SELECT string_agg(a.attname, ', ' ORDER BY k.place) FROM unnest(i.indkey) WITH ORDINALITY k(number, place)
             JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number) AS columns
     FROM pg_class c JOIN pg_index i ON i.indrelid = c.oid
     WHERE ${tables} AND i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL`,
    [leftOut],
  );
  return [
    ...columns.rows.map(({ relname, ...column }) => `${relname}${columnFact(column)}`),
    ...keys.rows.map(({ relname, primary, columns }) => `${relname}${keyFact(primary, columns)}`),
  ].sort();
}

function difference(prisma: SchemaFacts, database: SchemaFacts) {
  return {
    onlyInPrisma: prisma.filter((fact) => !database.includes(fact)),
    onlyInDatabase: database.filter((fact) => !prisma.includes(fact)),
  };
}

test('schema.prisma says of every table what the migrations made', async () => {
  const facts = factsOfPrismaSchema(schemaText);
  expect(facts.length).toBeGreaterThan(200);
  expect(difference(facts, await factsOfDatabase())).toEqual({ onlyInPrisma: [], onlyInDatabase: [] });
});

test.each([
  ['a column', 'ALTER TABLE record ADD COLUMN planted text'],
  ['a type', 'ALTER TABLE record ALTER COLUMN version TYPE bigint'],
  ['a column that may not be null', 'ALTER TABLE record ALTER COLUMN number SET NOT NULL'],
  ['a default', 'ALTER TABLE record ALTER COLUMN connector DROP DEFAULT'],
  ['a primary key', 'ALTER TABLE thread_ref DROP CONSTRAINT thread_ref_pkey'],
  ['a unique key', 'CREATE UNIQUE INDEX planted ON record (name)'],
  ['a table', 'CREATE TABLE planted (id integer)'],
])('%s that differs in the database is seen', async (_what, statement) => {
  const before = await factsOfDatabase();
  await owner.query('BEGIN');
  await owner.query(statement);
  const after = await factsOfDatabase();
  await owner.query('ROLLBACK');
  const { onlyInPrisma, onlyInDatabase } = difference(before, after);
  expect([...onlyInPrisma, ...onlyInDatabase]).not.toEqual([]);
});

test('a column that only schema.prisma has is seen', async () => {
  const planted = schemaText.replace(/^model Thread \{/m, 'model Thread {\n  planted String');
  const found = difference(factsOfPrismaSchema(planted), await factsOfDatabase());
  expect(found.onlyInPrisma).toContain('thread.planted text not null');
});
