import { textArray, uuidArray } from '../../src/db/binary-array';
import { newUuid } from '../../src/db/new-id';
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

test.each([0, 1, 3, 5_000])('the server reads %i ids as they were given, in their order', async (count) => {
  const ids = Array.from({ length: count }, newUuid);
  const rows = await database.db.inTenant(tenantId, (sql) =>
    sql.query<{ id: string }>('SELECT id FROM unnest($1::uuid[]) AS id', [uuidArray(ids)]),
  );
  expect(rows.map((row) => row.id)).toEqual(ids);
});

test.each(['', '00000000', 'x0000000-0000-7000-8000-000000000000'])('what is no UUID is refused: %p', (id) => {
  expect(() => uuidArray([newUuid(), id])).toThrow(TypeError);
});
