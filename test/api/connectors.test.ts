import { uuidOf } from '../../src/domain/ids';
import { insertUser, issueKey, testApi, type IssuedKey, type TestApi } from '../support/api';
import { CrmServer } from '../support/crm-server';
import { createTestDatabase, type TestDatabase } from '../support/database';

let database: TestDatabase;
let server: TestApi;
let crm: CrmServer;
let key: IssuedKey;
let tenantId: string;

beforeAll(async () => {
  database = await createTestDatabase();
  server = testApi(database.db, { connectorsPerTenant: 2 });
  crm = await CrmServer.start();
});
afterAll(async () => {
  await server.api.close();
  await crm.close();
  await database.drop();
});
beforeEach(async () => {
  tenantId = await database.newTenant();
  key = await issueKey(database.db, tenantId);
});

interface Connector {
  id: string;
  name: string;
  state: string;
  status: string;
  lastError: { code: string; words: string } | null;
  workflowId: string;
  pulledAt: string | null;
}

interface Problem {
  type: string;
  errors?: { field: string }[];
}

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

function call(method: Method, url: string, payload?: object, headers: Record<string, string> = {}) {
  const given = payload === undefined ? {} : { payload };
  return server.api.inject({ method, url, headers: { ...key.headers, ...headers }, ...given });
}

async function aConnector(): Promise<Connector> {
  const answer = await call('POST', '/v1/connectors', crm.connector);
  expect(answer.statusCode).toBe(201);
  return answer.json<Connector>();
}

const fieldsOf = (answer: { body: string }) => (JSON.parse(answer.body) as Problem).errors?.map(({ field }) => field);

test('a connector begins at once, and shows no secret in any answer, row or log', async () => {
  const made = await aConnector();
  expect(made).toMatchObject({
    state: 'active',
    status: 'Fetching all records for the first time.',
    workflowId: `connector/${made.id}`,
  });
  expect(server.engine.asked.at(-1)).toMatchObject({ what: 'wakeConnector', input: { tenantId } });
  const shown = [
    (await call('GET', `/v1/connectors/${made.id}`)).body,
    (await call('GET', '/v1/connectors')).body,
    server.logged(),
    JSON.stringify(
      await database.db.inTenant(tenantId, (sql) => sql.query('SELECT to_jsonb(connector) FROM connector')),
    ),
  ].join('');
  expect(shown).toContain(made.id);
  expect(shown).not.toContain(crm.token);
  expect(shown).not.toContain(crm.signingSecret);
});

test('the same request with the same Idempotency-Key makes one connector', async () => {
  const headers = { 'idempotency-key': 'once' };
  const [one, two] = [
    await call('POST', '/v1/connectors', crm.connector, headers),
    await call('POST', '/v1/connectors', crm.connector, headers),
  ];
  expect(two.json<Connector>().id).toBe(one.json<Connector>().id);
});

test('a tenant has no more connectors than may be', async () => {
  await aConnector();
  await aConnector();
  const refused = await call('POST', '/v1/connectors', crm.connector);
  expect(refused.statusCode).toBe(409);
  expect(refused.json<Problem>().type).toBe('/problems/too-many-connectors');
});

describe('what is refused is named', () => {
  test.each([
    ['a kind that there is not', { kind: 'telex' }, 'kind'],
    ['an address that is none', { settings: { baseUrl: 'ftp://crm.example' } }, 'settings.baseUrl'],
    ['an address with a password in it', { settings: { baseUrl: 'https://me:pass@crm.example' } }, 'settings.baseUrl'],
    ['a setting that there is not', { settings: { baseUrl: 'https://crm.example', hurry: true } }, 'settings.hurry'],
    [
      'a path into JSON that is none',
      { settings: { baseUrl: 'https://crm.example', mapping: { externalId: 'a..b' } } },
      'settings.mapping.externalId',
    ],
    ['a signing secret that can be guessed', { secrets: { signingSecret: 'short' } }, 'secrets.signingSecret'],
  ])('%s', async (_what, values, field) => {
    const refused = await call('POST', '/v1/connectors', { ...crm.connector, ...values });
    expect(refused.statusCode).toBe(400);
    expect(fieldsOf(refused)).toContain(field);
  });
});

test('connectors are for the tenant’s keys and admins', async () => {
  const made = await aConnector();
  const member = await issueKey(database.db, tenantId, { userId: await insertUser(database.db, tenantId) });
  const admin = await issueKey(database.db, tenantId, { userId: await insertUser(database.db, tenantId, 'admin') });
  const url = `/v1/connectors/${made.id}`;
  expect((await server.api.inject({ method: 'GET', url, headers: member.headers })).statusCode).toBe(403);
  expect((await server.api.inject({ method: 'GET', url, headers: admin.headers })).statusCode).toBe(200);
});

describe('a change', () => {
  test('is made on what is there now', async () => {
    const made = await aConnector();
    const etag = String((await call('GET', `/v1/connectors/${made.id}`)).headers.etag);
    const changed = await call('PATCH', `/v1/connectors/${made.id}`, { name: 'Another name' }, { 'if-match': etag });
    expect(changed.json<Connector>().name).toBe('Another name');
    const late = await call('PATCH', `/v1/connectors/${made.id}`, { name: 'Too late' }, { 'if-match': etag });
    expect(late.statusCode).toBe(412);
  });

  test('of the server wants the secrets again, so that they go to nobody else', async () => {
    const made = await aConnector();
    const settings = { ...crm.connector.settings, baseUrl: 'https://elsewhere.example' };
    const refused = await call('PATCH', `/v1/connectors/${made.id}`, { settings });
    expect(refused.statusCode).toBe(400);
    expect(fieldsOf(refused)).toEqual(['secrets']);
    const changed = await call('PATCH', `/v1/connectors/${made.id}`, { settings, secrets: crm.connector.secrets });
    expect(changed.statusCode).toBe(200);
  });
});

test('it is paused, goes on, and is asked at once when a person wants it', async () => {
  const { id } = await aConnector();
  expect((await call('POST', `/v1/connectors/${id}/pause`)).json<Connector>()).toMatchObject({
    state: 'paused',
    status: 'Paused by a person.',
  });
  expect((await call('POST', `/v1/connectors/${id}/sync`)).statusCode).toBe(409);
  expect((await call('POST', `/v1/connectors/${id}/resume`)).json<Connector>().state).toBe('active');
  expect((await call('POST', `/v1/connectors/${id}/sync`)).statusCode).toBe(202);
  const actions = await database.db.inTenant(tenantId, (sql) =>
    sql.query<{ action: string }>(
      `SELECT action FROM audit WHERE tenant_id = $1 AND action LIKE 'connector%' ORDER BY at, id`,
      [tenantId],
    ),
  );
  expect(actions.map(({ action }) => action)).toEqual(['connector created', 'connector paused', 'connector resumed']);
});

test('when Temporal cannot be reached, what is wished is kept for the reconciler', async () => {
  server.engine.down = true;
  try {
    const { id } = await aConnector();
    expect((await call('POST', `/v1/connectors/${id}/sync`)).statusCode).toBe(202);
  } finally {
    server.engine.down = false;
  }
});

test('one that is deleted is gone with its secret, and its records stay', async () => {
  const { id } = await aConnector();
  await database.db.inTenant(tenantId, (sql) =>
    sql.execute(
      `INSERT INTO record (tenant_id, id, type, name, connector) SELECT $1, gen_random_uuid(), 'contact', 'Anna', id::text FROM connector WHERE tenant_id = $1`,
      [tenantId],
    ),
  );
  expect((await call('DELETE', `/v1/connectors/${id}`)).statusCode).toBe(204);
  expect((await call('GET', `/v1/connectors/${id}`)).statusCode).toBe(404);
  expect((await call('GET', '/v1/records')).json<{ items: unknown[] }>().items).toHaveLength(1);
});

describe('a test', () => {
  interface Tried {
    ok: boolean;
    records: number;
    sample: { type: string; name: string }[];
    unreadable: { reason: string }[];
    code: string | null;
    words: string;
  }

  const tried = async (payload: object) => (await call('POST', '/v1/connectors/test', payload)).json<Tried>();

  test('says what the first page would become, and writes nothing', async () => {
    crm.change({ id: '1', kind: 'Person', name: 'Anna' }, { id: '2', kind: 'Robot', name: 'R2' });
    const answer = await tried(crm.connector);
    expect(answer).toMatchObject({ ok: true, records: 1, unreadable: [{ externalId: '2', reason: 'no-such-type' }] });
    expect(answer.sample).toMatchObject([{ type: 'contact', name: 'Anna' }]);
    expect((await call('GET', '/v1/records')).json<{ items: unknown[] }>().items).toEqual([]);
    expect((await call('GET', '/v1/connectors')).json<{ items: unknown[] }>().items).toEqual([]);
  });

  test('counts a record of a type that is not there among those that cannot be read', async () => {
    crm.change({ id: '9', kind: 'Vessel', name: 'Anna' });
    const { mapping } = crm.connector.settings;
    const settings = { ...crm.connector.settings, mapping: { ...mapping, type: { always: 'boat' } } };
    const refused = await tried({ ...crm.connector, settings });
    expect(refused).toMatchObject({ records: 0, sample: [] });
    expect(refused.unreadable).toContainEqual({ externalId: '9', reason: 'no-such-type' });
    expect((await call('POST', '/v1/record-types', { type: 'boat', name: 'Boat' })).statusCode).toBe(201);
    const taken = await tried({ ...crm.connector, settings });
    expect(taken.unreadable).toEqual([]);
    expect(taken.sample).toContainEqual({ type: 'boat', externalId: '9', name: 'Anna', addresses: 0 });
  });

  test('says in words why it failed', async () => {
    const secrets = { ...crm.connector.secrets, token: 'wrong' };
    const answer = await tried({ ...crm.connector, secrets });
    expect(answer).toMatchObject({ ok: false, code: 'token-refused', httpStatus: 401 });
    expect(answer.words).toContain('refused the token');
  });

  test('goes to no host inside our own network', async () => {
    const settings = { ...crm.connector.settings, baseUrl: 'https://169.254.169.254' };
    expect(await tried({ ...crm.connector, settings })).toMatchObject({ ok: false, code: 'host-not-allowed' });
  });

  test('sends no token in clear over the open network', async () => {
    const settings = { ...crm.connector.settings, baseUrl: 'http://192.0.43.8' };
    expect(await tried({ ...crm.connector, settings })).toMatchObject({ ok: false, code: 'tls-needed' });
  });

  test('of one that is there uses its secrets', async () => {
    const { id } = await aConnector();
    expect((await call('POST', `/v1/connectors/${id}/test`)).json<Tried>()).toMatchObject({ ok: true });
  });
});

test('all directories are asked who has an address, and one that cannot answer is named', async () => {
  crm.change({ id: '7', kind: 'Person', name: 'Anna at the CRM', emails: [{ value: 'anna@acme.example' }] });
  const { id } = await aConnector();
  await call('POST', '/v1/records', {
    type: 'lead',
    name: 'Anna here',
    externalId: 'x1',
    addresses: [{ address: 'Anna@acme.example' }],
  });
  const answer = await call('POST', '/v1/connectors/find', { address: 'anna@ACME.example' });
  expect(answer.json()).toEqual({
    items: [
      { connectorId: null, type: 'lead', externalId: 'x1', name: 'Anna here' },
      { connectorId: id, type: 'contact', externalId: '7', name: 'Anna at the CRM' },
    ],
    unanswered: [],
  });
  crm.misbehave(() => ({ status: 500 }));
  const later = await call('POST', '/v1/connectors/find', { address: 'anna@acme.example' });
  expect(later.json()).toMatchObject({ items: [{ name: 'Anna here' }], unanswered: [{ connectorId: id }] });
});

test('a record that came from a CRM is found by its address where the CRM itself does not say it', async () => {
  const { id } = await aConnector();
  const address = 'copied@acme.example';
  await call('POST', '/v1/records', { type: 'lead', name: 'Nobody else', addresses: [{ address }] });
  const copied = { type: 'contact', name: 'From the CRM', externalId: '7', addresses: [{ address }] };
  await call('POST', '/v1/records', copied);
  await database.db.inTenant(tenantId, (sql) =>
    sql.query("UPDATE record SET connector = $1 WHERE external_id = '7'", [uuidOf('connector', id)]),
  );
  const find = async () => (await call('POST', '/v1/connectors/find', { address })).json<{ items: object[] }>().items;
  const own = { connectorId: null, name: 'Nobody else', externalId: expect.stringMatching(/^rec_/) as string };
  expect(await find()).toMatchObject([own, { connectorId: id, externalId: '7', name: 'From the CRM' }]);

  crm.change({ id: '7', kind: 'Person', name: 'As the CRM says it now', emails: [{ value: address }] });
  expect(await find()).toMatchObject([own, { connectorId: id, externalId: '7', name: 'As the CRM says it now' }]);

  await call('DELETE', `/v1/connectors/${id}`);
  expect(await find()).toMatchObject([own, { connectorId: null, externalId: '7', name: 'From the CRM' }]);
});
