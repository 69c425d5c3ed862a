import { openDatabase } from '../../src/db/database';
import { uuidOf } from '../../src/domain/ids';
import { connectMailbox, issueKey, testApi, type TestApi } from '../support/api';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { insertFolder, insertPlacements } from '../support/ledger-rows';

let database: TestDatabase;
let server: TestApi;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(() => {
  server = testApi(database.db);
});
afterEach(() => server.api.close());

const readiness = async (api = server.api) => {
  const answer = await api.inject('/readyz');
  return [answer.statusCode, answer.json<{ values?: string[] }>().values ?? []];
};

test('alive needs nothing', async () => {
  expect((await server.api.inject('/healthz')).json()).toEqual({ status: 'ok' });
});

test('ready needs database, Temporal and a polling worker, and names what is missing', async () => {
  expect(await readiness()).toEqual([200, []]);
  server.engine.state = { reachable: true, polled: false };
  expect(await readiness()).toEqual([503, ['worker']]);
  server.engine.state = { reachable: false, polled: false };
  expect(await readiness()).toEqual([503, ['temporal', 'worker']]);
});

test('a database that is not there makes calls 503, and the process stays alive', async () => {
  const db = openDatabase({ url: 'postgres://nobody:x@127.0.0.1:1/none', poolSize: 2 });
  const alone = testApi(db);
  expect(await readiness(alone.api)).toEqual([503, ['database']]);
  const answer = await alone.api.inject({ url: '/v1/mailboxes', headers: { authorization: 'Bearer lbk_x' } });
  expect([answer.statusCode, answer.headers['retry-after']]).toEqual([503, '5']);
  expect(answer.json()).toMatchObject({ type: '/problems/unavailable' });
  expect((await alone.api.inject('/healthz')).statusCode).toBe(200);
  await alone.api.close();
  await db.close();
});

test('metrics count mailboxes, parked mail and requests, and name no id, address or path', async () => {
  const key = await issueKey(database.db, await database.newTenant());
  const id = await connectMailbox(server, key);
  const source = { tenantId: key.tenantId, sourceId: uuidOf('mailbox', id) ?? '' };
  const folder = await insertFolder(database.db, source, 'marked-folder');
  await insertPlacements(database.db, source, { ...folder, uids: [1, 2], outcome: 'parked' });
  await server.api.inject({ url: `/v1/mailboxes/${id}?marked=query`, headers: key.headers });
  const { body, headers } = await server.api.inject('/metrics');
  expect(headers['content-type']).toContain('text/plain');
  expect(body).toContain('letterbook_mailboxes{state="connecting"} 1');
  expect(body).toContain('letterbook_placements_parked 2');
  expect(body).toMatch(
    /letterbook_http_request_duration_seconds_count\{method="GET",route="\/v1\/mailboxes\/:id",status="\d+"\} 1/,
  );
  expect(body).toContain('letterbook_outbox_held_back 0');
  expect(body).not.toMatch(/mbx_|marked|company\.example/);
});
