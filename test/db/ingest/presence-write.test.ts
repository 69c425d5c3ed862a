import { endPlacements, revivePlacements } from '../../../src/db/ingest/presence-write';
import { createTestDatabase, type TestDatabase } from '../../support/database';
import { aMailbox, aMessage, type TestMailbox } from '../../support/mail-rows';

let database: TestDatabase;
let mailbox: TestMailbox;
let uids: number[];

const source = () => ({ ...mailbox, fence: { epoch: 1, generation: 1 } });

beforeAll(async () => {
  database = await createTestDatabase();
  mailbox = await aMailbox(database.db, await database.newTenant());
  uids = [];
  for (let number = 0; number < 6; number += 1) {
    uids.push((await aMessage(database.db, mailbox, { subject: String(number) })).uid);
  }
});
afterAll(() => database.drop());
const inAnHour = () => new Date(Date.now() + 3_600_000);
beforeEach(() => endPlacements(database.db, source(), { genId: mailbox.genId, uids, listedAfter: inAnHour() }));

const live = async () => {
  const rows = await database.db.inTenant(mailbox.tenantId, (sql) =>
    sql.query<{ uid: number; presence_at: Date }>(
      'SELECT uid, presence_at FROM placement WHERE gen_id = $1 AND presence = 1 ORDER BY uid',
      [mailbox.genId],
    ),
  );
  return rows;
};

const ranges = (...pairs: [number, number][]) => pairs.map(([from, to]) => ({ genId: mailbox.genId, from, to }));

const revive = (shown: { genId: number; from: number; to: number }[]) =>
  revivePlacements(database.db, source(), { ranges: shown, listedAfter: inAnHour() });

test('placements of all ranges live again, and no others', async () => {
  await revive(ranges([1, 2], [5, 5], [100, 200]));
  expect((await live()).map((row) => row.uid)).toEqual([1, 2, 5]);
});

test('what lives already is not touched by a second run', async () => {
  await revive(ranges([1, 3]));
  const before = await live();
  await revive(ranges([1, 3]));
  expect(await live()).toEqual(before);
});

test('another generation with the same UIDs is left alone', async () => {
  const other = await aMailbox(database.db, mailbox.tenantId);
  await revive([{ genId: other.genId, from: 1, to: 6 }]);
  expect(await live()).toEqual([]);
});

test('a listing that is older than a placement does not end it', async () => {
  await revive(ranges([1, 6]));
  const anHourAgo = new Date(Date.now() - 3_600_000);
  await endPlacements(database.db, source(), { genId: mailbox.genId, uids, listedAfter: anHourAgo });
  expect((await live()).map((row) => row.uid)).toEqual(uids);
});

test('a listing that is older than the end of a placement does not revive it', async () => {
  const anHourAgo = new Date(Date.now() - 3_600_000);
  await revivePlacements(database.db, source(), { ranges: ranges([1, 6]), listedAfter: anHourAgo });
  expect(await live()).toEqual([]);
});
