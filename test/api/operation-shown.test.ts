import { newUuid } from '../../src/db/new-id';
import { publicId } from '../../src/domain/ids';
import { issueKey, testApi, type IssuedKey, type TestApi } from '../support/api';
import { createTestDatabase, type TestDatabase } from '../support/database';

let database: TestDatabase;
let server: TestApi;
let key: IssuedKey;

beforeAll(async () => {
  database = await createTestDatabase();
  server = testApi(database.db);
  key = await issueKey(database.db, await database.newTenant());
});

afterAll(async () => {
  await server.api.close();
  await database.drop();
});

async function shown(kind: string, { done, total }: { done: number; total: number | null }): Promise<unknown> {
  const id = newUuid();
  await database.db.inTenant(key.tenantId, (sql) =>
    sql.execute(
      `INSERT INTO operation (tenant_id, id, kind, state, done, total, started_at) VALUES ($1, $2, $3, 'running', $4, $5, now())`,
      [key.tenantId, id, kind, done, total],
    ),
  );
  const url = `/v1/operations/${publicId('operation', id)}`;
  const answer = await server.api.inject({ method: 'GET', url, headers: key.headers });
  const { done: shownDone, total: shownTotal } = answer.json<{ done: number; total: number | null }>();
  return { done: shownDone, total: shownTotal };
}

test('an import of a folder that shows more by and by has never done more than there is', async () => {
  expect(await shown('import', { done: 60, total: 50 })).toEqual({ done: 60, total: 60 });
  expect(await shown('import', { done: 40, total: 50 })).toEqual({ done: 40, total: 50 });
  expect(await shown('rematch', { done: 40, total: null })).toEqual({ done: 40, total: null });
});
