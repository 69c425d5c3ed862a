import type { FilteredItem } from '../../../src/db/ingest/batch';
import { recordBatch } from '../../../src/db/ingest/record-batch';
import { defaultPolicy } from '../../../src/domain/policy';
import { createTestDatabase, type TestDatabase } from '../../support/database';
import { aMailbox, aRecord } from '../../support/mail-rows';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});

afterAll(() => database.drop());

test('mail whose record was made between reading and writing gets no row and holds the cursor back', async () => {
  const { db } = database;
  const mailbox = await aMailbox(db, await database.newTenant());
  const item: FilteredItem = {
    ...{ kind: 'filtered', reason: 'unmatched', uid: 900, size: 1, internalDate: null, flags: 0, modseq: null },
    messageIdHeader: null,
    addressKeys: ['lead@customer.example'],
    answers: [],
  };
  const source = { ...mailbox, fence: { epoch: 1, generation: 1 }, policy: defaultPolicy };
  const cursor = { uidValidity: '1', uidNext: 901, messages: 1, highestModseq: null };
  const batch = {
    genId: mailbox.genId,
    items: [item],
    cursor,
    part: 'live' as const,
    versions: { parser: 1, code: 'test' },
  };
  const uidNext = async () => {
    const [row] = await db.inTenant(mailbox.tenantId, (sql) =>
      sql.query<{ uidnext: string | null }>('SELECT uidnext FROM folder_generation WHERE id = $1', [mailbox.genId]),
    );
    return row?.uidnext ?? null;
  };
  const before = await uidNext();
  await aRecord(db, mailbox.tenantId, { addresses: ['lead@customer.example'] });
  expect(await recordBatch(db, source, batch)).toEqual({ recorded: 0, filtered: 0, parked: 0, deferred: 1 });
  expect(await uidNext()).toBe(before);
});
