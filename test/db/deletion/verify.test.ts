import type { Sql } from '../../../src/db/database';
import { lastTables } from '../../../src/db/deletion/source-tables';
import { danglingRows, verifyGone } from '../../../src/db/deletion/verify';
import { newUuid } from '../../../src/db/new-id';
import { createTestDatabase, type TestDatabase } from '../../support/database';
import { asOwner } from '../../support/database-copy';
import { aMailbox, aMessage, type TestMailbox } from '../../support/mail-rows';

let database: TestDatabase;
let mailbox: TestMailbox;

beforeAll(async () => {
  database = await createTestDatabase();
  // Two that a migration of somebody's own has made, without an index.
  await asOwner(database.ownerUrl, async (owner) => {
    for (const name of ['planted_one', 'planted_two']) {
      await owner.query(`CREATE TABLE ${name} (tenant_id uuid, source_id uuid)`);
      await owner.query(`GRANT ALL ON ${name} TO letterbook_app`);
    }
  });
});
afterAll(() => database.drop());
beforeEach(async () => {
  mailbox = await aMailbox(database.db, await database.newTenant());
});

/** What a look answers, and its statements, without those that ask the catalogue. */
async function looked<Answer>(look: (sql: Sql) => Promise<Answer>): Promise<{ answer: Answer; statements: string[] }> {
  const statements: string[] = [];
  const answer = await database.db.inTenant(mailbox.tenantId, (sql) =>
    look({
      ...sql,
      query: (text, values) => {
        if (!text.includes('pg_class')) statements.push(text);
        return sql.query(text, values);
      },
    }),
  );
  return { answer, statements };
}

const verified = (sourceId: string) =>
  looked((sql) => verifyGone(sql, { tenantId: mailbox.tenantId, sourceId, deletionId: newUuid() }, []));

test('where nothing is left nothing is counted, and no time-out is for two tables that are read as a whole', async () => {
  const { answer, statements } = await verified(newUuid());
  expect(answer.left).toEqual({});
  expect(answer.tables).toContain('planted_one');
  expect(statements.filter((text) => text.includes('count('))).toEqual([]);
  expect(statements.map((text) => text.match(/planted_\w+/g) ?? [])).toEqual([[], ['planted_one'], ['planted_two']]);
});

test('what is left is counted, each table by a statement of its own and up to a limit', async () => {
  for (const subject of ['one', 'two']) await aMessage(database.db, mailbox, { subject });
  await database.db.inTenant(mailbox.tenantId, (sql) =>
    sql.execute('INSERT INTO planted_two VALUES ($1, $2)', [mailbox.tenantId, mailbox.sourceId]),
  );
  const { answer, statements } = await verified(mailbox.sourceId);
  expect(answer.left).toMatchObject({ copy: 2, outbox: 2, planted_two: 1 });
  expect(answer.left).not.toHaveProperty('planted_one');
  const counts = statements.filter((text) => text.includes('count('));
  expect(counts).toHaveLength(Object.keys(answer.left).length);
  expect(counts.filter((text) => !/ LIMIT \d+\)/.test(text) || text.split('FROM "').length > 2)).toEqual([]);
});

test('rows whose parents are gone are looked for table by table', async () => {
  const { answer, statements } = await looked((sql) => danglingRows(sql, mailbox.tenantId));
  expect(answer).toEqual({});
  expect(statements.length).toBeGreaterThan(1);
  expect(statements.filter((text) => text.split('" child WHERE').length !== 2)).toEqual([]);
});

describe('a table that was added later', () => {
  const plantedTables: Record<string, string> = {
    'with a mailbox_id': '(mailbox_id uuid NOT NULL)',
    'with the source it came from': '(tenant_id uuid, from_source_id uuid)',
    'with an id of a mailbox as text': '(tenant_id uuid, mailbox_id text)',
    'with a column of any name that refers to the source':
      '(tenant_id uuid NOT NULL, came_by uuid NOT NULL, FOREIGN KEY (tenant_id, came_by) REFERENCES source)',
    'with a column of any name that refers to the mailbox':
      '(tenant_id uuid NOT NULL, came_by uuid NOT NULL, FOREIGN KEY (tenant_id, came_by) REFERENCES mailbox)',
    'whose rows are held by the mailbox that is still needed':
      '(tenant_id uuid NOT NULL, source_id uuid NOT NULL, FOREIGN KEY (tenant_id, source_id) REFERENCES mailbox)',
    'whose foreign key holds nothing, for a part of it is null':
      '(tenant_id uuid NOT NULL, source_id uuid NOT NULL, gen_id bigint, FOREIGN KEY (tenant_id, gen_id, source_id) REFERENCES folder_generation (tenant_id, id, source_id))',
  };
  afterEach(() => asOwner(database.ownerUrl, (owner) => owner.query('DROP TABLE planted')));

  const plant = (columns: string) =>
    asOwner(database.ownerUrl, async (owner) => {
      await owner.query(`CREATE TABLE planted ${columns}`);
      await owner.query('GRANT SELECT ON planted TO letterbook_app');
      const { rows } = await owner.query<{ name: string }>(
        `SELECT attname AS name FROM pg_attribute WHERE attrelid = 'planted'::regclass AND attnum > 0`,
      );
      const names = rows.map(({ name }) => name).filter((name) => name !== 'gen_id');
      const values = names.map((name) => (name === 'tenant_id' ? mailbox.tenantId : mailbox.sourceId));
      const places = values.map((_, n) => `$${String(n + 1)}`);
      await owner.query(`INSERT INTO planted (${names.join()}) VALUES (${places.join()})`, values);
    });

  test.each(Object.entries(plantedTables))('%s is counted', async (_, columns) => {
    await plant(columns);
    const { tenantId, sourceId } = mailbox;
    const ref = { tenantId, sourceId, deletionId: newUuid() };
    const { tables, left } = await database.db.inTenant(tenantId, (sql) => verifyGone(sql, ref, lastTables));
    expect(tables).toContain('planted');
    expect(left).toMatchObject({ planted: 1 });
    expect((await verified(newUuid())).answer.left).not.toHaveProperty('planted');
  });

  test('and names what a mail server calls its mailbox holds no row of ours', async () => {
    await asOwner(database.ownerUrl, async (owner) => {
      await owner.query('CREATE TABLE planted (tenant_id uuid, mailbox_id text)');
      await owner.query('GRANT SELECT ON planted TO letterbook_app');
      await owner.query(`INSERT INTO planted VALUES ($1, 'F2212ea87-6097-4256-9d51-71338625')`, [mailbox.tenantId]);
    });
    expect((await verified(mailbox.sourceId)).answer.left).not.toHaveProperty('planted');
  });
});
