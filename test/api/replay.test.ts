import { createHash } from 'node:crypto';

import { controlReplay } from '../../src/db/replay/replay-control';
import { noteItems } from '../../src/db/replay/replay-items';
import { publicId, uuidOf } from '../../src/domain/ids';
import { connectMailbox, insertUser, issueKey, testApi, type IssuedKey, type TestApi } from '../support/api';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { insertFailure, insertFolder, insertPlacements } from '../support/ledger-rows';

let database: TestDatabase;
let server: TestApi;
let key: IssuedKey;
let mailboxId: string;
let source: { tenantId: string; sourceId: string };
let genId: number;
let failures: string[];

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
  source = { tenantId: key.tenantId, sourceId: uuidOf('mailbox', mailboxId) ?? '' };
  genId = (await insertFolder(database.db, source)).genId;
  await insertPlacements(database.db, source, { genId, uids: [1, 2, 3], outcome: 'parked' });
  failures = [];
  for (const uid of [1, 2, 3]) {
    failures.push(publicId('failure', await insertFailure(database.db, source, { genId, uid })));
  }
});

interface Operation {
  id: string;
  kind: string;
  state: string;
  total: number;
}

type Method = 'GET' | 'POST' | 'DELETE';
const call = (method: Method, url: string, payload?: object, headers: Record<string, string> = key.headers) =>
  server.api.inject({ method, url, headers, ...(payload === undefined ? {} : { payload }) });

const replay = async (filter: object, more: object = {}) =>
  (await call('POST', '/v1/failures/replay', { filter, ...more })).json<Operation>();

const rows = <Row extends object>(text: string, values: unknown[] = []) =>
  database.db.inTenant(key.tenantId, (sql) => sql.query<Row>(text, values));

const asUser = async (role: 'admin' | 'manager' | 'member' = 'member') => ({
  ...key.headers,
  'letterbook-user': publicId('user', await insertUser(database.db, key.tenantId, role)),
});

test('a replay that is asked for again with its Idempotency-Key is the same job', async () => {
  for (const url of ['/v1/failures/replay', `/v1/failures/${failures[0] ?? ''}/replay`]) {
    const body = url === '/v1/failures/replay' ? { filter: {} } : undefined;
    const named = { ...key.headers, 'idempotency-key': url };
    const [first, again] = [await call('POST', url, body, named), await call('POST', url, body, named)];
    expect([first.statusCode, again.statusCode]).toEqual([202, 202]);
    expect(again.json<Operation>().id).toBe(first.json<Operation>().id);
  }
});

test('a replay is a job of all that match, and the engine is told its ids alone', async () => {
  const job = await replay({ mailboxId, text: 'too-many' });
  expect(job).toMatchObject({ kind: 'replay', state: 'waiting', total: 3 });
  const started = server.engine.asked.find(({ what }) => what === 'startReplay');
  expect(started?.input).toEqual({ tenantId: key.tenantId, operationId: uuidOf('operation', job.id) });
  expect((await call('GET', `/v1/operations/${job.id}`)).json()).toMatchObject({ id: job.id, total: 3 });
});

test('where the engine is away the job waits for the reconciler', async () => {
  server.engine.down = true;
  const answer = await call('POST', `/v1/failures/${failures[0] ?? ''}/replay`);
  expect([answer.statusCode, answer.json<Operation>().total]).toEqual([202, 1]);
});

test('filters that name nothing, a mailbox of others or an empty span are refused', async () => {
  const status = async (filter: object) => (await call('POST', '/v1/failures/replay', { filter })).statusCode;
  expect(await status({ colour: 'red' })).toBe(400);
  expect(await status({ since: '2026-02-01T00:00:00Z', until: '2026-02-01T00:00:00Z' })).toBe(400);
  expect(await status({ since: '2026-02-01T01:00:00+01:00', until: '2026-02-01T00:00:00Z' })).toBe(400);
  expect(await status({ since: '2026-02-01T01:00:00+02:00', until: '2026-02-01T00:00:00Z' })).toBe(202);
  expect(await status({ ids: [] })).toBe(400);
  expect(await status({ parserVersion: 2_147_483_648 })).toBe(400);
  expect(await status({ parserVersion: 2_147_483_647 })).toBe(202);
  expect(await status({ mailboxId: publicId('mailbox', '0192f0c1-0000-7000-8000-000000000000') })).toBe(404);
});

test('who does not own the mailbox replays nothing of it', async () => {
  const member = await asUser();
  const answer = await call('POST', '/v1/failures/replay', { filter: {} }, member);
  expect(answer.json()).toMatchObject({ total: 0 });
  expect((await call('POST', `/v1/failures/${failures[0] ?? ''}/replay`, {}, member)).statusCode).toBe(404);
  expect((await call('POST', '/v1/failures/replay', { filter: {} }, await asUser('admin'))).json()).toMatchObject({
    total: 3,
  });
});

test('a job is held, goes on and is called off, and says what it cannot do', async () => {
  const { id } = await replay({});
  const control = async (what: string) => (await call('POST', `/v1/operations/${id}/${what}`)).json<Operation>().state;
  expect(await control('pause')).toBe('paused');
  expect(await control('pause')).toBe('paused');
  server.engine.asked.length = 0;
  expect(await control('resume')).toBe('waiting');
  expect(server.engine.asked.map(({ what }) => what)).toEqual(['startReplay']);
  expect(await control('resume')).toBe('waiting');
  await rows(`UPDATE operation SET state = 'running'`);
  expect(await control('resume')).toBe('running');
  expect(await control('cancel')).toBe('cancelled');
  expect(await control('cancel')).toBe('cancelled');
  expect((await call('POST', `/v1/operations/${id}/resume`)).json()).toMatchObject({
    status: 409,
    type: '/problems/operation-state',
  });
});

test('only who began a job, or an admin, holds it; another kind of job cannot be held', async () => {
  const { id } = await replay({});
  expect((await call('POST', `/v1/operations/${id}/pause`, {}, await asUser())).statusCode).toBe(403);
  expect((await call('POST', `/v1/operations/${id}/pause`, {}, await asUser('admin'))).statusCode).toBe(200);
  const pause = (await call('POST', `/v1/mailboxes/${mailboxId}/pause`)).json<Operation>();
  expect((await call('POST', `/v1/operations/${pause.id}/cancel`)).json()).toMatchObject({ status: 409 });
});

test('the report has a line for each message, also for those that had no turn', async () => {
  const { id } = await replay({});
  const operationId = uuidOf('operation', id) ?? '';
  await database.db.inTenant(key.tenantId, async (sql) => {
    const items = [{ genId, uid: 2, outcome: 'parked' as const, reason: 'too-deep' }];
    await noteItems(sql, key.tenantId, { operationId, items });
    await noteItems(sql, key.tenantId, { operationId, items });
    await controlReplay(sql, key.tenantId, { id: operationId, control: 'cancel' });
  });
  const answer = await call('GET', `/v1/operations/${id}/report`);
  expect(answer.headers['content-type']).toContain('application/x-ndjson');
  const lines = answer.body
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { uid: number });
  expect(lines.map(({ uid }) => uid)).toEqual([1, 2, 3]);
  expect(lines[1]).toMatchObject({ failureId: failures[1], mailboxId, outcome: 'parked', reason: 'too-deep' });
  expect(lines[0]).toMatchObject({ outcome: null, at: null });
  expect((await call('GET', `/v1/operations/${id}`)).json()).toMatchObject({
    done: 1,
    result: { mode: 'for-good', parked: 1, open: 2 },
  });
  const reportOfOthers = await call('GET', `/v1/operations/${id}/report`, undefined, await asUser());
  expect(reportOfOthers.body).toBe('');
});

test('a failure is accepted with a reason, shown with who did, and reopened; both stand in the audit log', async () => {
  const [id = ''] = failures;
  await rows(`UPDATE failure SET next_try_at = now()`);
  const accepted = await call('POST', `/v1/failures/${id}/accept`, { reason: 'a broken newsletter' });
  expect(accepted.json()).toMatchObject({
    state: 'accepted',
    nextTryAt: null,
    accepted: { by: expect.stringMatching(/^key_/) as unknown, reason: 'a broken newsletter' },
  });
  expect((await replay({})).total).toBe(2);
  const reopened = await call('DELETE', `/v1/failures/${id}/accept`);
  expect(reopened.json()).toMatchObject({ state: 'parked', accepted: null });
  expect((await call('DELETE', `/v1/failures/${id}/accept`)).statusCode).toBe(200);
  const audit = await rows<{ action: string; ids: object }>(
    `SELECT action, ids FROM audit WHERE action LIKE 'failure %' ORDER BY at, id`,
  );
  expect(audit).toEqual(
    ['failure accepted', 'failure reopened'].map((action) => ({ action, ids: { failureId: id, mailboxId } })),
  );
});

test('a failure that is reopened is asked for again, unless its bytes are here or it was asked for often enough', async () => {
  const nextTry = async () => {
    const [id = ''] = failures;
    await call('POST', `/v1/failures/${id}/accept`, { reason: 'a mistake' });
    const { nextTryAt } = (await call('DELETE', `/v1/failures/${id}/accept`)).json<{ nextTryAt: string | null }>();
    return nextTryAt === null ? null : Math.round((Date.parse(nextTryAt) - Date.now()) / 60_000);
  };
  expect(await nextTry()).toBe(60);
  await rows('UPDATE failure SET attempts = 11');
  expect(await nextTry()).toBeNull();
  const [stored] = await server.context.blobs.putBatch(
    { tenantId: key.tenantId, sourceId: uuidOf('mailbox', mailboxId) ?? '' },
    [{ sha256: createHash('sha256').update('x').digest(), bytes: Buffer.from('x') }],
  );
  await rows(`UPDATE failure SET attempts = 1`);
  await rows(`UPDATE placement SET blob_id = '${stored?.blobId ?? ''}'`);
  expect(await nextTry()).toBeNull();
});

test('accepting what was not delivered, or taking that back, makes an audit due at once; with the bytes here it does not', async () => {
  const [id = ''] = failures;
  const plan = () =>
    rows(`UPDATE mailbox SET audited_at = now(), audit_due_at = now() + interval '1 day', audit_cause = 'daily'`);
  const isDue = async () => {
    const [row] = await rows<{ due: boolean; cause: string }>(
      'SELECT audit_due_at <= now() AS due, audit_cause AS cause FROM mailbox',
    );
    return row;
  };
  await plan();
  await call('POST', `/v1/failures/${id}/accept`, { reason: 'a mistake' });
  expect(await isDue()).toEqual({ due: true, cause: 'again' });
  await plan();
  await call('DELETE', `/v1/failures/${id}/accept`);
  expect(await isDue()).toEqual({ due: true, cause: 'again' });
  const [stored] = await server.context.blobs.putBatch(source, [
    { sha256: createHash('sha256').update('x').digest(), bytes: Buffer.from('x') },
  ]);
  await rows(`UPDATE placement SET blob_id = '${stored?.blobId ?? ''}'`);
  await plan();
  await call('POST', `/v1/failures/${id}/accept`, { reason: 'a mistake' });
  expect(await isDue()).toEqual({ due: false, cause: 'daily' });
});

test('what was read meanwhile cannot be accepted, and nothing is accepted without a reason', async () => {
  const [id = ''] = failures;
  expect((await call('POST', `/v1/failures/${id}/accept`, { reason: ' ' })).statusCode).toBe(400);
  await rows(`UPDATE failure SET state = 'replayed'`);
  expect((await call('POST', `/v1/failures/${id}/accept`, { reason: 'late' })).json()).toMatchObject({
    status: 409,
    type: '/problems/failure-replayed',
  });
});

test('a mailbox that is being deleted is not replayed', async () => {
  await rows(`UPDATE source SET desired_state = 'stopped', deletion_id = gen_random_uuid()`);
  expect((await call('POST', '/v1/failures/replay', { filter: { mailboxId } })).json()).toMatchObject({
    status: 409,
    type: '/problems/mailbox-deleting',
  });
});
