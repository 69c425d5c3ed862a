import { defaultLimits } from '../../src/config/limits';
import { listActivities } from '../../src/db/activities/read';
import { newUuid } from '../../src/db/new-id';
import { noConditions } from '../../src/db/timeline-conditions';
import {
  filteredWindowRows,
  narrowedWindowRows,
  readTimeline,
  type Reader,
  type TimelinePlace,
} from '../../src/db/timeline-read';
import { allMailRecord } from '../../src/db/timeline-write';
import { createTestDatabase, type TestDatabase } from '../support/database';

/* Six messages, of which the oldest alone is marked. */

const messages = 6;
let database: TestDatabase;
let tenantId: string;

beforeAll(async () => {
  database = await createTestDatabase();
  tenantId = await database.newTenant();
  await database.db.inTenant(tenantId, async (sql) => {
    const threadId = newUuid();
    await sql.execute('INSERT INTO thread (tenant_id, id) VALUES ($1, $2)', [tenantId, threadId]);
    await sql.execute(
      `INSERT INTO message (tenant_id, id, message_key, thread_id, sort_at, participants, has_attachments)
       SELECT $1, uuidv7(), sha256(n::text::bytea), $2, timestamptz '2020-01-01Z' + n * interval '1 hour', '{}', n = 1 FROM generate_series(1, $3) n`,
      [tenantId, threadId, messages],
    );
    await sql.execute(
      `INSERT INTO timeline (tenant_id, record_id, principal, sort_at, message_id, level) SELECT $1, $2, -1, sort_at, id, 3 FROM message`,
      [tenantId, allMailRecord],
    );
    await sql.execute(
      `INSERT INTO activity (tenant_id, id, message_id, type, status, sort_at, rule)
       SELECT $1, uuidv7(), id, 'email', CASE WHEN has_attachments THEN 'done' ELSE 'open' END, sort_at, '{}' FROM message`,
      [tenantId],
    );
  });
});
afterAll(() => database.drop());

const reader = (filtered: number): Reader => ({
  ...{ tenantId, userId: null, principal: -1 },
  windows: { narrowed: 500, filtered },
});

const withAttachments = {
  ...noConditions,
  recordId: allMailRecord,
  since: null,
  until: null,
  attachments: 'with' as const,
};

async function pagesOf(read: (after: TimelinePlace | null) => Promise<{ rows: number; next: TimelinePlace | null }>) {
  const pages: number[] = [];
  for (let after: TimelinePlace | null = null; ;) {
    const { rows, next } = await read(after);
    pages.push(rows);
    if (next === null) return pages;
    after = next;
  }
}

const timelinePages = (filtered: number) =>
  pagesOf(async (after) => {
    const filter = { ...withAttachments, show: 'every-message' as const };
    const { slots, resumeAfter } = await database.db.inTenant(tenantId, (sql) =>
      readTimeline(sql, reader(filtered), { filter, after, limit: 10 }),
    );
    return { rows: slots.length, next: resumeAfter };
  });

const activityPages = (filtered: number) =>
  pagesOf(async (after) => {
    const filter = { recordId: allMailRecord, ownerUserId: null, type: null, status: 'done' };
    const { rows, resumeAfter } = await database.db.inTenant(tenantId, (sql) =>
      listActivities(sql, reader(filtered), { filter, after, limit: 10 }),
    );
    return { rows: rows.length, next: resumeAfter };
  });

test.each([
  [messages + 1, [1]],
  [messages, [1, 0]],
  [messages - 1, [0, 1]],
  [2, [0, 0, 1, 0]],
])('a page with a filter looks at %p rows, and says where it goes on', async (filtered, pages) => {
  expect(await timelinePages(filtered)).toEqual(pages);
  expect(await activityPages(filtered)).toEqual(pages);
});

test('what nobody has set is what the limits say', () => {
  expect({ narrowed: narrowedWindowRows, filtered: filteredWindowRows }).toEqual({
    narrowed: defaultLimits.narrowedPageRows,
    filtered: defaultLimits.filteredPageRows,
  });
});
