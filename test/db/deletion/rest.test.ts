import { createByteBudget } from '../../../src/activities/byte-budget';
import type { ActivityContext, ActivityRun } from '../../../src/activities/context';
import { erasePersonRows } from '../../../src/activities/erase-person';
import { defaultLimits } from '../../../src/config/limits';
import { createPostgresBlobStore } from '../../../src/db/blobs/postgres-blob-store';
import { readCatalogue } from '../../../src/db/deletion/catalogue';
import { nextContent } from '../../../src/db/deletion/content-chunk';
import { deleteContent } from '../../../src/db/deletion/delete-content';
import { deleteRest } from '../../../src/db/deletion/rest';
import { danglingRows, verifyGone } from '../../../src/db/deletion/verify';
import { beginErasure } from '../../../src/db/people/begin-erasure';
import { fillSearch } from '../../../src/db/search-fill';
import { createTestDatabase, type TestDatabase } from '../../support/database';
import { aMailbox, aMessage, type TestMailbox } from '../../support/mail-rows';
import { askForDeletion, carryOut } from '../../support/two-mailboxes';

// What nobody reaches any more goes behind the mail that it belonged to, outside the tenant's lock.

const run: ActivityRun = { signal: new AbortController().signal, heartbeat: () => undefined };
const words = ['message_subject', 'message_body', 'message_search', 'copy_structure'] as const;

let database: TestDatabase;
let context: ActivityContext;
let tenantId: string;
let anna: TestMailbox;
let ben: TestMailbox;

beforeAll(async () => {
  database = await createTestDatabase();
  const { db } = database;
  const played: Partial<ActivityContext> = {
    db,
    blobs: createPostgresBlobStore(db),
    budget: createByteBudget(1_000_000),
    erasures: { compare: () => Promise.resolve([]) },
    limits: { ...defaultLimits, deletionChunkRows: 3 },
  };
  context = played as ActivityContext;
});
afterAll(() => database.drop());
beforeEach(async () => {
  tenantId = await database.newTenant();
  anna = await aMailbox(database.db, tenantId, { visibility: 'full' });
  ben = await aMailbox(database.db, tenantId, { visibility: 'full' });
});

const rows = <Row extends object>(text: string, values: unknown[] = []) =>
  database.db.inTenant(tenantId, (sql) => sql.query<Row>(text, values));

const counted = async (tables: readonly string[]) => {
  const counts = await Promise.all(tables.map((table) => rows(`SELECT FROM ${table}`)));
  return counts.map(({ length }) => length);
};

const fillAll = async () => {
  while ((await fillSearch(database.db, tenantId, 100)) > 0);
};

/** A deletion of Anna's mailbox whose worker was killed when it had noted the rest of a first chunk. */
async function killedBetween() {
  const deletionId = await askForDeletion(context, { tenantId, mailboxId: anna.sourceId });
  const ref = { tenantId, sourceId: anna.sourceId, deletionId };
  const chunk = await nextContent(database.db, ref, { after: null, limit: 10 });
  if (chunk === null) throw new Error('there is something to delete');
  const catalogue = await database.db.inTenant(tenantId, readCatalogue);
  await deleteContent(database.db, ref, { chunk, contents: new Map(), catalogue, rest: 'noted' });
  return ref;
}

test('the mail is gone for every reader while its words are still there, and then these go', async () => {
  for (const subject of ['one', 'two']) await aMessage(database.db, anna, { subject });
  await fillAll();
  const ref = await killedBetween();
  const reached = ['placement', 'copy', 'copy_address', 'message', 'thread', 'link', 'timeline', 'search_pending'];
  expect(await counted(reached)).toEqual(reached.map(() => 0));
  expect(await counted(words)).toEqual([2, 2, 6, 2]);
  expect(await deleteRest(database.db, ref)).toBe(true);
  expect(await counted([...words, 'deletion_rest'])).toEqual([0, 0, 0, 0, 0]);
  expect(await deleteRest(database.db, ref)).toBe(false);
});

test('a worker that is killed between the two leaves them to the next, and the report counts them', async () => {
  for (let n = 0; n < 4; n += 1) await aMessage(database.db, anna, { subject: `number ${String(n)}` });
  await fillAll();
  const { deletionId } = await killedBetween();
  expect(await carryOut(context, { tenantId, mailboxId: anna.sourceId, deletionId })).toMatchObject({ kind: 'done' });
  expect(await counted(words)).toEqual([0, 0, 0, 0]);
  const [row] = await rows<{ report: { tables: object } }>('SELECT report FROM deletion');
  expect(row?.report.tables).toMatchObject({
    message: 4,
    message_subject: 4,
    message_body: 4,
    message_search: 12,
    copy_structure: 4,
  });
});

test('what is noted stops the proof that nothing is left of the mailbox, and no other deletion', async () => {
  await aMessage(database.db, anna, { subject: 'hers' });
  await aMessage(database.db, ben, { subject: 'his' });
  await fillAll();
  const ref = await killedBetween();
  const verified = await database.db.inTenant(tenantId, (sql) => verifyGone(sql, ref, []));
  expect(verified.left).toMatchObject({ deletion_rest: 1 });
  expect(await database.db.inTenant(tenantId, (sql) => danglingRows(sql, tenantId))).toEqual({});
  const other = { tenantId, mailboxId: ben.sourceId };
  const deletionId = await askForDeletion(context, other);
  expect(await carryOut(context, { ...other, deletionId })).toMatchObject({ kind: 'done' });
  expect(await counted(['message_body'])).toEqual([1]);
});

test('words of a message that is no more and that nobody has noted are found', async () => {
  const { id } = await aMessage(database.db, anna);
  await aMessage(database.db, anna, { subject: 'another' });
  await rows('DELETE FROM timeline');
  await rows('DELETE FROM copy_address');
  await rows('DELETE FROM search_pending');
  await rows('DELETE FROM placement WHERE copy_id IN (SELECT id FROM copy WHERE message_id = $1)', [id]);
  await rows('DELETE FROM copy WHERE message_id = $1', [id]);
  await rows('DELETE FROM message WHERE id = $1', [id]);
  expect(await database.db.inTenant(tenantId, (sql) => danglingRows(sql, tenantId))).toEqual({
    'copy_structure.copy_id': 1,
    'message_body.message_id': 1,
    'message_subject.message_id': 1,
  });
});

test('the copy of a colleague that comes in between is a message of its own, with all its words', async () => {
  const shared = { messageId: '<both@mail.example>', subject: 'both', text: 'For both.' };
  const hers = await aMessage(database.db, anna, shared);
  const ref = await killedBetween();
  const his = await aMessage(database.db, ben, shared);
  expect(his.id).not.toBe(hers.id);
  await fillAll();
  while (await deleteRest(database.db, ref));
  expect(await rows('SELECT message_id, text FROM message_body')).toEqual([{ message_id: his.id, text: 'For both.' }]);
  expect(await counted(words)).toEqual([1, 1, 3, 1]);
});

test('of a message that stays, only what was known of the copy that went goes', async () => {
  const shared = { messageId: '<both@mail.example>', subject: 'both' };
  await aMessage(database.db, ben, shared);
  const hers = await aMessage(database.db, anna, shared);
  await fillAll();
  const ref = await killedBetween();
  while (await deleteRest(database.db, ref));
  expect(await rows('SELECT id FROM copy WHERE id = $1', [hers.copyId])).toEqual([]);
  expect(await counted(['copy', ...words])).toEqual([1, 1, 1, 3, 1]);
});

test('a person is not said to be erased before the words of a mailbox that is just being deleted are', async () => {
  await aMessage(database.db, anna, { from: 'ada@customer.example', text: 'Her words.' });
  await fillAll();
  await killedBetween();
  const erased = await database.db.inTenant(tenantId, (sql) =>
    beginErasure(sql, {
      tenantId,
      addressKeys: ['ada@customer.example'],
      actor: 'key_1',
      fingerprintsOf: (address) => [Buffer.from(address)],
    }),
  );
  if (erased.kind !== 'begun') throw new Error('the erasure was refused');
  const share = await erasePersonRows(context, run, { tenantId, deletionId: erased.deletionId });
  expect(share).toMatchObject({ kind: 'done' });
  expect(await counted([...words, 'deletion_rest'])).toEqual([0, 0, 0, 0, 0]);
});

test('two that delete the rest at the same time take it once', async () => {
  for (let n = 0; n < 3; n += 1) await aMessage(database.db, anna, { subject: `number ${String(n)}` });
  await fillAll();
  const ref = await killedBetween();
  const taken = await Promise.all([deleteRest(database.db, ref), deleteRest(database.db, ref)]);
  expect(taken.sort()).toEqual([false, true]);
  const [row] = await rows<{ counts: object }>('SELECT counts FROM deletion');
  expect(row?.counts).toMatchObject({ message_body: 3, message_search: 9 });
});
