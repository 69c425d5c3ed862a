import { defaultLimits } from '../../src/config/limits';
import { listNotes } from '../../src/db/activities/note-read';
import { listActivities } from '../../src/db/activities/read';
import { readThread } from '../../src/db/messages-thread';
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

const stranger = 7;
const threadPages = (filtered: number, principal: number) =>
  pagesOf(async (after) => {
    const { slots, resumeAfter } = await database.db.inTenant(tenantId, async (sql) => {
      const [thread] = await sql.query<{ id: string }>('SELECT id FROM thread');
      const of = { ...reader(filtered), principal };
      return readThread(sql, of, { threadId: thread?.id ?? '', after, limit: 10 });
    });
    return { rows: slots.length, next: resumeAfter };
  });

test('of a long thread each page looks at so many messages, whoever may see them', async () => {
  await database.db.inTenant(tenantId, (sql) =>
    sql.execute(
      `INSERT INTO timeline (tenant_id, record_id, principal, sort_at, message_id, level)
       SELECT $1, $2, $3, sort_at, id, 3 FROM message WHERE has_attachments`,
      [tenantId, allMailRecord, stranger],
    ),
  );
  expect(await threadPages(2, -1)).toEqual([2, 2, 2, 0]);
  expect(await threadPages(2, stranger)).toEqual([0, 0, 1, 0]);
  expect(await threadPages(messages + 1, stranger)).toEqual([1]);
});

const notePages = (filtered: number, recordId: string) =>
  pagesOf(async (after) => {
    const behind = after === null ? null : { sortAt: after.sortAt, id: after.messageId };
    const { notes, resumeAfter } = await database.db.inTenant(tenantId, (sql) =>
      listNotes(sql, { ...reader(filtered), principal: stranger }, { recordId, after: behind, limit: 10 }),
    );
    const next = resumeAfter === null ? null : { sortAt: resumeAfter.sortAt, messageId: resumeAfter.id };
    return { rows: notes.length, next };
  });

test('of notes that are closed to a reader each page looks at so many', async () => {
  const recordId = newUuid();
  await database.db.inTenant(tenantId, async (sql) => {
    await sql.execute(
      `INSERT INTO activity_note (tenant_id, id, type, status, sort_at, direction)
       SELECT $1, id, 'email', 'done', sort_at, 'incoming' FROM message`,
      [tenantId],
    );
    await sql.execute(
      `INSERT INTO activity_note_record (tenant_id, record_id, sort_at, note_id, takes_part, is_open)
       SELECT $1, $2, sort_at, id, true, has_attachments FROM message`,
      [tenantId, recordId],
    );
  });
  expect(await notePages(2, recordId)).toEqual([0, 0, 1, 0]);
  expect(await notePages(messages + 1, recordId)).toEqual([1]);
});
