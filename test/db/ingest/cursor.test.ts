import { moveCursor, type NextCursor } from '../../../src/db/ingest/cursor';
import { doubtCursor } from '../../../src/db/ingest/generation-write';
import { createTestDatabase, type TestDatabase } from '../../support/database';
import { aMailbox, type TestMailbox } from '../../support/mail-rows';

let database: TestDatabase;
let mailbox: TestMailbox;

beforeAll(async () => {
  database = await createTestDatabase();
  mailbox = await aMailbox(database.db, await database.newTenant());
});
afterAll(() => database.drop());

const source = () => ({ ...mailbox, fence: { epoch: 1, generation: 1 } });
const at = (uidNext: number): NextCursor => ({
  uidValidity: '1',
  uidNext,
  messages: uidNext - 1,
  highestModseq: String(uidNext * 10),
});
const since = (uidNext: number) => ({ uidNext, modseq: String(uidNext * 10), exists: uidNext - 1 });

const move = (snapshot: NextCursor) =>
  database.db.writeInTenant(mailbox.tenantId, (sql) => moveCursor(sql, source(), { genId: mailbox.genId, snapshot }));

async function cursor() {
  const [row] = await database.db.inTenant(mailbox.tenantId, (sql) =>
    sql.query<{ uidNext: number; isExact: boolean; isListed: boolean }>(
      `SELECT uidnext::int AS "uidNext", is_exact AS "isExact", listed_at IS NOT NULL AS "isListed" FROM folder_generation WHERE id = $1`,
      [mailbox.genId],
    ),
  );
  return row;
}

beforeEach(async () => {
  await move(at(100));
  await move({ ...at(110), agreed: { compared: 'all', since: since(100) } });
});

test('a comparison of all that agrees makes the cursor exact, one that may not makes it inexact', async () => {
  expect(await cursor()).toEqual({ uidNext: 110, isExact: true, isListed: true });
  await move(at(120));
  expect(await cursor()).toEqual({ uidNext: 120, isExact: false, isListed: true });
});

test('a comparison of all that another run has overtaken makes nothing exact', async () => {
  await move({ ...at(105), agreed: { compared: 'all', since: since(100) } });
  expect(await cursor()).toEqual({ uidNext: 105, isExact: false, isListed: true });
});

test('a look at the tail moves an exact cursor on, also after its doubt, and is no listing of all', async () => {
  await database.db.inTenant(mailbox.tenantId, (sql) =>
    sql.execute('UPDATE folder_generation SET listed_at = NULL WHERE id = $1', [mailbox.genId]),
  );
  await doubtCursor(database.db, source(), mailbox.genId);
  expect(await cursor()).toEqual({ uidNext: 110, isExact: false, isListed: false });
  await move({ ...at(112), agreed: { compared: 'tail', since: since(110) } });
  expect(await cursor()).toEqual({ uidNext: 112, isExact: true, isListed: false });
});

test('a look at the tail that another run has overtaken leaves the cursor where that has put it', async () => {
  await move({ ...at(130), agreed: { compared: 'tail', since: since(110) } });
  await move({ ...at(120), agreed: { compared: 'tail', since: since(110) } });
  expect(await cursor()).toEqual({ uidNext: 130, isExact: true, isListed: true });
});
