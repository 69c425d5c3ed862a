import { publicId, uuidOf } from '../../src/domain/ids';
import { issueKey, testApi, type IssuedKey, type TestApi } from '../support/api';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { aMailbox, aMessage } from '../support/mail-rows';

let database: TestDatabase;
let server: TestApi;
let key: IssuedKey;
let tenantId: string;

beforeAll(async () => {
  database = await createTestDatabase();
  server = testApi(database.db, { rematchAtOnceMessages: 3 });
});
afterAll(async () => {
  await server.api.close();
  await database.drop();
});
beforeEach(async () => {
  tenantId = await database.newTenant();
  key = await issueKey(database.db, tenantId);
  server.engine.asked.length = 0;
});

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

interface RecordAnswer {
  id: string;
  version: number;
  operationId: string | null;
}

function ask(method: Method, url: string, payload?: object, headers: Record<string, string> = key.headers) {
  return server.api.inject({ method, url, headers, ...(payload === undefined ? {} : { payload }) });
}

async function made(body: object): Promise<RecordAnswer> {
  const answer = await ask('POST', '/v1/records', body);
  expect(answer.statusCode).toBe(201);
  return answer.json<RecordAnswer>();
}

async function linkedRecords(messageId: string): Promise<string[]> {
  const rows = await database.db.inTenant(tenantId, (sql) =>
    sql.query<{ record_id: string }>(
      `SELECT record_id FROM link WHERE message_id = $1 AND state = 'active' ORDER BY record_id`,
      [messageId],
    ),
  );
  return rows.map((row) => publicId('record', row.record_id));
}

const ada = {
  type: 'contact',
  name: 'Ada Lovelace',
  number: 1001,
  externalId: 'crm-7',
  addresses: [
    { address: 'Ada@Customer.Example', kind: 'business' },
    { address: 'ada@home.example', kind: 'private' },
  ],
};

test('a record is made, read, replaced, changed and deleted', async () => {
  const company = await made({ type: 'company', name: 'Customer Ltd' });
  const answer = await ask('POST', '/v1/records', { ...ada, companyId: company.id });
  expect(answer.statusCode).toBe(201);
  const { id } = answer.json<RecordAnswer>();
  expect(answer.headers.location).toBe(`/v1/records/${id}`);
  expect((await ask('GET', `/v1/records/${id}`)).json()).toMatchObject({
    ...ada,
    number: '1001',
    companyId: company.id,
    ownerUserId: null,
    version: 1,
    addresses: expect.arrayContaining(ada.addresses) as unknown,
  });

  const replaced = await ask('PUT', `/v1/records/${id}`, { type: 'lead', name: 'Ada King' });
  expect(replaced.json()).toMatchObject({ type: 'lead', number: null, companyId: null, addresses: [], version: 2 });

  const changed = await ask('PATCH', `/v1/records/${id}`, { addresses: [{ address: 'a@b.example' }] });
  expect(changed.json()).toMatchObject({ name: 'Ada King', addresses: [{ address: 'a@b.example', kind: 'business' }] });

  expect((await ask('DELETE', `/v1/records/${id}`)).statusCode).toBe(204);
  expect((await ask('GET', `/v1/records/${id}`)).statusCode).toBe(404);
  expect((await ask('DELETE', `/v1/records/${id}`)).statusCode).toBe(404);
});

test('a change that changes nothing keeps the version', async () => {
  const { id } = await made(ada);
  expect((await ask('PATCH', `/v1/records/${id}`, { name: ada.name })).json()).toMatchObject({ version: 1 });
});

test('a change on an older state is refused', async () => {
  const { id } = await made(ada);
  const ifMatch = { ...key.headers, 'if-match': '"1"' };
  expect((await ask('PATCH', `/v1/records/${id}`, { name: 'B' }, ifMatch)).statusCode).toBe(200);
  expect((await ask('PATCH', `/v1/records/${id}`, { name: 'C' }, ifMatch)).statusCode).toBe(412);
  expect((await ask('PUT', `/v1/records/${id}`, ada, ifMatch)).statusCode).toBe(412);
  expect((await ask('DELETE', `/v1/records/${id}`, undefined, ifMatch)).statusCode).toBe(412);
});

test('a repeated creation with the same key makes one record', async () => {
  const headers = { ...key.headers, 'idempotency-key': 'k1' };
  const [one, other] = [await ask('POST', '/v1/records', ada, headers), await ask('POST', '/v1/records', ada, headers)];
  expect(other.json()).toEqual(one.json());
});

test('a number belongs to one record of its type, which the answer names', async () => {
  const first = await made(ada);
  const second = await ask('POST', '/v1/records', { type: 'contact', name: 'B', number: '1001' });
  expect(second.statusCode).toBe(409);
  expect(second.json()).toMatchObject({ type: '/problems/number-taken' });
  expect(second.body).toContain(first.id);
  await made({ type: 'lead', name: 'B', number: '1001' });
  await ask('DELETE', `/v1/records/${first.id}`);
  await made({ type: 'contact', name: 'B', number: '1001' });
});

test('an external id belongs to one record of its type', async () => {
  await made(ada);
  const second = await ask('POST', '/v1/records', { type: 'contact', name: 'B', externalId: 'crm-7' });
  expect(second.statusCode).toBe(409);
  expect(second.json()).toMatchObject({ type: '/problems/external-id-taken' });
});

test.each([
  ['a type with capitals', { type: 'Contact', name: 'A' }, ['type']],
  ['a type of one letter', { type: 'c', name: 'A' }, ['type']],
  ['no type and no name', {}, ['type', 'name']],
  ['an empty name', { type: 'contact', name: '  ' }, ['name']],
  ['a wrong type of name', { type: 'contact', name: 5 }, ['name']],
  ['no address', { type: 'contact', name: 'A', addresses: [{ address: 'ada' }] }, ['addresses[0].address']],
  [
    'an unknown kind',
    { type: 'contact', name: 'A', addresses: [{ address: 'a@b.example', kind: 'x' }] },
    ['addresses[0].kind'],
  ],
  [
    'an address twice',
    { type: 'contact', name: 'A', addresses: [{ address: 'a@b.example' }, { address: 'A@b.example' }] },
    ['addresses[1].address'],
  ],
  ['an unknown field', { type: 'contact', name: 'A', colour: 'red' }, ['colour']],
  ['an id of another kind', { type: 'contact', name: 'A', companyId: 'usr_x' }, ['companyId']],
  ['an unknown company', { type: 'contact', name: 'A', companyId: `rec_${'0'.repeat(32)}` }, ['companyId']],
  ['an unknown owner', { type: 'contact', name: 'A', ownerUserId: `usr_${'0'.repeat(32)}` }, ['ownerUserId']],
  ['a NUL', { type: 'contact', name: 'A\0' }, ['name']],
  ['a line break', { type: 'contact', name: 'A\nB' }, ['name']],
  ['a text that is too long', { type: 'contact', name: 'A'.repeat(501) }, ['name']],
])('%s is refused with the field, and nothing is written', async (_what, body, fields) => {
  const answer = await ask('POST', '/v1/records', body);
  expect(answer.statusCode).toBe(400);
  expect(answer.json<{ errors: { field: string }[] }>().errors.map((error) => error.field)).toEqual(fields);
  expect((await ask('GET', '/v1/records')).json()).toMatchObject({ items: [] });
});

test('a company must be of the type company, and not the record itself', async () => {
  const contact = await made(ada);
  const company = await made({ type: 'company', name: 'C' });
  expect((await ask('PATCH', `/v1/records/${company.id}`, { companyId: contact.id })).statusCode).toBe(400);
  expect((await ask('PATCH', `/v1/records/${company.id}`, { companyId: company.id })).statusCode).toBe(400);
});

test('a company or an intermediary of others does not become something else, so that those can still be changed', async () => {
  const company = await made({ type: 'company', name: 'Customer Ltd' });
  const broker = await made({ type: 'intermediary', name: 'Broker' });
  const person = await made({ type: 'contact', name: 'Bob', companyId: company.id, intermediaryId: broker.id });
  for (const { id } of [company, broker]) {
    const refused = await ask('PATCH', `/v1/records/${id}`, { type: 'lead' });
    expect(refused.json()).toMatchObject({ status: 400, errors: [{ field: 'type' }] });
  }
  expect((await ask('PATCH', `/v1/records/${person.id}`, { name: 'Robert' })).statusCode).toBe(200);
  await ask('PATCH', `/v1/records/${person.id}`, { companyId: null });
  await ask('DELETE', `/v1/records/${person.id}`);
  for (const { id } of [company, broker]) {
    expect((await ask('PATCH', `/v1/records/${id}`, { type: 'lead' })).statusCode).toBe(200);
  }
  const back = await ask('POST', `/v1/records/${person.id}/restore`);
  expect(back.json()).toMatchObject({ companyId: null, intermediaryId: null });
});

test('a company and an intermediary that come back have those again who were changed meanwhile', async () => {
  const [company, broker] = [
    await made({ type: 'company', name: 'C' }),
    await made({ type: 'intermediary', name: 'I' }),
  ];
  const ids = { companyId: company.id, intermediaryId: broker.id };
  const contact = await made({ ...ada, ...ids });
  for (const { id } of [company, broker]) await ask('DELETE', `/v1/records/${id}`);
  const changed = await ask('PATCH', `/v1/records/${contact.id}`, { name: 'Ada' });
  expect(changed.json()).toMatchObject({ name: 'Ada', companyId: null, intermediaryId: null });
  for (const { id } of [company, broker]) await ask('POST', `/v1/records/${id}/restore`);
  expect((await ask('GET', `/v1/records/${contact.id}`)).json()).toMatchObject({ name: 'Ada', ...ids });
  await ask('PATCH', `/v1/records/${contact.id}`, { companyId: null });
  expect((await ask('GET', `/v1/records/${contact.id}`)).json()).toMatchObject({ ...ids, companyId: null });
});

test('an external id is unique among the records that came the same way', async () => {
  const [own, first, second] = [
    await made({ type: 'contact', name: 'Own', externalId: '1' }),
    await made({ type: 'contact', name: 'First', externalId: 'c1' }),
    await made({ type: 'contact', name: 'Second', externalId: 'c2' }),
  ];
  await database.db.inTenant(tenantId, (sql) =>
    sql.execute(
      `UPDATE record SET connector = 'a-crm', external_id = right(external_id, 1) WHERE external_id LIKE 'c%'`,
    ),
  );
  expect((await ask('PATCH', `/v1/records/${first.id}`, { name: 'Other' })).statusCode).toBe(200);
  const taken = await ask('PATCH', `/v1/records/${second.id}`, { externalId: '1' });
  expect(taken.statusCode).toBe(409);
  expect(taken.body).toContain(first.id);
  expect(taken.body).not.toContain(own.id);
  // The CRM has sent it once more since it was deleted here.
  await ask('DELETE', `/v1/records/${first.id}`);
  await ask('PATCH', `/v1/records/${second.id}`, { externalId: '1' });
  expect((await ask('POST', `/v1/records/${first.id}/restore`)).json()).toMatchObject({
    type: '/problems/external-id-taken',
  });
});

test('records are listed in pages and by type, name, address, number, external id and company', async () => {
  const company = await made({ type: 'company', name: 'Müller & Söhne 100%' });
  const contact = await made({ ...ada, companyId: company.id });
  await made({ type: 'lead', name: 'Lead', addresses: [{ address: 'ada@customer.example' }] });
  const listed = async (query: string) =>
    (await ask('GET', `/v1/records?${query}`)).json<{ items: { id: string }[] }>().items.map((record) => record.id);

  expect(await listed('type=contact')).toEqual([contact.id]);
  expect(await listed('name=muller')).toEqual([company.id]);
  expect(await listed('name=0%25')).toEqual([company.id]);
  expect(await listed('name=%25_')).toEqual([]);
  expect(await listed('address=ADA@customer.example')).toHaveLength(2);
  expect(await listed('type=contact&number=1001')).toEqual([contact.id]);
  expect(await listed('externalId=crm-7')).toEqual([contact.id]);
  expect(await listed(`companyId=${company.id}`)).toEqual([contact.id]);

  const first = (await ask('GET', '/v1/records?limit=2')).json<{ items: unknown[]; nextCursor: string }>();
  expect(first.items).toHaveLength(2);
  const second = await ask('GET', `/v1/records?limit=2&cursor=${first.nextCursor}`);
  expect(second.json()).toMatchObject({ items: [{ name: 'Lead' }], nextCursor: null });
  expect((await ask('GET', `/v1/records?limit=2&type=lead&cursor=${first.nextCursor}`)).statusCode).toBe(400);
});

test('without a key nothing is told, and records of another tenant do not exist', async () => {
  const { id } = await made(ada);
  const other = (await issueKey(database.db, await database.newTenant())).headers;
  const calls: [Method, string, object?][] = [
    ['GET', `/v1/records/${id}`],
    ['PUT', `/v1/records/${id}`, ada],
    ['PATCH', `/v1/records/${id}`, { name: 'X' }],
    ['DELETE', `/v1/records/${id}`],
  ];
  for (const [method, url, body] of calls) {
    expect((await ask(method, url, body, {})).statusCode).toBe(401);
    expect((await ask(method, url, body, other)).statusCode).toBe(404);
  }
  expect((await ask('POST', '/v1/records', ada, {})).statusCode).toBe(401);
  expect((await ask('GET', '/v1/records', undefined, other)).json()).toMatchObject({ items: [] });
  const foreign = await ask('POST', '/v1/records', { type: 'contact', name: 'X', companyId: id }, other);
  expect(foreign.statusCode).toBe(400);
  expect((await ask('GET', `/v1/records/${id}`)).json()).toMatchObject({ version: 1 });
});

describe('stored mail', () => {
  test('is linked when an address comes, and unlinked when it goes or the record is deleted', async () => {
    const message = await aMessage(database.db, await aMailbox(database.db, tenantId), {
      from: 'ada@customer.example',
    });
    const { id, operationId } = await made(ada);
    expect(operationId).toBeNull();
    expect(await linkedRecords(message.id)).toEqual([id]);

    await ask('PATCH', `/v1/records/${id}`, { addresses: [] });
    expect(await linkedRecords(message.id)).toEqual([]);
    await ask('PATCH', `/v1/records/${id}`, { addresses: ada.addresses });
    expect(await linkedRecords(message.id)).toEqual([id]);
    await ask('DELETE', `/v1/records/${id}`);
    expect(await linkedRecords(message.id)).toEqual([]);
  });

  test('is linked by a job where that has more shares than the answer waits for', async () => {
    await aMessage(database.db, await aMailbox(database.db, tenantId), { from: 'ada@customer.example' });
    const hasty = testApi(database.db, { rematchAtOnceShares: 1 });
    const answer = await hasty.api.inject({ method: 'POST', url: '/v1/records', headers: key.headers, payload: ada });
    expect(answer.json<RecordAnswer>().operationId).toMatch(/^opn_/);
    expect(hasty.engine.asked).toMatchObject([{ what: 'startRematch' }]);
    await hasty.api.close();
  });

  test('is linked by a job where it is much', async () => {
    const mailbox = await aMailbox(database.db, tenantId);
    for (const n of [1, 2, 3, 4]) await aMessage(database.db, mailbox, { subject: `number ${String(n)}` });
    const { operationId } = await made(ada);
    expect((await ask('GET', `/v1/operations/${String(operationId)}`)).json()).toMatchObject({
      kind: 'rematch',
      state: 'waiting',
      total: 4,
    });
    const uuid = uuidOf('operation', String(operationId));
    expect(server.engine.asked).toEqual([{ what: 'startRematch', input: { tenantId, operationId: uuid } }]);
  });

  test('is linked later where the engine is down', async () => {
    const mailbox = await aMailbox(database.db, tenantId);
    for (const n of [1, 2, 3, 4]) await aMessage(database.db, mailbox, { subject: `number ${String(n)}` });
    server.engine.down = true;
    const { operationId } = await made(ada).finally(() => (server.engine.down = false));
    expect(operationId).toMatch(/^opn_/);
  });
});
