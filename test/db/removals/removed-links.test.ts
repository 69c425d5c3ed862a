import { keepLinks, restoreLinks } from '../../../src/db/removals/removed-links';
import { lockTenantForWriting } from '../../../src/db/tenant-lock';
import { changeMessageLink } from '../../../src/db/thread-links/message-links';
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

test('a message that comes back with a link by hand brings its replies back', async () => {
  const { db } = database;
  const tenantId = await database.newTenant();
  const mailbox = await aMailbox(db, tenantId);
  const recordId = await aRecord(db, tenantId);
  const asked = await aMessage(db, mailbox, { messageId: '<a@x>', from: 'ada@customer.example' });
  await aMessage(db, mailbox, { messageId: '<b@x>', from: 'ada@customer.example', references: ['<a@x>'] });
  await db.inTenant(tenantId, async (sql) => {
    await lockTenantForWriting(sql, tenantId);
    await changeMessageLink(sql, tenantId, {
      does: 'link',
      actor: 'usr_1',
      pair: { messageId: asked.id, recordId },
    });
    await keepLinks(sql, mailbox, [asked.copyId]);
    await sql.execute('DELETE FROM link_reason');
    await sql.execute('DELETE FROM link');
  });
  expect(await restoreLinks(db, { ...mailbox, fence: { epoch: 1, generation: 1 } })).toBe(1);
  const linked = await db.inTenant(tenantId, (sql) =>
    sql.query<{ id: string }>(
      `SELECT m.message_id_header AS id FROM timeline t JOIN message m ON m.id = t.message_id WHERE t.record_id = $1 AND t.principal = -1 ORDER BY 1`,
      [recordId],
    ),
  );
  expect(linked.map(({ id }) => id)).toEqual(['<a@x>', '<b@x>']);
});
