import { publicId } from '../../src/domain/ids';
import { insertUser, issueKey, testApi, type IssuedKey, type TestApi } from '../support/api';
import { createTestDatabase, type TestDatabase } from '../support/database';

let database: TestDatabase;
let server: TestApi;
let key: IssuedKey;

beforeAll(async () => {
  database = await createTestDatabase();
  server = testApi(database.db);
});
afterAll(async () => {
  await server.api.close();
  await database.drop();
});
beforeEach(async () => {
  key = await issueKey(database.db, await database.newTenant());
});

const list = (headers: Record<string, string>) => server.api.inject({ url: '/v1/mailboxes', headers });

test.each([
  {},
  { authorization: '' },
  { authorization: 'Basic bGJrX3g6' },
  { authorization: 'Bearer' },
  { authorization: 'Bearer lbk_unknown' },
  { authorization: `Bearer lbk_${'x'.repeat(5_000)}` },
  { authorization: 'Bearer \u00e4' },
])('without a key that is known nothing is answered: %#', async (headers) => {
  const answer = await list(headers);
  expect([answer.statusCode, answer.headers['www-authenticate']]).toEqual([401, 'Bearer']);
  expect(answer.json()).toMatchObject({ type: '/problems/unauthenticated', status: 401 });
});

test('a key that has expired or was revoked opens nothing', async () => {
  const expired = await issueKey(database.db, key.tenantId, { expiresAt: new Date(Date.now() - 1_000) });
  expect((await list(expired.headers)).statusCode).toBe(401);
  expect((await list(key.headers)).statusCode).toBe(200);
  await database.db.inTenant(key.tenantId, (sql) => sql.execute('UPDATE api_key SET revoked_at = now()'));
  expect((await list(key.headers)).statusCode).toBe(401);
});

test('each scope stands alone', async () => {
  const reader = await issueKey(database.db, key.tenantId, { scopes: ['read'] });
  const writer = await issueKey(database.db, key.tenantId, { scopes: ['write'] });
  const post = (headers: Record<string, string>) =>
    server.api.inject({ method: 'POST', url: '/v1/mailboxes', headers, payload: {} });
  expect((await list(reader.headers)).statusCode).toBe(200);
  expect((await post(reader.headers)).statusCode).toBe(403);
  expect((await list(writer.headers)).statusCode).toBe(403);
  expect((await post(writer.headers)).statusCode).toBe(400);
  const keys = await server.api.inject({ url: '/v1/keys', headers: reader.headers });
  expect(keys.json()).toMatchObject({ status: 403, type: '/problems/forbidden' });
});

test('Letterbook-User lets a key of the tenant act for a user of that tenant only', async () => {
  const userId = publicId('user', await insertUser(database.db, key.tenantId));
  const stranger = publicId('user', await insertUser(database.db, await database.newTenant()));
  expect((await list({ ...key.headers, 'letterbook-user': userId })).statusCode).toBe(200);
  for (const wrong of [stranger, 'usr_1', 'anna', '']) {
    expect([wrong, (await list({ ...key.headers, 'letterbook-user': wrong })).statusCode]).toEqual([wrong, 403]);
  }
});

test("a user's key cannot act for anybody else", async () => {
  const [own, other] = await Promise.all([
    insertUser(database.db, key.tenantId),
    insertUser(database.db, key.tenantId),
  ]);
  const narrow = await issueKey(database.db, key.tenantId, { userId: own });
  const as = (userId: string) => list({ ...narrow.headers, 'letterbook-user': publicId('user', userId) });
  expect((await as(own)).statusCode).toBe(200);
  expect((await as(other)).statusCode).toBe(403);
});

test('an unknown address needs a key as well', async () => {
  expect((await server.api.inject('/v1/nothing')).statusCode).toBe(401);
  const known = await server.api.inject({ url: '/v1/nothing', headers: key.headers });
  expect(known.json()).toMatchObject({ status: 404, type: '/problems/not-found' });
});

test('the document and its page are open, and the page runs nothing from elsewhere', async () => {
  const [document, page] = await Promise.all([server.api.inject('/openapi.json'), server.api.inject('/docs')]);
  expect(document.json()).toMatchObject({ openapi: '3.1.0', info: { title: 'Letterbook' } });
  expect(page.statusCode).toBe(200);
  expect(page.headers['content-security-policy']).toMatch(/default-src 'none'; script-src 'self';/);
});

test('answers are not guessed at, kept or framed', async () => {
  const { headers } = await list(key.headers);
  expect(headers).toMatchObject({
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
    'x-frame-options': 'DENY',
  });
  expect(headers['content-security-policy']).toContain('sandbox');
});
