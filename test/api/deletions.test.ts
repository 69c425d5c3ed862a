import { setTimeout as sleep } from 'node:timers/promises';

import { publicId, uuidOf } from '../../src/domain/ids';
import { connectMailbox, insertUser, issueKey, testApi, type IssuedKey, type TestApi } from '../support/api';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { aMailbox, aMessage } from '../support/mail-rows';

let database: TestDatabase;
let server: TestApi;
let key: IssuedKey;
let id: string;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  server = testApi(database.db);
  key = await issueKey(database.db, await database.newTenant());
  id = await connectMailbox(server, key);
  server.engine.asked.length = 0;
});
afterEach(() => server.api.close());

const address = 'anna@company.example';

interface Answered {
  deletionId: string;
  state: string;
  [name: string]: unknown;
}

const call = (method: 'GET' | 'POST' | 'DELETE' | 'PATCH', url: string, headers: object = {}) =>
  server.api.inject({ method, url, headers: { ...key.headers, ...headers } });

async function deleted(): Promise<string> {
  const answer = await call('DELETE', `/v1/mailboxes/${id}?confirm=${address}`);
  expect(answer.statusCode).toBe(202);
  return answer.json<Answered>().deletionId;
}

const withUndo = (seconds: number) =>
  database.db.inTenant(key.tenantId, (sql) =>
    sql.execute(`UPDATE source SET policy = policy || jsonb_build_object('deletionUndoSeconds', $1::integer)`, [
      seconds,
    ]),
  );

test('without confirm nothing is deleted, and the problem says how to confirm', async () => {
  const answer = await call('DELETE', `/v1/mailboxes/${id}`);
  expect(answer.statusCode).toBe(400);
  expect(answer.json<Answered>()).toMatchObject({ type: expect.stringContaining('confirmation-needed') as string });
  expect(answer.body).toContain('?confirm=');
  expect((await call('GET', `/v1/mailboxes/${id}`)).json<Answered>()).toMatchObject({
    state: 'connecting',
    deletionId: null,
  });
});

test('the address of another mailbox confirms nothing', async () => {
  const answer = await call('DELETE', `/v1/mailboxes/${id}?confirm=ben@company.example`);
  expect(answer.statusCode).toBe(422);
  expect((await call('GET', '/v1/deletions')).json<{ items: unknown[] }>().items).toEqual([]);
});

test.each([
  ['the query', `?confirm=${address}`, {}],
  ['the query in other letters', '?confirm=Anna@Company.Example', {}],
  ['the header', '', { 'letterbook-confirm': address }],
])('confirmed in %s it is asked for durably, and the engine is told', async (_how, query, headers) => {
  const answer = await call('DELETE', `/v1/mailboxes/${id}${query}`, headers);
  expect(answer.statusCode).toBe(202);
  const { deletionId } = answer.json<Answered>();
  expect(answer.headers.location).toBe(`/v1/deletions/${deletionId}`);
  expect((await call('GET', `/v1/mailboxes/${id}`)).json()).toMatchObject({
    state: 'deleting',
    deletionId,
    desiredState: 'stopped',
  });
  expect((await call('GET', `/v1/deletions/${deletionId}`)).json()).toMatchObject({
    state: 'waiting',
    mailboxId: id,
    report: null,
  });
  const mailbox = { tenantId: key.tenantId, mailboxId: uuidOf('mailbox', id) };
  expect(server.engine.asked).toEqual([{ what: 'deleteMailbox', input: mailbox }]);
});

test('with the engine down it is asked for all the same', async () => {
  server.engine.down = true;
  const deletionId = await deleted();
  expect((await call('GET', `/v1/deletions/${deletionId}`)).statusCode).toBe(200);
});

test('deleted twice, also at the same moment by two clients, it is one deletion', async () => {
  const both = await Promise.all([deleted(), deleted()]);
  expect(new Set([...both, await deleted()]).size).toBe(1);
});

test.each([
  ['POST', 'start'],
  ['POST', 'stop'],
  ['POST', 'pause'],
  ['POST', 'resume'],
  ['POST', 'sync'],
  ['POST', 'completeness'],
] as const)('%s %s of a mailbox that is being deleted is refused with its deletion', async (method, path) => {
  const deletionId = await deleted();
  const answer = await call(method, `/v1/mailboxes/${id}/${path}`);
  expect(answer.statusCode).toBe(409);
  expect(answer.json()).toMatchObject({ deletionId });
});

test('the same address connected meanwhile is refused with the deletion', async () => {
  const deletionId = await deleted();
  const answer = await server.api.inject({
    method: 'POST',
    url: '/v1/mailboxes',
    headers: key.headers,
    payload: {
      address,
      imap: { host: 'imap.company.example', port: 993, security: 'tls' },
      auth: { type: 'password', password: 'x' },
    },
  });
  expect(answer.statusCode).toBe(409);
  expect(answer.json()).toMatchObject({ type: expect.stringContaining('mailbox-deleting') as string, deletionId });
});

describe('a dry run', () => {
  test('counts by kind, says what stays, and deletes nothing', async () => {
    const { db } = database;
    const [anna, ben] = [await aMailbox(db, key.tenantId), await aMailbox(db, key.tenantId)];
    const shared = { messageId: '<both@mail.example>' };
    await aMessage(db, anna, shared);
    await aMessage(db, anna, { messageId: '<hers@mail.example>' });
    await aMessage(db, ben, shared);
    const answer = await call('DELETE', `/v1/mailboxes/${publicId('mailbox', anna.sourceId)}?dryRun=true`);
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toMatchObject({
      ledgerRows: 2,
      copies: 2,
      messages: 1,
      messagesKept: 1,
      bytes: 2_000,
      folders: 1,
    });
    expect((await call('GET', '/v1/deletions')).json<{ items: unknown[] }>().items).toEqual([]);
  });

  test('that is confirmed too is refused', async () => {
    const answer = await call('DELETE', `/v1/mailboxes/${id}?dryRun=true&confirm=${address}`);
    expect(answer.statusCode).toBe(400);
    expect((await call('GET', `/v1/mailboxes/${id}`)).json()).toMatchObject({ state: 'connecting' });
  });
});

describe('taken back', () => {
  test('before it begins, the mailbox goes on as it did', async () => {
    await withUndo(600);
    const deletionId = await deleted();
    expect((await call('GET', `/v1/mailboxes/${id}`)).json<Answered>()['until']).not.toBeNull();
    const answer = await call('DELETE', `/v1/deletions/${deletionId}`);
    expect(answer.json()).toMatchObject({ state: 'cancelled' });
    expect((await call('GET', `/v1/mailboxes/${id}`)).json()).toMatchObject({
      state: 'connecting',
      desiredState: 'running',
      deletionId: null,
    });
    expect(server.engine.asked.map(({ what }) => what)).toEqual(['deleteMailbox', 'deleteMailbox', 'sendWish']);
    expect((await call('DELETE', `/v1/deletions/${deletionId}`)).json()).toMatchObject({ state: 'cancelled' });
    expect(await deleted()).not.toBe(deletionId);
  });

  test('by two at once, both are told that it is taken back', async () => {
    await withUndo(600);
    const deletionId = await deleted();
    const twice = await database.db.inTenant(key.tenantId, async (sql) => {
      await sql.query('SELECT FROM source FOR UPDATE');
      const asked = [0, 1].map(async () => call('DELETE', `/v1/deletions/${deletionId}`));
      await sleep(1_000);
      return { asked };
    });
    for (const answer of await Promise.all(twice.asked)) expect(answer.json()).toMatchObject({ state: 'cancelled' });
  });

  test('after it has begun it is refused', async () => {
    const deletionId = await deleted();
    await database.db.inTenant(key.tenantId, (sql) => sql.execute(`UPDATE deletion SET state = 'deleting'`));
    expect((await call('DELETE', `/v1/deletions/${deletionId}`)).statusCode).toBe(409);
    expect((await call('GET', `/v1/mailboxes/${id}`)).json()).toMatchObject({ state: 'deleting' });
  });
});

test('who may not see a mailbox can neither count nor delete it, nor see what became of it', async () => {
  const stranger = await issueKey(database.db, key.tenantId, { userId: await insertUser(database.db, key.tenantId) });
  const asStranger = (url: string, method: 'GET' | 'DELETE' = 'DELETE') =>
    server.api.inject({ method, url, headers: stranger.headers });
  expect((await asStranger(`/v1/mailboxes/${id}?dryRun=true`)).statusCode).toBe(404);
  expect((await asStranger(`/v1/mailboxes/${id}?confirm=${address}`)).statusCode).toBe(404);
  const deletionId = await deleted();
  expect((await asStranger(`/v1/deletions/${deletionId}`, 'GET')).statusCode).toBe(404);
  expect((await asStranger(`/v1/deletions/${deletionId}`)).statusCode).toBe(404);
});

test('deletions are listed newest first, page by page', async () => {
  const first = await deleted();
  id = await connectMailbox(server, key, { address: 'second@company.example' });
  const second = (await call('DELETE', `/v1/mailboxes/${id}?confirm=second@company.example`)).json<Answered>()
    .deletionId;
  const page = (await call('GET', '/v1/deletions?limit=1')).json<{ items: { id: string }[]; nextCursor: string }>();
  expect(page.items.map((item) => item.id)).toEqual([second]);
  const rest = await call('GET', `/v1/deletions?limit=1&cursor=${page.nextCursor}`);
  expect(rest.json<{ items: { id: string }[] }>().items.map((item) => item.id)).toEqual([first]);
});

test('nothing can wish a mailbox to run that is being deleted, whatever writes it', async () => {
  await deleted();
  const wish = database.db.inTenant(key.tenantId, (sql) => sql.execute(`UPDATE source SET desired_state = 'running'`));
  await expect(wish).rejects.toThrow(/source_stays_stopped/);
});
