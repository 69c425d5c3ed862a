import pg from 'pg';

import {
  filteredWindowRows,
  readTimeline,
  timelineStatement,
  type Reader,
  type TimelineFilter,
  type TimelinePlace,
  type TimelineSlot,
} from '../../src/db/timeline-read';
import { noConditions } from '../../src/db/timeline-conditions';
import { allMailRecord, unassignedRecord } from '../../src/db/timeline-write';
import { newUuid } from '../../src/db/new-id';
import { createTestDatabase, type TestDatabase } from '../support/database';

const rows = 20_000;
const user = { userId: newUuid(), principal: 7 };

let database: TestDatabase;
let tenantId: string;
let recordId: string;

/** A record with 20,000 messages: every third is open to all as metadata, every fifth the user reads in full. */
beforeAll(async () => {
  database = await createTestDatabase();
  tenantId = await database.newTenant();
  recordId = newUuid();
  await database.db.inTenant(tenantId, async (sql) => {
    const threadId = newUuid();
    await sql.execute('INSERT INTO thread (tenant_id, id) VALUES ($1, $2)', [tenantId, threadId]);
    await sql.execute(
      `INSERT INTO message (tenant_id, id, message_key, thread_id, sort_at, participants)
       SELECT $1, uuidv7(), sha256(n::text::bytea), $2, timestamptz '2020-01-01Z' + n * interval '1 hour', '{}' FROM generate_series(1, $3) n`,
      [tenantId, threadId, rows],
    );
    const entries = `SELECT $1::uuid, r, p, m.sort_at, m.id, level FROM (SELECT *, row_number() OVER (ORDER BY sort_at) AS n FROM message) m,
      unnest($2::uuid[]) r, (VALUES (-1, 1, 3), (0, 3, 1), (7, 5, 3)) AS reader(p, every, level) WHERE m.n % every = 0`;
    await sql.execute(`INSERT INTO timeline ${entries}`, [tenantId, [recordId, allMailRecord, unassignedRecord]]);
  });
  await analyze(database.ownerUrl);
});
afterAll(() => database.drop());

/** The planner knows the tables only when their owner has had them counted. */
async function analyze(url: string): Promise<void> {
  const owner = new pg.Client({ connectionString: url });
  await owner.connect();
  await owner.query('ANALYZE').finally(() => owner.end());
}

const everything: TimelineFilter = {
  recordId: '',
  ...noConditions,
  since: null,
  until: null,
  show: 'every-message',
};

type Page = Parameters<typeof readTimeline>[2];

const readers: [string, () => Reader][] = [
  ['the tenant', () => ({ tenantId, userId: null, principal: -1 })],
  ['a user', () => ({ tenantId, ...user })],
];
const places: [string, () => string][] = [
  ['a record', () => recordId],
  ['all mail', () => allMailRecord],
  ['unassigned mail', () => unassignedRecord],
];

const middle = { sortAt: new Date('2021-01-01T00:00:00Z'), messageId: newUuid() };

describe.each(readers)('for %s', (_who, reader) => {
  test.each(places)('a page of %s reads no more of the index than it shows', async (_where, record) => {
    for (const after of [null, middle]) {
      const page = { filter: { ...everything, recordId: record() }, after, limit: 51 };
      const { text, values } = timelineStatement(reader(), page);
      const plan = await database.db.inTenant(tenantId, (sql) =>
        sql.query<{ 'QUERY PLAN': string }>(`EXPLAIN (ANALYZE, BUFFERS OFF, TIMING OFF, COSTS OFF) ${text}`, values),
      );
      const lines = plan.map((line) => line['QUERY PLAN']).join('\n');
      expect(lines).toMatch(/Index (Only )?Scan Backward using timeline_pkey/);
      expect(lines).not.toMatch(/Seq Scan on (?!narrowed_reader)|Bitmap|Rows Removed by Filter: \d{3}/);
      expect(
        lines
          .match(/rows=(\d+)/g)
          ?.map((hit) => Number(hit.slice(5)))
          .filter((count) => count > 102),
      ).toEqual([]);
    }
  });

  test('a folded page of one long thread looks at each message a few times, not at all others for each', async () => {
    const page = { filter: { ...everything, recordId, show: 'newest-of-thread' as const }, after: null, limit: 51 };
    const { text, values } = timelineStatement(reader(), page);
    const [explained] = await database.db.inTenant(tenantId, (sql) =>
      sql.query<{ 'QUERY PLAN': [{ Plan: Record<string, number> }] }>(
        `EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) ${text}`,
        values,
      ),
    );
    const plan = explained?.['QUERY PLAN'][0].Plan ?? {};
    const buffers = (plan['Shared Hit Blocks'] ?? 0) + (plan['Shared Read Blocks'] ?? 0);
    expect(buffers).toBeLessThan(filteredWindowRows * 150);
    const { slots } = await database.db.inTenant(tenantId, (sql) => readTimeline(sql, reader(), page));
    expect(slots).toHaveLength(1);
  });

  test('pages follow one another without a gap or a double', async () => {
    const seen: string[] = [];
    let after: TimelinePlace | null = null;
    for (let n = 0; n < 20; n += 1) {
      const page: Page = { filter: { ...everything, recordId }, after, limit: 37 };
      const slots: TimelineSlot[] = await database.db.inTenant(
        tenantId,
        async (sql) => (await readTimeline(sql, reader(), page)).slots,
      );
      seen.push(...slots.map((slot) => `${slot.messageId} ${String(slot.level)}`));
      after = slots.at(-1) ?? null;
    }
    const expected = await database.db.inTenant(tenantId, (sql) =>
      sql.query<{ slot: string }>(
        `SELECT message_id || ' ' || max(level) AS slot FROM timeline WHERE record_id = $1 AND principal = ANY ($2::integer[])
         GROUP BY sort_at, message_id ORDER BY sort_at DESC, message_id DESC LIMIT $3`,
        [recordId, reader().userId === null ? [-1] : [0, 7], 20 * 37],
      ),
    );
    expect(seen).toEqual(expected.map((row) => row.slot));
  });
});
