import { queueRematch, unfinishedRematches, type QueuedRematch } from '../../src/db/records-rematch';
import { rematchChunk, runRematch } from '../../src/db/rematch-job';
import { lockTenantForWriting } from '../../src/db/tenant-lock';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { aMailbox, aMessage } from '../support/mail-rows';

let database: TestDatabase;
let tenantId: string;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  tenantId = await database.newTenant();
  const mailbox = await aMailbox(database.db, tenantId);
  await aMessage(database.db, mailbox, { from: 'a@customer.example' });
  await aMessage(database.db, mailbox, { from: 'b@customer.example' });
});

const queue = (keys: string[]) =>
  database.db.inTenant(tenantId, async (sql) => {
    await lockTenantForWriting(sql, tenantId);
    return queueRematch(sql, tenantId, keys);
  });

async function queued(...addressKeys: string[]): Promise<QueuedRematch> {
  const job = await queue(addressKeys);
  if (job === null) throw new Error('no job');
  return job;
}

const unfinished = async (olderThanMs: number) =>
  (await unfinishedRematches(database.db, olderThanMs)).filter((job) => job.tenantId === tenantId);

const chunk = (operationId: string) => rematchChunk(database.db, { tenantId, operationId }, 500);

const jobs = async () => {
  const rows = await database.db.inTenant(tenantId, (sql) =>
    sql.query<{ text: string }>(
      `SELECT concat_ws(' ', state, done, total, task IS NULL) AS text FROM operation WHERE kind = 'rematch' ORDER BY created_at, id`,
    ),
  );
  return rows.map(({ text }) => text);
};

test('addresses without mail need no job, and so do domains where no mailbox links by them', async () => {
  expect(await queue(['nobody@customer.example', '@customer.example'])).toBeNull();
  const job = await queued('a@customer.example', 'nobody@customer.example');
  expect(job.messages).toBe(1);
});

test('a job that waits takes more addresses; one that runs leaves them to the next', async () => {
  const job = await queued('a@customer.example');
  expect(await queue(['b@customer.example'])).toEqual({ operationId: job.operationId, messages: 2 });
  expect(await chunk(job.operationId)).toEqual({ kind: 'more' });
  const next = await queued('b@customer.example');
  expect(next.operationId).not.toBe(job.operationId);
  expect(await queued('a@customer.example')).toMatchObject({ operationId: next.operationId });
  expect(await jobs()).toEqual(['running 2 2 f', 'waiting 0 2 f']);
});

test('one job of a tenant runs at a time, and whoever waits for it may do it', async () => {
  const first = await queued('a@customer.example');
  await chunk(first.operationId);
  const second = await queued('b@customer.example');
  expect(await chunk(second.operationId)).toEqual({ kind: 'waits', behind: first.operationId });
  expect(await runRematch(database.db, { tenantId, operationId: second.operationId })).toBe('done');
  expect(await jobs()).toEqual(['done 1 1 t', 'done 1 1 t']);
  expect(await chunk(second.operationId)).toEqual({ kind: 'none' });
});

test('jobs of other tenants wait for nothing', async () => {
  const job = await queued('a@customer.example');
  await chunk(job.operationId);
  tenantId = await database.newTenant();
  await aMessage(database.db, await aMailbox(database.db, tenantId), { from: 'a@customer.example' });
  expect(await chunk((await queued('a@customer.example')).operationId)).toEqual({ kind: 'more' });
});

test('a job that got more than it may do here says so', async () => {
  const job = await queued('a@customer.example', 'b@customer.example');
  expect(await runRematch(database.db, { tenantId, operationId: job.operationId }, 1)).toBe('more');
  expect(await runRematch(database.db, { tenantId, operationId: job.operationId })).toBe('done');
});

test('its addresses go with what is done', async () => {
  const job = await queued('a@customer.example');
  await runRematch(database.db, { tenantId, operationId: job.operationId });
  expect(await database.db.inTenant(tenantId, (sql) => sql.query('SELECT FROM rematch_key'))).toEqual([]);
});

test('jobs that nobody started are found after their time, until they are done', async () => {
  const { operationId } = await queued('a@customer.example');
  expect(await unfinished(60_000)).toEqual([]);
  expect(await unfinished(-60_000)).toEqual([{ tenantId, operationId }]);
  await chunk(operationId);
  expect(await unfinished(-60_000)).toEqual([{ tenantId, operationId }]);
  await runRematch(database.db, { tenantId, operationId });
  expect(await unfinished(-60_000)).toEqual([]);
});
