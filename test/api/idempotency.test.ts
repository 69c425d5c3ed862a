import { createHash } from 'node:crypto';

import { createSecretBox } from '../../src/db/secret-box';
import { issueKey, testApi, type IssuedKey, type TestApi } from '../support/api';
import { createTestDatabase, type TestDatabase } from '../support/database';

let database: TestDatabase;
let server: TestApi;
let key: IssuedKey;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  server = testApi(database.db);
  key = await issueKey(database.db, await database.newTenant());
});
afterEach(() => server.api.close());

const anna = {
  address: 'anna@company.example',
  imap: { host: 'imap.company.example', port: 993, security: 'tls' },
  auth: { type: 'password', password: 'marked-secret' },
};

const create = (idempotencyKey: string, body: object = anna) =>
  server.api.inject({
    method: 'POST',
    url: '/v1/mailboxes',
    headers: { ...key.headers, 'idempotency-key': idempotencyKey },
    payload: body,
  });

const onKeys = (text: string) => database.db.inTenant(key.tenantId, (sql) => sql.execute(text));

test('the same request again gets the first answer and does nothing', async () => {
  const [first, again] = [await create('one'), await create('one')];
  expect([first.statusCode, again.statusCode]).toEqual([201, 201]);
  expect(again.json()).toEqual(first.json());
  expect(again.headers).toMatchObject({ 'idempotency-replayed': 'true', location: first.headers.location });
  expect(server.tried).toHaveLength(1);
});

test('an answer that was kept by an earlier version comes as it was, also with words that are in use no more', async () => {
  await create('one');
  const kept = {
    id: 'mbx_1',
    effects: [
      { code: 'on-stop', sentence: '...' },
      { code: 'matching-of-new-mail', sentence: '...' },
    ],
  };
  await onKeys(`UPDATE idempotency_key SET response = jsonb_set(response, '{body}', '${JSON.stringify(kept)}')`);
  const again = await create('one');
  expect([again.statusCode, again.json()]).toEqual([201, kept]);
});

test('another request with the same key is 422', async () => {
  await create('one');
  const other = await create('one', { ...anna, displayName: 'Anna' });
  expect(other.json()).toMatchObject({ status: 422, type: '/problems/idempotency-key-reused' });
});

test('while the first is still running the second is 409', async () => {
  const probed = server.context.probeMailbox;
  const begun = gate();
  const held = gate();
  server.context.probeMailbox = async (access) => {
    begun.open();
    await held.passed;
    return probed(access);
  };
  const first = create('one').then((answer) => answer.statusCode);
  await begun.passed;
  expect((await create('one')).json()).toMatchObject({ status: 409, type: '/problems/idempotency-key-in-use' });
  held.open();
  expect(await first).toBe(201);
});

function gate(): { open: () => void; passed: Promise<void> } {
  let open = (): void => undefined;
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, passed };
}

test('a request that created nothing leaves the key free', async () => {
  server.probe.answer = { ok: false, code: 'port-closed', detail: 'connect' };
  expect((await create('one')).statusCode).toBe(422);
  server.probe.answer = { ok: true, provider: null, abilities: [], folders: 1 };
  expect((await create('one')).statusCode).toBe(201);
});

test('a key is free after 24 hours, and when its request died with its process', async () => {
  await create('one');
  await onKeys(`UPDATE idempotency_key SET created_at = now() - interval '25 hours'`);
  expect((await create('one')).statusCode).toBe(409); // the address is connected, so it was done anew
  await onKeys(
    `INSERT INTO idempotency_key (tenant_id, key, request_hash, created_at) SELECT tenant_id, 'two', 'x', now() - interval '6 minutes' FROM source`,
  );
  expect((await create('two', { ...anna, address: 'b@company.example' })).statusCode).toBe(201);
});

test('keys of two tenants are two', async () => {
  await create('one');
  key = await issueKey(database.db, await database.newTenant());
  expect((await create('one')).headers['idempotency-replayed']).toBeUndefined();
});

test.each(['', ' ', 'a b', '\u00e4', 'x'.repeat(256)])('a key that cannot be used is 400: %#', async (unusable) => {
  const answer = await create(unusable);
  expect(answer.json()).toMatchObject({ status: 400, errors: [{ in: 'header', field: 'Idempotency-Key' }] });
});

test('neither key nor answer keeps a secret', async () => {
  await create('one');
  const rows = await database.db.inTenant(key.tenantId, (sql) => sql.query('SELECT * FROM idempotency_key'));
  expect(JSON.stringify(rows)).not.toContain('marked-secret');
});

const keptFingerprint = async () => {
  const [row] = await database.db.inTenant(key.tenantId, (sql) =>
    sql.query<{ request_hash: Buffer }>('SELECT request_hash FROM idempotency_key'),
  );
  return row?.request_hash;
};

test('passwords cannot be tried out against what is kept of a request: it is no plain hash, but depends on the key for secrets', async () => {
  const kept: (Buffer | undefined)[] = [];
  for (const byte of [1, 2]) {
    key = await issueKey(database.db, await database.newTenant());
    server.context.secretBox = createSecretBox([{ id: 'key', key: Buffer.alloc(32, byte) }]);
    await create('one');
    kept.push(await keptFingerprint());
  }
  const text = JSON.stringify(['POST', '/v1/mailboxes', null, anna]);
  expect(kept[0]).toHaveLength(32);
  expect(kept[0]).not.toEqual(createHash('sha256').update(text).digest());
  expect(kept[0]).not.toEqual(kept[1]);
});

test('a request is known again after the keys for secrets were rotated', async () => {
  const old = { id: 'old', key: Buffer.alloc(32, 1) };
  server.context.secretBox = createSecretBox([old]);
  await create('one');
  server.context.secretBox = createSecretBox([{ id: 'new', key: Buffer.alloc(32, 2) }, old]);
  expect((await create('one')).headers).toMatchObject({ 'idempotency-replayed': 'true' });
});
