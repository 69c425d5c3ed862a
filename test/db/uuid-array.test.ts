import { newUuid } from '../../src/db/new-id';
import { uuidArray } from '../../src/db/uuid-array';
import { createTestDatabase, type TestDatabase } from '../support/database';

let database: TestDatabase;
let tenantId: string;

beforeAll(async () => {
  database = await createTestDatabase();
  tenantId = await database.newTenant();
});
afterAll(() => database.drop());

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
