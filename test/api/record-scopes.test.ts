import { publicId } from '../../src/domain/ids';
import { issueKey, testApi, type IssuedKey, type TestApi } from '../support/api';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { aMailbox, aMessage, aUser } from '../support/mail-rows';

let database: TestDatabase;
let server: TestApi;
let key: IssuedKey;
let tenantId: string;

beforeAll(async () => {
  database = await createTestDatabase();
  server = testApi(database.db);
});
afterAll(async () => {
  await server.api.close();
  await database.drop();
});
beforeEach(async () => {
  tenantId = await database.newTenant();
  key = await issueKey(database.db, tenantId);
});

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
type Headers = Record<string, string>;

function ask(method: Method, url: string, payload?: object, headers: Headers = key.headers) {
  return server.api.inject({ method, url, headers, ...(payload === undefined ? {} : { payload }) });
}

const as = (user: { id: string }): Headers => ({ ...key.headers, 'letterbook-user': publicId('user', user.id) });

async function made(url: string, body: object): Promise<string> {
  const answer = await ask('POST', url, body);
  expect(answer.statusCode).toBe(201);
  return answer.json<{ id: string }>().id;
}

async function listed(url: string, headers?: Headers): Promise<string[]> {
  return (await ask('GET', url, undefined, headers)).json<{ items: { id: string }[] }>().items.map(({ id }) => id);
}

describe('teams', () => {
  test('are made, listed, changed and removed; members join and leave', async () => {
    const [ann, bob] = [await aUser(database.db, tenantId), await aUser(database.db, tenantId)];
    const [annId, bobId] = [publicId('user', ann.id), publicId('user', bob.id)];
    const id = await made('/v1/teams', { name: 'North', memberUserIds: [annId] });
    expect((await ask('GET', `/v1/teams/${id}`)).json()).toMatchObject({ name: 'North', memberUserIds: [annId] });
    expect(await listed(`/v1/teams?memberUserId=${bobId}`)).toEqual([]);
    expect((await ask('PUT', `/v1/teams/${id}/members/${bobId}`)).json()).toMatchObject({
      memberUserIds: [annId, bobId].sort(),
    });
    expect(await listed(`/v1/teams?memberUserId=${bobId}`)).toEqual([id]);
    expect((await ask('DELETE', `/v1/teams/${id}/members/${annId}`)).json()).toMatchObject({ memberUserIds: [bobId] });
    const stale = { ...key.headers, 'if-match': '"x"' };
    expect((await ask('PATCH', `/v1/teams/${id}`, { name: 'South' }, stale)).statusCode).toBe(412);
    expect((await ask('PATCH', `/v1/teams/${id}`, { name: 'South' })).json()).toMatchObject({ name: 'South' });
    const unknown = { memberUserIds: [publicId('user', '0192f0c1-0000-7000-8000-000000000000')] };
    expect((await ask('PATCH', `/v1/teams/${id}`, unknown)).statusCode).toBe(400);
    expect((await ask('POST', '/v1/teams', { name: 'X' }, as(ann))).statusCode).toBe(403);
    expect((await ask('DELETE', `/v1/teams/${id}`)).statusCode).toBe(204);
    expect((await ask('GET', `/v1/teams/${id}`)).statusCode).toBe(404);
  });

  test('have numbers that no user has', async () => {
    const before = await aUser(database.db, tenantId);
    await made('/v1/teams', { name: 'North' });
    const after = await aUser(database.db, tenantId);
    expect(after.principal).toBe(before.principal + 2);
  });

  test('to which a record is restricted stay', async () => {
    const team = await made('/v1/teams', { name: 'North' });
    const scope = { mode: 'restricted', teamIds: [team] };
    const record = await made('/v1/records', { type: 'contact', name: 'A', scope });
    expect((await ask('DELETE', `/v1/teams/${team}`)).json()).toMatchObject({ type: '/problems/team-in-use' });
    await ask('PATCH', `/v1/records/${record}`, { scope: { mode: 'all' } });
    expect((await ask('DELETE', `/v1/teams/${team}`)).statusCode).toBe(204);
  });
});

describe('a restricted record', () => {
  test('is not named to a member who wants its number or external id', async () => {
    const other = await aUser(database.db, tenantId);
    const scope = { mode: 'restricted' };
    const id = await made('/v1/records', { type: 'contact', name: 'A', number: '7', externalId: 'x', scope });
    for (const values of [{ number: '7' }, { externalId: 'x' }]) {
      const body = { type: 'contact', name: 'B', ...values };
      const [refused, told] = [
        await ask('POST', '/v1/records', body, as(other)),
        await ask('POST', '/v1/records', body),
      ];
      expect([refused.statusCode, refused.body.includes(id)]).toEqual([409, false]);
      expect([told.statusCode, told.body.includes(id)]).toEqual([409, true]);
    }
  });

  test('is there for its users and teams, for managers and the tenant, and for nobody else', async () => {
    const [named, member, other] = [
      await aUser(database.db, tenantId),
      await aUser(database.db, tenantId),
      await aUser(database.db, tenantId),
    ];
    const manager = await aUser(database.db, tenantId, { role: 'manager' });
    const team = await made('/v1/teams', { name: 'North', memberUserIds: [publicId('user', member.id)] });
    const scope = { mode: 'restricted', teamIds: [team], userIds: [publicId('user', named.id)] };
    const body = { type: 'contact', name: 'A', externalId: 'x', scope };
    const record = await made('/v1/records', body);
    expect((await ask('GET', `/v1/records/${record}`)).json()).toMatchObject({ scope });
    for (const user of [named, member, manager]) {
      expect((await ask('GET', `/v1/records/${record}`, undefined, as(user))).statusCode).toBe(200);
      expect(await listed('/v1/records', as(user))).toEqual([record]);
    }
    const calls: [Method, string, object?][] = [
      ['GET', ''],
      ['PATCH', '', { name: 'B' }],
      ['PUT', '', body],
      ['DELETE', ''],
      ['POST', '/restore'],
      ['GET', '/merges'],
      ['POST', '/merge', { into: record }],
    ];
    for (const [method, path, payload] of calls) {
      const answer = await ask(method, `/v1/records/${record}${path}`, payload, as(other));
      expect([method, path, answer.statusCode]).toEqual([method, path, 404]);
    }
    expect(await listed('/v1/records', as(other))).toEqual([]);
    const bulk = await server.api.inject({
      method: 'POST',
      url: '/v1/records/bulk',
      headers: { ...as(other), 'content-type': 'application/x-ndjson' },
      payload: JSON.stringify({ type: 'contact', externalId: 'x', name: 'Mine', scope: { mode: 'all' } }),
    });
    expect(bulk.json()).toMatchObject({ written: 0, refused: [{ errors: [{ field: 'externalId' }] }] });

    await ask('DELETE', `/v1/teams/${team}/members/${publicId('user', member.id)}`);
    expect((await ask('GET', `/v1/records/${record}`, undefined, as(member))).statusCode).toBe(404);
  });

  test('shows its mail to whom it is shown, from the change on', async () => {
    const [one, two] = [await aUser(database.db, tenantId), await aUser(database.db, tenantId)];
    const mailbox = await aMailbox(database.db, tenantId, { visibility: 'full' });
    const message = await aMessage(database.db, mailbox, { from: 'ada@customer.example' });
    const record = await made('/v1/records', {
      type: 'contact',
      name: 'Ada',
      addresses: [{ address: 'ada@customer.example' }],
    });
    const reads = async (user: { id: string }) =>
      (await ask('GET', `/v1/messages/${publicId('message', message.id)}`, undefined, as(user))).statusCode;
    expect([await reads(one), await reads(two)]).toEqual([200, 200]);
    const scope = { mode: 'restricted', userIds: [publicId('user', one.id)] };
    expect((await ask('PATCH', `/v1/records/${record}`, { scope })).statusCode).toBe(200);
    expect([await reads(one), await reads(two)]).toEqual([200, 404]);
    await ask('PATCH', `/v1/records/${record}`, { scope: { mode: 'all' } });
    expect(await reads(two)).toBe(200);
  });

  test.each([
    ['a team', { mode: 'restricted', teamIds: [`tea_${'0'.repeat(32)}`] }, 'scope.teamIds'],
    ['a user', { mode: 'restricted', userIds: [`usr_${'0'.repeat(32)}`] }, 'scope.userIds'],
  ])('names %s that exists', async (_what, scope, field) => {
    const answer = await ask('POST', '/v1/records', { type: 'contact', name: 'A', scope });
    expect(answer.json()).toMatchObject({ errors: [{ field }] });
  });
});

test('the mail of a contact stands at its intermediary, and at another when that changes', async () => {
  const mailbox = await aMailbox(database.db, tenantId);
  const message = await aMessage(database.db, mailbox, { from: 'ada@customer.example' });
  const [one, two] = [
    await made('/v1/records', { type: 'intermediary', name: 'One' }),
    await made('/v1/records', { type: 'intermediary', name: 'Two' }),
  ];
  const contact = await made('/v1/records', {
    type: 'contact',
    name: 'Ada',
    intermediaryId: one,
    addresses: [{ address: 'ada@customer.example' }],
  });
  const at = (record: string) => listed(`/v1/records/${record}/timeline`);
  expect(await at(one)).toEqual([publicId('message', message.id)]);
  await ask('PATCH', `/v1/records/${contact}`, { intermediaryId: two });
  expect([await at(one), await at(two)]).toEqual([[], [publicId('message', message.id)]]);
  const wrong = await ask('PATCH', `/v1/records/${one}`, { intermediaryId: contact });
  expect(wrong.json()).toMatchObject({ errors: [{ field: 'intermediaryId' }] });
  expect((await ask('PATCH', `/v1/records/${one}`, { intermediaryId: one })).statusCode).toBe(400);
});

describe('types of records', () => {
  test('are the built-in ones and those that a tenant has named; others are refused', async () => {
    const refused = await ask('POST', '/v1/records', { type: 'vehicle', name: 'Van' });
    expect(refused.json()).toMatchObject({ errors: [{ field: 'type' }] });
    expect((await ask('POST', '/v1/record-types', { type: 'vehicle', name: 'Vehicle' })).statusCode).toBe(201);
    expect((await ask('POST', '/v1/record-types', { type: 'vehicle', name: 'Vehicle' })).statusCode).toBe(409);
    expect((await ask('POST', '/v1/record-types', { type: 'contact', name: 'Contact' })).statusCode).toBe(409);
    const van = await made('/v1/records', { type: 'vehicle', name: 'Van' });
    const list = (await ask('GET', '/v1/record-types')).json<{ items: { type: string }[] }>();
    expect(list.items.map(({ type }) => type)).toEqual([
      ...['contact', 'company', 'lead', 'opportunity', 'project', 'ticket', 'task', 'comment', 'intermediary'],
      'vehicle',
    ]);
    expect((await ask('PATCH', '/v1/record-types/vehicle', { name: 'Car' })).json()).toMatchObject({ name: 'Car' });
    expect((await ask('DELETE', '/v1/record-types/vehicle')).json()).toMatchObject({ type: '/problems/type-in-use' });
    expect((await ask('DELETE', '/v1/record-types/lead')).statusCode).toBe(409);
    await ask('DELETE', `/v1/records/${van}`);
    expect((await ask('DELETE', '/v1/record-types/vehicle')).statusCode).toBe(204);
    expect((await ask('POST', `/v1/records/${van}/restore`)).json()).toMatchObject({ errors: [{ field: 'type' }] });
  });
});

describe('a deleted record', () => {
  const contact = { type: 'contact', name: 'Ada', number: '7', addresses: [{ address: 'ada@customer.example' }] };

  test('is listed among the deleted, and comes back with its mail, also what was taken away by hand', async () => {
    const mailbox = await aMailbox(database.db, tenantId);
    const message = await aMessage(database.db, mailbox, { from: 'ada@customer.example' });
    const hidden = await aMessage(database.db, mailbox, { from: 'ada@customer.example', subject: 'hidden' });
    const id = await made('/v1/records', contact);
    await database.db.inTenant(tenantId, (sql) =>
      sql.execute(`UPDATE link SET state = 'suppressed' WHERE message_id = $1`, [hidden.id]),
    );
    expect((await ask('POST', `/v1/records/${id}/restore`)).json()).toMatchObject({
      type: '/problems/record-not-deleted',
    });
    await ask('DELETE', `/v1/records/${id}`);
    expect(await listed('/v1/messages?unassigned=true')).toContain(publicId('message', message.id));
    expect(await listed('/v1/records?deleted=true')).toEqual([id]);
    const twin = await made('/v1/records', { ...contact, number: '8' });
    const answer = await ask('POST', `/v1/records/${id}/restore`);
    expect(answer.json()).toMatchObject({
      id,
      number: '7',
      sharedAddresses: [{ address: 'ada@customer.example', recordIds: [twin] }],
    });
    expect(await listed(`/v1/records/${id}/timeline`)).toEqual([publicId('message', message.id)]);
  });

  test('whose number somebody else has now is not restored, and says whose it is', async () => {
    const id = await made('/v1/records', contact);
    await ask('DELETE', `/v1/records/${id}`);
    const heir = await made('/v1/records', contact);
    const answer = await ask('POST', `/v1/records/${id}/restore`);
    expect(answer.statusCode).toBe(409);
    expect(answer.body).toContain(heir);
  });
});
