import { recordedBefore } from '../../../src/db/ingest/recorded-before';
import type { MessageEnvelope } from '../../../src/domain/folder';
import { createTestDatabase, type TestDatabase } from '../../support/database';
import { aMailbox, aMessage, type TestMailbox } from '../../support/mail-rows';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const instant = new Date('2020-01-01T00:00:00Z');
/** Size and date of the rows that `aMessage` makes. */
const size = 1_000;
const at = (day: number) => new Date(Date.UTC(2010, 0, day, 3, 4, 5));

const envelope = (of: Partial<MessageEnvelope>): MessageEnvelope => ({
  ...{ uid: 1, size, internalDate: null, flags: 0, modseq: null, providerId: null, providerThreadId: null },
  ...of,
});

async function mailboxWith(days: number[]): Promise<TestMailbox> {
  const mailbox = await aMailbox(database.db, await database.newTenant());
  for (const day of days) await aMessage(database.db, mailbox, { subject: String(day), sentAt: at(day) });
  return mailbox;
}

test.each([1, 2, 3, 100])('in pages of %d rows, all are known, and no other', async (rowsPerPage) => {
  const mailbox = await mailboxWith([6, 1, 5]);
  await aMessage(database.db, mailbox, { subject: 'later', sentAt: instant });
  const recorded = await recordedBefore(database.db, mailbox, { instant, rowsPerPage });
  expect(recorded.count).toBe(3);
  const known = [1, 2, 3, 4, 5, 6, 7].filter((day) => recorded.has(envelope({ internalDate: at(day) })));
  expect(known).toEqual([1, 5, 6]);
  expect(recorded.has(envelope({ internalDate: at(1), size: size + 1 }))).toBe(false);
  expect(recorded.has(envelope({ internalDate: instant }))).toBe(false);
  expect(recorded.has(envelope({}))).toBe(false);
});

test('a message is known by its provider id, whatever the server says of it now', async () => {
  const mailbox = await mailboxWith([1]);
  await database.db.inTenant(mailbox.tenantId, (sql) =>
    sql.execute(`UPDATE copy SET provider_id = 'gmail:17' WHERE source_id = $1`, [mailbox.sourceId]),
  );
  const recorded = await recordedBefore(database.db, mailbox, { instant });
  expect(recorded.has(envelope({ providerId: 'gmail:17', size: 5 }))).toBe(true);
  expect(recorded.has(envelope({ providerId: 'gmail:18', size: 5 }))).toBe(false);
});

test('where nothing was recorded nothing is known', async () => {
  const recorded = await recordedBefore(database.db, await mailboxWith([]), { instant });
  expect(recorded.count).toBe(0);
  expect(recorded.has(envelope({ internalDate: at(1) }))).toBe(false);
});
