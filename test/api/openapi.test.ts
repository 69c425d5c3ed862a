import { testApi } from '../support/api';
import { createTestDatabase, type TestDatabase } from '../support/database';

interface Operation {
  parameters?: { in: string; name: string; required: boolean }[];
  requestBody?: { content: Record<string, unknown> };
}

let database: TestDatabase;
let paths: Record<string, Record<string, Operation>>;

beforeAll(async () => {
  database = await createTestDatabase();
  const server = testApi(database.db);
  paths = (await server.api.inject('/openapi.json')).json<{ paths: typeof paths }>().paths;
  await server.api.close();
});
afterAll(() => database.drop());

const headersOf = (operation: Operation | undefined) => operation?.parameters?.filter((one) => one.in === 'header');

test('the upload of many records has a body, of lines of JSON', () => {
  expect(Object.keys(paths['/v1/records/bulk']?.['post']?.requestBody?.content ?? {})).toEqual([
    'application/x-ndjson',
  ]);
});

test('calls that create name the header by which they are done once, and others do not', () => {
  const header = [expect.objectContaining({ name: 'Idempotency-Key', required: false })];
  expect(headersOf(paths['/v1/records']?.['post'])).toEqual(header);
  expect(headersOf(paths['/v1/records/bulk']?.['post'])).toEqual(header);
  expect(headersOf(paths['/v1/records']?.['get'])).toEqual([]);
});
