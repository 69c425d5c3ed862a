import { newUuid } from '../../src/db/new-id';
import { publicId, uuidOf } from '../../src/domain/ids';
import { connectMailbox, insertUser, issueKey, testApi, type IssuedKey, type TestApi } from '../support/api';
import { createTestDatabase, type TestDatabase } from '../support/database';

let database: TestDatabase;
let server: TestApi;
let key: IssuedKey;
let mailboxId: string;

beforeAll(async () => {
  database = await createTestDatabase();
  server = testApi(database.db);
});
afterAll(async () => {
  await server.api.close();
  await database.drop();
});
beforeEach(async () => {
  server.engine.down = false;
  server.engine.asked.length = 0;
  key = await issueKey(database.db, await database.newTenant());
  mailboxId = await connectMailbox(server, key);
});

interface Operation {
  id: string;
  kind: string;
  state: string;
  mailboxId: string | null;
}

const call = (method: 'GET' | 'POST', url: string, payload?: object, headers: Record<string, string> = key.headers) =>
  server.api.inject({ method, url, headers, ...(payload === undefined ? {} : { payload }) });

const asUser = async (role: 'admin' | 'manager' | 'member' = 'member') => ({
  ...key.headers,
  'letterbook-user': publicId('user', await insertUser(database.db, key.tenantId, role)),
});

const rows = <Row extends object>(text: string, values: unknown[] = []) =>
  database.db.inTenant(key.tenantId, (sql) => sql.query<Row>(text, values));

test('reading stored mail again is a job, and the engine is told its ids alone', async () => {
  const answer = await call('POST', '/v1/reprocess', {
    mailboxId,
    from: '2026-01-01T01:00:00+01:00',
    parserVersionBelow: 3,
  });
  expect(answer.statusCode).toBe(202);
  const job = answer.json<Operation>();
  expect(job).toMatchObject({ kind: 'reprocess', state: 'waiting', mailboxId });
  const started = server.engine.asked.find(({ what }) => what === 'startReprocess');
  expect(started?.input).toEqual({ tenantId: key.tenantId, operationId: uuidOf('operation', job.id) });
  const [{ task } = { task: null }] = await rows<{ task: object }>(
    `SELECT task FROM operation WHERE kind = 'reprocess'`,
  );
  expect(task).toMatchObject({ mode: 'for-good', from: '2026-01-01T00:00:00.000Z', to: null, parserVersionBelow: 3 });
  expect(await rows(`SELECT FROM audit WHERE action = 'reprocess'`)).toHaveLength(1);
});

test('asked twice with one Idempotency-Key it is one job', async () => {
  const headers = { ...key.headers, 'idempotency-key': 'once' };
  const [one, two] = [
    await call('POST', '/v1/reprocess', {}, headers),
    await call('POST', '/v1/reprocess', {}, headers),
  ];
  expect(two.json<Operation>().id).toBe(one.json<Operation>().id);
  expect((await call('POST', '/v1/reprocess', { dryRun: true }, headers)).statusCode).toBe(422);
});

test('where the engine is away the job waits for the reconciler', async () => {
  server.engine.down = true;
  expect((await call('POST', '/v1/reprocess', { dryRun: true })).statusCode).toBe(202);
});

test('an empty span, a mailbox of nobody and fields that are none are refused', async () => {
  const status = async (body: object) => (await call('POST', '/v1/reprocess', body)).statusCode;
  expect(await status({ from: '2026-01-01T00:00:00Z', to: '2026-01-01T00:00:00Z' })).toBe(400);
  expect(await status({ parserVersionBelow: 2_147_483_648 })).toBe(400);
  expect(await status({ parserVersionBelow: 2_147_483_647 })).toBe(202);
  expect(await status({ colour: 'red' })).toBe(400);
  expect(await status({ mailboxId: publicId('mailbox', newUuid()) })).toBe(404);
});

test('all mailboxes are for admins, one is for its owner', async () => {
  const status = async (body: object, headers: Record<string, string>) =>
    (await call('POST', '/v1/reprocess', body, headers)).statusCode;
  expect(await status({}, await asUser())).toBe(403);
  expect(await status({ mailboxId }, await asUser())).toBe(404);
  expect(await status({}, await asUser('admin'))).toBe(202);
});

test('a job is held, goes on and is called off by who began it or an admin', async () => {
  const { id } = (await call('POST', '/v1/reprocess', {}, await asUser('admin'))).json<Operation>();
  const control = async (what: string, headers?: Record<string, string>) =>
    (await call('POST', `/v1/operations/${id}/${what}`, {}, headers)).json<Operation>().state;
  expect((await call('POST', `/v1/operations/${id}/pause`, {}, await asUser())).statusCode).toBe(403);
  expect(await control('pause')).toBe('paused');
  server.engine.asked.length = 0;
  expect(await control('resume')).toBe('waiting');
  expect(server.engine.asked.map(({ what }) => what)).toEqual(['startReprocess']);
  expect(await control('cancel')).toBe('cancelled');
  expect((await call('GET', `/v1/operations/${id}`)).json()).toMatchObject({ result: { mode: 'for-good', looked: 0 } });
  expect((await call('GET', `/v1/operations/${id}/report`)).statusCode).toBe(409);
});

test('what differs is listed page by page, to those who see the mailbox', async () => {
  const { id } = (await call('POST', '/v1/reprocess', { dryRun: true })).json<Operation>();
  await rows(
    `INSERT INTO reprocess_difference (tenant_id, operation_id, copy_id, message_id, source_id, fields, outcome, reason)
     SELECT $1, $2, gen_random_uuid(), gen_random_uuid(), $3, CASE n WHEN 1 THEN '{}'::text[] ELSE '{subject,thread}' END,
       CASE n WHEN 1 THEN 'kept' END, CASE n WHEN 1 THEN 'too-many-parts' END FROM generate_series(1, 3) n`,
    [key.tenantId, uuidOf('operation', id), uuidOf('mailbox', mailboxId)],
  );
  const url = `/v1/operations/${id}/differences`;
  const first = (await call('GET', `${url}?limit=2`)).json<{ items: object[]; nextCursor: string }>();
  const second = (await call('GET', `${url}?limit=2&cursor=${first.nextCursor}`)).json<{
    items: object[];
    nextCursor: null;
  }>();
  expect([first.items.length, second.items.length, second.nextCursor]).toEqual([2, 1, null]);
  const all = [...first.items, ...second.items];
  expect(all).toContainEqual(
    expect.objectContaining({ mailboxId, messageId: null, fields: [], outcome: 'kept', reason: 'too-many-parts' }),
  );
  expect(all).toContainEqual(expect.objectContaining({ fields: ['subject', 'thread'], outcome: 'differs', at: null }));
  expect((await call('GET', url, undefined, await asUser())).json()).toEqual({ items: [], nextCursor: null });
  const other = (await call('POST', `/v1/mailboxes/${mailboxId}/pause`)).json<Operation>();
  expect((await call('GET', `/v1/operations/${other.id}/differences`)).json()).toMatchObject({
    type: '/problems/not-a-reprocess',
  });
});
