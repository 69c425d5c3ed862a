import { textArray } from '../../src/db/text-array';
import { createTestDatabase, type TestDatabase } from '../support/database';

let database: TestDatabase;
let tenantId: string;

beforeAll(async () => {
  database = await createTestDatabase();
  tenantId = await database.newTenant();
});

afterAll(() => database.drop());

async function asStored(texts: string[]): Promise<string[]> {
  const rows = await database.db.inTenant(tenantId, (sql) =>
    sql.query<{ text: string }>('SELECT unnest($1::text[]) AS text', [textArray(texts)]),
  );
  return rows.map(({ text }) => text);
}

test('texts come to the database as they are, in their order', async () => {
  const texts = [
    '',
    'plain',
    '"quoted", {braced} \\ and NULL',
    'NULL',
    'zwei\r\nZeilen\tÄöü ß',
    '🙂 ȘțĂ',
    'x'.repeat(100_000),
  ];
  expect(await asStored(texts)).toEqual(texts);
});

test('no text is no row', async () => {
  expect(await asStored([])).toEqual([]);
});

test('half of a surrogate pair becomes the replacement character, and what follows is whole', async () => {
  expect(await asStored(['a\ud800b', 'next'])).toEqual(['a\ufffdb', 'next']);
});
