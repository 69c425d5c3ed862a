import { uuidOf } from '../../src/domain/ids';
import { defaultPolicy } from '../../src/domain/policy';
import { insertFolder } from '../support/ledger-rows';
import { aMessage } from '../support/mail-rows';
import { connectMailbox, issueKey, testApi, type IssuedKey, type TestApi } from '../support/api';
import { createTestDatabase, type TestDatabase } from '../support/database';

let database: TestDatabase;
let server: TestApi;
let key: IssuedKey;
let id: string;

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
  id = await connectMailbox(server, key);
});

const call = (method: 'GET' | 'POST', path: string, payload?: object) =>
  server.api.inject({
    method,
    url: `/v1/mailboxes/${id}/removals${path}`,
    headers: key.headers,
    ...(payload === undefined ? {} : { payload }),
  });

/** What a person was shown of the question. */
async function shown(): Promise<{ messages: number; askedAt: string }> {
  const { asked: messages, askedAt } = (await call('GET', '')).json<{ asked: number; askedAt: string }>();
  return { messages, askedAt };
}

test('a mailbox in which nothing waits says so, and has nothing to be answered', async () => {
  expect((await call('GET', '')).json()).toEqual({ asked: 0, askedAt: null, askedOf: null, waiting: 0, nextAt: null });
  for (const answer of ['/confirm', '/keep']) {
    const refused = await call('POST', answer, { messages: 1, askedAt: '2026-01-02T03:04:05.000Z' });
    expect(refused.statusCode).toBe(409);
    expect(refused.json<{ type: string }>().type).toBe('/problems/nothing-to-confirm');
  }
});

/** A message of the mailbox that a person is asked about. */
async function asked(): Promise<{ copyId: string }> {
  const source = { tenantId: key.tenantId, sourceId: uuidOf('mailbox', id) ?? '' };
  const { genId } = await insertFolder(database.db, source);
  const message = await aMessage(database.db, { ...source, genId, policy: defaultPolicy, nextUid: 1 });
  await database.db.inTenant(key.tenantId, async (sql) => {
    await sql.execute('UPDATE placement SET presence = 3');
    await sql.execute(
      `INSERT INTO removal (tenant_id, source_id, copy_id, state, due_at) VALUES ($1, $2, $3, 'asked', now() + interval '1 hour')`,
      [source.tenantId, source.sourceId, message.copyId],
    );
    await sql.execute(
      'INSERT INTO mirroring (tenant_id, source_id, generation, asked_at, asked_count, asked_of) VALUES ($1, $2, 1, now(), 1, 4)',
      [source.tenantId, source.sourceId],
    );
    await sql.execute(`UPDATE mailbox SET flags = '{confirm-removal}'`);
  });
  return message;
}

const facts = () =>
  database.db.inTenant(key.tenantId, (sql) =>
    sql.query<{ state: string; presence: number; flags: string[]; is_due: boolean }>(
      `SELECT r.state, p.presence, m.flags, r.due_at <= now() AS is_due
       FROM removal r JOIN placement p ON p.copy_id = r.copy_id JOIN mailbox m ON m.source_id = r.source_id`,
    ),
  );

test('what waits for an answer is told with its number, and since when', async () => {
  await asked();
  const told = (await call('GET', '')).json<{
    asked: number;
    askedAt: string | null;
    askedOf: number;
    waiting: number;
  }>();
  expect(told).toMatchObject({ asked: 1, askedOf: 4, waiting: 0 });
  expect(told.askedAt).not.toBeNull();
});

test('the mailbox says what a person can do, for as long as the question is open', async () => {
  await asked();
  await database.db.inTenant(key.tenantId, (sql) => sql.execute(`UPDATE mailbox SET state = 'live'`));
  const remedy = async () =>
    (await server.api.inject({ url: `/v1/mailboxes/${id}`, headers: key.headers })).json<{ remedy: string | null }>()
      .remedy;
  expect(await remedy()).toContain('/removals/confirm');
  await call('POST', '/keep', await shown());
  expect(await remedy()).toBeNull();
});

test('confirmed, they are due at once, the mailbox is asked for a round, and the flag goes', async () => {
  await asked();
  const seen = await shown();
  const answer = await call('POST', '/confirm', seen);
  expect([answer.statusCode, answer.json()]).toEqual([200, { messages: 1 }]);
  expect(await facts()).toEqual([{ state: 'confirmed', presence: 3, flags: [], is_due: true }]);
  expect((await call('POST', '/confirm', seen)).statusCode).toBe(409);
});

test('kept, they have merely ended, and nothing asks again', async () => {
  await asked();
  expect((await call('POST', '/keep', await shown())).json()).toEqual({ messages: 1 });
  expect(await facts()).toMatchObject([{ state: 'kept', presence: 2, flags: [] }]);
  expect((await call('GET', '')).json()).toMatchObject({ asked: 0, waiting: 0, nextAt: null });
});

test.each(['/confirm', '/keep'])(
  '%s without what was seen, or of another question, decides nothing',
  async (answer) => {
    await asked();
    const seen = await shown();
    for (const body of [undefined, {}, { messages: 1 }, { askedAt: seen.askedAt }, { ...seen, messages: 0 }]) {
      expect((await call('POST', answer, body)).statusCode).toBe(400);
    }
    for (const body of [
      { ...seen, messages: 2 },
      { ...seen, askedAt: '2026-01-02T03:04:05.000Z' },
    ]) {
      const refused = await call('POST', answer, body);
      expect(refused.statusCode).toBe(409);
      expect(refused.json()).toMatchObject({
        type: '/problems/removals-changed',
        removals: { asked: 1, askedAt: seen.askedAt },
      });
    }
    expect(await facts()).toMatchObject([{ state: 'asked', presence: 3, flags: ['confirm-removal'] }]);
  },
);

test('the mailbox of another tenant cannot be answered for', async () => {
  await asked();
  const seen = await shown();
  key = await issueKey(database.db, await database.newTenant());
  expect((await call('GET', '')).statusCode).toBe(404);
  expect((await call('POST', '/confirm', seen)).statusCode).toBe(404);
});
