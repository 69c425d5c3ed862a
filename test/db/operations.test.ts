import { findOperation, finishOperation, insertOperation } from '../../src/db/operations';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { aMailbox, aUser } from '../support/mail-rows';

let database: TestDatabase;
let tenantId: string;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  tenantId = await database.newTenant();
});

const make = (sourceId: string | null) =>
  database.db.inTenant(tenantId, (sql) => insertOperation(sql, tenantId, { kind: 'sync', sourceId, generation: 1 }));

test('what is read is what was written, while it waits and when it has ended', async () => {
  const { sourceId } = await aMailbox(database.db, tenantId);
  const waiting = await make(sourceId);
  const all = { tenantId, userId: null };
  expect(await findOperation(database.db, all, waiting.id)).toEqual(waiting);
  const end = { id: waiting.id, state: 'failed' as const, result: { recorded: 3 }, error: { code: 'busy' } };
  const ended = await database.db.inTenant(tenantId, (sql) => finishOperation(sql, tenantId, end));
  expect(ended).toMatchObject({ state: 'failed', result: { recorded: 3 }, error: { code: 'busy' } });
  expect(await findOperation(database.db, all, waiting.id)).toEqual(ended);
});

test('an operation of a mailbox is seen by its owner and its members', async () => {
  const [owner, member, other] = [
    await aUser(database.db, tenantId),
    await aUser(database.db, tenantId),
    await aUser(database.db, tenantId),
  ];
  const mailbox = await aMailbox(database.db, tenantId, { ownerUserId: owner.id, memberUserIds: [member.id] });
  const { id } = await make(mailbox.sourceId);
  const seenBy = async (userId: string) => (await findOperation(database.db, { tenantId, userId }, id))?.id;
  expect([await seenBy(owner.id), await seenBy(member.id), await seenBy(other.id)]).toEqual([id, id, undefined]);
});

test('an operation of no mailbox is seen by every user, but by no other tenant', async () => {
  const { id } = await make(null);
  const user = await aUser(database.db, tenantId);
  expect(await findOperation(database.db, { tenantId, userId: user.id }, id)).toMatchObject({ id, sourceId: null });
  const elsewhere = { tenantId: await database.newTenant(), userId: null };
  expect(await findOperation(database.db, elsewhere, id)).toBeNull();
});
