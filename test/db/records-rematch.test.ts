import {
  addToRematch,
  queueRematch,
  runRematch,
  unfinishedRematches,
  type QueuedRematch,
} from '../../src/db/records-rematch';
import { rematchProgress } from '../../src/db/rematch-operation';
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

const queue = (addressKeys: string[]) =>
  database.db.inTenant(tenantId, (sql) => queueRematch(sql, tenantId, addressKeys));
const add = (job: QueuedRematch, addressKeys: string[]) =>
  database.db.inTenant(tenantId, (sql) => addToRematch(sql, tenantId, { job, addressKeys }));

async function queued(...addressKeys: string[]): Promise<QueuedRematch> {
  const job = await queue(addressKeys);
  if (job === null) throw new Error('no job');
  return job;
}

const unfinished = async (olderThanMs: number) =>
  (await unfinishedRematches(database.db, olderThanMs)).filter((job) => job.tenantId === tenantId);

test('addresses without mail need no job', async () => {
  expect(await queue(['nobody@customer.example'])).toBeNull();
  const job = await queued('a@customer.example', 'nobody@customer.example');
  expect(job.messages).toBe(1);
  expect(await add(job, ['nobody@customer.example'])).toBeNull();
});

test('a job that waits takes more addresses; one that runs leaves them to a new one', async () => {
  const job = await queued('a@customer.example');
  expect(await add(job, ['b@customer.example'])).toEqual({ operationId: job.operationId, messages: 2 });
  const progress = await rematchProgress(database.db, { tenantId, operationId: job.operationId });
  expect(progress?.addressKeys).toEqual(['a@customer.example', 'b@customer.example']);
  const other = await add(job, ['b@customer.example']);
  expect(other).toMatchObject({ messages: 1 });
  expect(other?.operationId).not.toBe(job.operationId);
});

test('jobs that nobody started are found after their time, until they are done', async () => {
  const { operationId } = await queued('a@customer.example');
  expect(await unfinished(60_000)).toEqual([]);
  expect(await unfinished(-60_000)).toEqual([{ tenantId, operationId }]);
  await rematchProgress(database.db, { tenantId, operationId });
  expect(await unfinished(-60_000)).toEqual([{ tenantId, operationId }]);
  await runRematch(database.db, { tenantId, operationId });
  expect(await unfinished(-60_000)).toEqual([]);
});
