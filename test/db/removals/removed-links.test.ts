import { keepLinks } from '../../../src/db/removals/removed-links';
import { createTestDatabase, type TestDatabase } from '../../support/database';
import { aMailbox, aMessage, aRecord } from '../../support/mail-rows';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

test('a link that is kept says what a person or a rule linked it by, and no address', async () => {
  const { db } = database;
  const tenantId = await database.newTenant();
  const mailbox = await aMailbox(db, tenantId);
  await aRecord(db, tenantId, { addresses: ['ada@customer.example'] });
  const [linked, suppressed] = [
    await aMessage(db, mailbox, { from: 'ada@customer.example', subject: 'linked' }),
    await aMessage(db, mailbox, { from: 'ada@customer.example', subject: 'taken away' }),
  ];
  const kept = await db.inTenant(tenantId, async (sql) => {
    await sql.execute(
      `INSERT INTO link_reason (tenant_id, link_id, kind, key, actor, record_version)
       SELECT tenant_id, id, 'person', 'usr_1', 'usr_1', 1 FROM link WHERE tenant_id = $1 AND message_id = $2`,
      [tenantId, linked.id],
    );
    await sql.execute(`UPDATE link SET state = 'suppressed' WHERE tenant_id = $1 AND message_id = $2`, [
      tenantId,
      suppressed.id,
    ]);
    await keepLinks(sql, mailbox, [linked.copyId, suppressed.copyId]);
    return sql.query<{ state: string; reasons: { kind: string; key: string }[] }>(
      'SELECT state, reasons FROM removed_link WHERE tenant_id = $1 ORDER BY state',
      [tenantId],
    );
  });
  expect(kept).toEqual([
    { state: 'active', reasons: [expect.objectContaining({ kind: 'person', key: 'usr_1' })] },
    { state: 'suppressed', reasons: [] },
  ]);
});
