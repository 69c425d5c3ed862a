import { recordBatch } from '../../../src/db/ingest/record-batch';
import { retireGenerations } from '../../../src/db/ingest/retire-generations';
import { lockSource } from '../../../src/db/ingest/source-lock';
import { createTestDatabase, type TestDatabase } from '../../support/database';
import { aMailbox, aMessage } from '../../support/mail-rows';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});

afterAll(() => database.drop());

test('a batch of a folder that was retired meanwhile writes nothing, and says that its UIDs mean nothing', async () => {
  const { db } = database;
  const mailbox = await aMailbox(db, await database.newTenant());
  const { tenantId, genId } = mailbox;
  const source = { ...mailbox, fence: { epoch: 1, generation: 1 } };
  await aMessage(db, mailbox);
  await db.inTenant(tenantId, async (sql) => {
    await lockSource(sql, source);
    const [{ id } = { id: '' }] = await sql.query<{ id: string }>('SELECT id FROM folder');
    await retireGenerations(sql, source, [id]);
  });
  await expect(aMessage(db, mailbox)).rejects.toMatchObject({ kind: 'cursor-lost', code: 'uidvalidity-changed' });
  const cursor = { uidValidity: '1700000000', uidNext: 901, messages: 1, highestModseq: null };
  const batch = { genId, items: [], cursor, part: 'live' as const, versions: { parser: 1 } };
  await expect(recordBatch(db, source, batch)).rejects.toMatchObject({ kind: 'cursor-lost' });
  const rows = await db.inTenant(tenantId, (sql) =>
    sql.query('SELECT uid, presence, (SELECT count(*) FROM copy) AS copies FROM placement'),
  );
  expect(rows).toEqual([{ uid: 1, presence: 2, copies: 1 }]);
});
