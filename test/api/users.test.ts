import { publicId } from '../../src/domain/ids';
import { connectMailbox, issueKey, testApi, type IssuedKey, type TestApi } from '../support/api';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { aMailbox, aMessage, aUser } from '../support/mail-rows';
import { mailboxPolicy } from '../support/mailbox-policy';

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
});

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

function ask(method: Method, url: string, payload?: object, headers: Record<string, string> = key.headers) {
  return server.api.inject({ method, url, headers, ...(payload === undefined ? {} : { payload }) });
}

test('a user is made, read, changed and removed', async () => {
  const made = await ask('POST', '/v1/users', { name: 'Anna', role: 'manager', addresses: ['Anna@Company.Example'] });
  expect(made.statusCode).toBe(201);
  const { id } = made.json<{ id: string }>();
  expect(made.headers.location).toBe(`/v1/users/${id}`);
  expect(made.json()).toMatchObject({ name: 'Anna', role: 'manager', addresses: ['anna@company.example'] });

  expect((await ask('GET', `/v1/users/${id}`)).json()).toEqual(made.json());
  const changed = await ask('PATCH', `/v1/users/${id}`, { addresses: ['a@company.example', 'b@company.example'] });
  expect(changed.json()).toMatchObject({ name: 'Anna', addresses: ['a@company.example', 'b@company.example'] });

  expect((await ask('DELETE', `/v1/users/${id}`)).statusCode).toBe(204);
  expect((await ask('GET', `/v1/users/${id}`)).statusCode).toBe(404);
  expect((await ask('DELETE', `/v1/users/${id}`)).statusCode).toBe(404);
});

test('users are listed in pages', async () => {
  for (const name of ['A', 'B', 'C']) await ask('POST', '/v1/users', { name });
  const first = await ask('GET', '/v1/users?limit=2');
  const { items, nextCursor } = first.json<{ items: { name: string }[]; nextCursor: string }>();
  const rest = await ask('GET', `/v1/users?limit=2&cursor=${nextCursor}`);
  expect(items.map((user) => user.name)).toEqual(['A', 'B']);
  expect(rest.json()).toMatchObject({ items: [{ name: 'C' }], nextCursor: null });
});

test('an address that is another user’s is refused and the user named', async () => {
  const anna = await ask('POST', '/v1/users', { name: 'Anna', addresses: ['x@company.example'] });
  const bert = await ask('POST', '/v1/users', { name: 'Bert', addresses: ['X@Company.example.'] });
  expect(bert.statusCode).toBe(409);
  expect(bert.json()).toMatchObject({ type: '/problems/address-taken' });
  expect(bert.body).toContain(anna.json<{ id: string }>().id);
});

test.each([
  ['no name', {}, 'name'],
  ['an unknown role', { name: 'A', role: 'king' }, 'role'],
  ['no address', { name: 'A', addresses: ['anna'] }, 'addresses[0]'],
  ['an address twice', { name: 'A', addresses: ['a@b.example', 'A@B.example'] }, 'addresses[1]'],
  ['an unknown field', { name: 'A', admin: true }, 'admin'],
  ['a NUL', { name: 'A\0' }, 'name'],
  ['a name that is too long', { name: 'A'.repeat(201) }, 'name'],
])('%s is refused with the field', async (_what, body, field) => {
  const answer = await ask('POST', '/v1/users', body);
  expect(answer.statusCode).toBe(400);
  expect(answer.json<{ errors: { field: string }[] }>().errors.map((error) => error.field)).toEqual([field]);
  expect((await ask('GET', '/v1/users')).json()).toMatchObject({ items: [] });
});

test('a change on an older state is refused', async () => {
  const made = await ask('POST', '/v1/users', { name: 'Anna' });
  const url = made.headers.location ?? '';
  const ifMatch = { ...key.headers, 'if-match': String(made.headers.etag) };
  expect((await ask('PATCH', url, { name: 'Anne' }, ifMatch)).statusCode).toBe(200);
  expect((await ask('PATCH', url, { name: 'Annette' }, ifMatch)).statusCode).toBe(412);
});

test('without a key nothing is told, and users of another tenant do not exist', async () => {
  const made = await ask('POST', '/v1/users', { name: 'Anna' });
  const url = made.headers.location ?? '';
  const other = (await issueKey(database.db, await database.newTenant())).headers;
  for (const [method, body] of [['GET'], ['PATCH', { name: 'X' }], ['DELETE']] as [Method, object?][]) {
    expect((await ask(method, url, body, {})).statusCode).toBe(401);
    expect((await ask(method, url, body, other)).statusCode).toBe(404);
  }
  expect((await ask('GET', url)).json()).toMatchObject({ name: 'Anna' });
  expect((await ask('GET', '/v1/users', undefined, other)).json()).toMatchObject({ items: [] });
});

test('only admins change users', async () => {
  const admin = await aUser(database.db, tenantId, { role: 'admin' });
  const manager = await aUser(database.db, tenantId, { role: 'manager' });
  const as = (user: { id: string }) => ({ ...key.headers, 'letterbook-user': publicId('user', user.id) });
  const url = `/v1/users/${publicId('user', manager.id)}`;
  expect((await ask('POST', '/v1/users', { name: 'X' }, as(manager))).statusCode).toBe(403);
  expect((await ask('PATCH', url, { role: 'admin' }, as(manager))).statusCode).toBe(403);
  expect((await ask('DELETE', url, undefined, as(manager))).statusCode).toBe(403);
  expect((await ask('PATCH', url, { role: 'admin' }, as(admin))).statusCode).toBe(200);
});

test('the last admin stays one, also where two are taken their role at the same moment', async () => {
  const [one, other] = [
    await aUser(database.db, tenantId, { role: 'admin' }),
    await aUser(database.db, tenantId, { role: 'admin' }),
  ];
  const demote = ({ id }: { id: string }, role = 'member') =>
    ask('PATCH', `/v1/users/${publicId('user', id)}`, { role });
  const answers = await Promise.all([demote(one), demote(other, 'manager')]);
  expect(answers.map(({ statusCode }) => statusCode).sort()).toEqual([200, 409]);
  const refused = answers.find(({ statusCode }) => statusCode === 409);
  expect(refused?.json()).toMatchObject({ type: '/problems/last-admin' });
  const left = answers[0].statusCode === 409 ? one : other;
  expect((await ask('PATCH', `/v1/users/${publicId('user', left.id)}`, { name: 'Anna' })).statusCode).toBe(200);
  expect((await demote(left, 'admin')).statusCode).toBe(200);
});

test('a user who owns a mailbox is not removed', async () => {
  const user = await aUser(database.db, tenantId);
  const mailbox = await aMailbox(database.db, tenantId, { ownerUserId: user.id });
  const answer = await ask('DELETE', `/v1/users/${publicId('user', user.id)}`);
  expect(answer.statusCode).toBe(409);
  expect(answer.body).toContain(publicId('mailbox', mailbox.sourceId));
});

test('an address given to a user opens the stored mail they are part of, and closes it when taken away', async () => {
  const user = await aUser(database.db, tenantId);
  const url = `/v1/users/${publicId('user', user.id)}`;
  await aMessage(database.db, await aMailbox(database.db, tenantId), { cc: ['new@company.example'] });
  const readable = () =>
    database.db.inTenant(tenantId, async (sql) => {
      const rows = await sql.query('SELECT FROM timeline WHERE principal = $1', [user.principal]);
      return rows.length > 0;
    });
  expect(await readable()).toBe(false);
  await ask('PATCH', url, { addresses: ['new@company.example'] });
  expect(await readable()).toBe(true);
  await ask('PATCH', url, { addresses: [] });
  expect(await readable()).toBe(false);
});

test('an address given to a user turns round the mail that they wrote, and makes its activities theirs; taken away, it is as before', async () => {
  const mailbox = await mailboxPolicy(database.db, tenantId, {
    activity: { type: 'email', status: 'done', requireUser: false, requireSubject: false },
  });
  const to = ['ada@customer.example'];
  const { id } = await aMessage(database.db, mailbox, { from: 'anna@company.example', to });
  const user = await aUser(database.db, tenantId);
  const url = `/v1/users/${publicId('user', user.id)}`;
  const shown = async () => {
    const message = await ask('GET', `/v1/messages/${publicId('message', id)}`);
    const activities = await ask('GET', '/v1/activities');
    const [activity] = activities.json<{ items: { ownerUserId: string | null; externalParticipants: object[] }[] }>()
      .items;
    return [
      message.json<{ direction: string }>().direction,
      activity?.ownerUserId,
      activity?.externalParticipants.length,
    ];
  };
  expect(await shown()).toEqual(['incoming', null, 2]);
  expect((await ask('PATCH', url, { addresses: ['anna@company.example'] })).statusCode).toBe(200);
  expect(await shown()).toEqual(['outgoing', publicId('user', user.id), 1]);
  await ask('PATCH', url, { addresses: ['anna@company.example', 'ada@customer.example'] });
  expect((await shown())[0]).toBe('internal');
  expect((await ask('PATCH', url, { addresses: [] })).statusCode).toBe(200);
  expect(await shown()).toEqual(['incoming', null, 2]);
});

test('an address that becomes a mailbox takes part in no activity any more, but for its owner', async () => {
  const mailbox = await mailboxPolicy(database.db, tenantId, {
    activity: { type: 'email', status: 'done', requireUser: false, requireSubject: false },
  });
  await aMessage(database.db, mailbox, { from: 'ada@customer.example', to: ['anna@company.example'] });
  const activity = async () => {
    const { items } = (await ask('GET', '/v1/activities')).json<{
      items: { ownerUserId: string | null; externalParticipants: { address: string }[] }[];
    }>();
    return [items[0]?.ownerUserId, items[0]?.externalParticipants.map(({ address }) => address)];
  };
  expect(await activity()).toEqual([null, ['ada@customer.example', 'anna@company.example']]);
  const mailboxId = await connectMailbox(server, key);
  expect(await activity()).toEqual([null, ['ada@customer.example']]);
  const user = await aUser(database.db, tenantId);
  const ownerUserId = publicId('user', user.id);
  expect((await ask('PATCH', `/v1/mailboxes/${mailboxId}`, { ownerUserId })).statusCode).toBe(200);
  expect(await activity()).toEqual([ownerUserId, ['ada@customer.example']]);
});

test('a removed user leaves no right to read, and their number is not given again', async () => {
  const user = await aUser(database.db, tenantId, { addresses: ['gone@company.example'] });
  await aMessage(database.db, await aMailbox(database.db, tenantId), { to: ['gone@company.example'] });
  await ask('DELETE', `/v1/users/${publicId('user', user.id)}`);
  const next = await aUser(database.db, tenantId);
  const rows = await database.db.inTenant(tenantId, (sql) =>
    sql.query('SELECT FROM timeline WHERE principal = $1', [user.principal]),
  );
  expect(rows).toEqual([]);
  expect(next.principal).toBeGreaterThan(user.principal);
});

test('a user who reads much is removed by a deletion that goes on, and their keys open nothing from the answer on', async () => {
  const user = await aUser(database.db, tenantId, { addresses: ['much@company.example'] });
  const own = await issueKey(database.db, tenantId, { userId: user.id });
  const mailbox = await aMailbox(database.db, tenantId);
  for (let n = 0; n < 4; n += 1) {
    await aMessage(database.db, mailbox, { to: ['much@company.example'], subject: `number ${String(n)}` });
  }
  const answer = await ask('DELETE', `/v1/users/${publicId('user', user.id)}`);
  expect(answer.statusCode).toBe(202);
  const { deletionId } = answer.json<{ deletionId: string }>();
  expect((await ask('GET', `/v1/deletions/${deletionId}`)).statusCode).toBe(200);
  expect((await ask('GET', '/v1/users', undefined, own.headers)).statusCode).toBe(401);
  expect(server.engine.asked.map(({ what }) => what)).toContain('deleteCascade');
});
