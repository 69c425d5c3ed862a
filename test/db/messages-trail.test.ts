import pg from 'pg';

import type { Sql } from '../../src/db/database';
import { removedCopies } from '../../src/db/messages-trail';
import { newUuid } from '../../src/db/new-id';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { aMailbox } from '../support/mail-rows';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

test('what was removed of a message is found without reading the events of others', async () => {
  const tenantId = await database.newTenant();
  const { sourceId, genId } = await aMailbox(database.db, tenantId);
  const [messageId, copyId] = [newUuid(), newUuid()];
  const ids = JSON.stringify({ messageId, copyId, genId, uid: 7 });
  await database.db.inTenant(tenantId, async (sql) => {
    await sql.execute(
      `INSERT INTO outbox (tenant_id, stream, epoch, seq, event_id, type, ids, about_message)
       SELECT $1, $2, 1, n, gen_random_uuid(), CASE n % 2 WHEN 0 THEN 'message.recorded' ELSE 'message.removed' END,
         jsonb_build_object('messageId', id, 'copyId', id), id
       FROM (SELECT n, gen_random_uuid() AS id FROM generate_series(1, 3000) AS n) AS made`,
      [tenantId, sourceId],
    );
    await sql.execute(
      `INSERT INTO outbox (tenant_id, stream, epoch, seq, event_id, type, ids, about_message)
       VALUES ($1, $2, 1, 4001, gen_random_uuid(), 'message.recorded', $3, $4), ($1, $2, 1, 4002, gen_random_uuid(), 'message.removed', $3, $4)`,
      [tenantId, sourceId, ids, messageId],
    );
  });
  const owner = new pg.Client({ connectionString: database.ownerUrl });
  await owner.connect();
  await owner.query('ANALYZE outbox');
  await owner.end();

  const plans: string[] = [];
  const removed = await database.db.inTenant(tenantId, (sql) => {
    const query: Sql['query'] = async <Row extends object>(text: string, values?: unknown[]) => {
      const lines = await sql.query<{ 'QUERY PLAN': string }>(
        `EXPLAIN (ANALYZE, BUFFERS OFF, TIMING OFF, COSTS OFF) ${text}`,
        values,
      );
      plans.push(lines.map((line) => line['QUERY PLAN']).join('\n'));
      return sql.query<Row>(text, values);
    };
    return removedCopies({ ...sql, query }, { tenantId, userId: null, principal: -1 }, messageId);
  });
  expect(removed).toMatchObject([{ copyId, sourceId }]);
  expect(plans).toHaveLength(1);
  expect(plans[0]).toMatch(/Index Cond: \(about_message = /);
  expect(plans[0]).not.toMatch(/Seq Scan on outbox|Rows Removed by Filter: \d{2}/);
});
