import { createHash } from 'node:crypto';

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

interface Made {
  id: string;
  key: string | null;
  scopes: string[];
  userId: string | null;
}

const make = (payload: object, headers: Record<string, string> = key.headers) =>
  server.api.inject({ method: 'POST', url: '/v1/keys', headers, payload });
const list = async (headers: Record<string, string> = key.headers) =>
  (await server.api.inject({ url: '/v1/keys', headers })).json<{ items: Made[] }>().items;
const opens = async (secret: string | null) =>
  (await server.api.inject({ url: '/v1/mailboxes', headers: { authorization: `Bearer ${String(secret)}` } }))
    .statusCode;

test('a new key is shown once, and only its hash is kept', async () => {
  const answer = await make({ label: 'CRM' });
  const made = answer.json<Made>();
  expect([answer.statusCode, answer.headers.location]).toEqual([201, `/v1/keys/${made.id}`]);
  expect(made).toMatchObject({
    label: 'CRM',
    scopes: ['read', 'write'],
    userId: null,
    expiresAt: null,
    revokedAt: null,
  });
  expect(await opens(made.key)).toBe(200);
  const kept = await database.db.inTenant(key.tenantId, (sql) =>
    sql.query<{ key_hash: Buffer }>('SELECT * FROM api_key'),
  );
  expect(JSON.stringify(kept)).not.toContain(made.key);
  expect(kept.some((row) => row.key_hash.equals(createHash('sha256').update(String(made.key)).digest()))).toBe(true);
  expect(JSON.stringify(await list())).not.toContain('lbk_');
});

test('a repeated creation makes one key, and does not show it again', async () => {
  const headers = { ...key.headers, 'idempotency-key': 'once' };
  const [first, again] = [await make({ label: 'CRM' }, headers), await make({ label: 'CRM' }, headers)];
  expect(again.statusCode).toBe(201);
  expect(again.headers['idempotency-replayed']).toBe('true');
  expect(again.json<Made>()).toEqual({ ...first.json<Made>(), key: null });
  const rows = await database.db.inTenant(key.tenantId, (sql) => sql.query('SELECT response FROM idempotency_key'));
  expect(JSON.stringify(rows)).not.toContain('lbk_');
});

test('a revoked key opens nothing; revoking twice changes nothing', async () => {
  const made = (await make({ label: 'CRM' })).json<Made>();
  const revoke = () => server.api.inject({ method: 'DELETE', url: `/v1/keys/${made.id}`, headers: key.headers });
  const first = (await revoke()).json<{ revokedAt: string }>();
  expect(first.revokedAt).not.toBeNull();
  expect(await opens(made.key)).toBe(401);
  expect((await revoke()).json<{ revokedAt: string }>().revokedAt).toBe(first.revokedAt);
});

test('a key gives away no more than it has', async () => {
  const narrow = await issueKey(database.db, key.tenantId, { scopes: ['admin'] });
  expect((await make({ label: 'x', scopes: ['read'] }, narrow.headers)).statusCode).toBe(403);
  const userId = await insertUser(database.db, key.tenantId);
  const own = await issueKey(database.db, key.tenantId, { userId });
  expect((await make({ label: 'x', userId: null }, own.headers)).statusCode).toBe(403);
  expect((await make({ label: 'x' }, own.headers)).json<Made>().userId).toBe(publicId('user', userId));
  expect((await list(own.headers)).every((item) => item.userId === publicId('user', userId))).toBe(true);
});

test('names what is wrong', async () => {
  const fields = async (payload: object) =>
    (await make(payload)).json<{ errors: { field: string }[] }>().errors.map((error) => error.field);
  expect(await fields({ scopes: ['all'], expiresAt: 'soon', more: 1 })).toEqual([
    'label',
    'scopes[0]',
    'expiresAt',
    'more',
  ]);
  expect(await fields({ label: 'x', expiresAt: '2020-01-01T00:00:00Z' })).toEqual(['expiresAt']);
  expect(await fields({ label: 'x', userId: 'usr_01a202c766ca70498a1aae17efff5777' })).toEqual(['userId']);
});

test('a key of another tenant is 404', async () => {
  const made = (await make({ label: 'CRM' })).json<Made>();
  const other = await issueKey(database.db, await database.newTenant());
  const answer = await server.api.inject({ method: 'DELETE', url: `/v1/keys/${made.id}`, headers: other.headers });
  expect(answer.statusCode).toBe(404);
  expect(await opens(made.key)).toBe(200);
});

test('are listed newest first, page by page, to a user only their own', async () => {
  const user = publicId('user', await insertUser(database.db, key.tenantId));
  const made = [
    await make({ label: 'one' }),
    await make({ label: 'two', userId: user }),
    await make({ label: 'three' }),
  ];
  const [one, two, three] = made.map((answer) => answer.json<Made>().id);
  const page = async (query: string) =>
    (await server.api.inject({ url: `/v1/keys${query}`, headers: key.headers })).json<{
      items: Made[];
      nextCursor: string;
    }>();
  const first = await page('?limit=2');
  expect(first.items.map(({ id }) => id)).toEqual([three, two]);
  const next = await page(`?limit=2&cursor=${first.nextCursor}`);
  expect(next.items.map(({ id }) => id)).toEqual([one, expect.any(String)]);
  expect((await list({ ...key.headers, 'letterbook-user': user })).map(({ id }) => id)).toEqual([two]);
});
