import { recordReconciliation } from '../../src/db/sync/reconciliation-write';
import { publicId } from '../../src/domain/ids';
import { issueKey, testApi, type IssuedKey, type TestApi } from '../support/api';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { insertMailboxes } from '../support/many-mailboxes';

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

const nothing = { desired: 1, running: 1, started: 0, reminded: 0, ended: 0, stuck: 0, findings: [] };

async function ran(change: object): Promise<void> {
  await recordReconciliation(database.db, {
    startedAt: new Date('2026-11-22T10:00:00Z'),
    finishedAt: new Date(),
    tenants: new Map([[key.tenantId, { ...nothing, ...change }]]),
    queuesWithoutWorkers: [],
    keptMs: 60_000,
  });
}

const list = (query = '') => server.api.inject({ url: `/v1/reconciliations${query}`, headers: key.headers });

test('what the reconciler did is listed, newest first, with the mailboxes that stood out', async () => {
  const [mailboxId = ''] = await insertMailboxes(database.db, { tenantId: key.tenantId, count: 1 });
  await ran({ started: 7 });
  await ran({ stuck: 1, findings: [{ mailboxId, reason: 'round-overdue', action: 'reminded' }] });
  const answer = await list();
  expect(answer.statusCode).toBe(200);
  expect(answer.json()).toMatchObject({
    items: [
      {
        stuck: 1,
        findings: [{ mailboxId: publicId('mailbox', mailboxId), reason: 'round-overdue', action: 'reminded' }],
      },
      { started: 7, startedAt: '2026-11-22T10:00:00.000Z', findings: [] },
    ],
    nextCursor: null,
  });
});

test('jobs of no single mailbox are named by what they are', async () => {
  const id = '01a20000-0000-7000-8000-0000000000aa';
  const said = { reason: 'workflow-task-fails', action: 'restarted' };
  await ran({
    stuck: 3,
    findings: [
      { operationId: id, ...said },
      { deletionId: id, ...said },
      { connectorId: id, ...said },
    ],
  });
  expect((await list()).json<{ items: { findings: object[] }[] }>().items[0]?.findings).toEqual([
    { operationId: publicId('operation', id), ...said },
    { deletionId: publicId('deletion', id), ...said },
    { connectorId: publicId('connector', id), ...said },
  ]);
});

test('it comes in pages', async () => {
  for (const started of [1, 2, 3]) await ran({ started });
  const first = (await list('?limit=2')).json<{ items: { started: number }[]; nextCursor: string }>();
  expect(first.items.map(({ started }) => started)).toEqual([3, 2]);
  const second = (await list(`?limit=2&cursor=${first.nextCursor}`)).json<{ items: { started: number }[] }>();
  expect(second.items.map(({ started }) => started)).toEqual([1]);
});

test('a tenant sees its own, and only with a key that may administer', async () => {
  await ran({ started: 7 });
  const other = await issueKey(database.db, await database.newTenant());
  const reader = await issueKey(database.db, key.tenantId, { scopes: ['read'] });
  const asOther = await server.api.inject({ url: '/v1/reconciliations', headers: other.headers });
  const asReader = await server.api.inject({ url: '/v1/reconciliations', headers: reader.headers });
  expect(asOther.json()).toMatchObject({ items: [] });
  expect(asReader.statusCode).toBe(403);
});

test('the numbers of it are in the metrics', async () => {
  await ran({ stuck: 2, started: 5, ended: 1 });
  const text = (await server.api.inject({ url: '/metrics' })).body;
  expect(Number(/^letterbook_mailboxes_stuck (\d+)$/m.exec(text)?.[1])).toBeGreaterThanOrEqual(2);
  expect(Number(/^letterbook_reconciler_started_hour (\d+)$/m.exec(text)?.[1])).toBeGreaterThanOrEqual(5);
});
