import { listFiles } from '../../src/db/activities/files';
import { listActivities } from '../../src/db/activities/read';
import { summariesOf } from '../../src/db/messages-summary';
import { readThread } from '../../src/db/messages-thread';
import { searchMessages, searchWords } from '../../src/db/search';
import {
  narrowedWindowRows,
  readTimeline,
  timelineStatement,
  type Reader,
  type TimelinePage,
  type TimelinePlace,
} from '../../src/db/timeline-read';
import { noConditions } from '../../src/db/timeline-conditions';
import { allMailRecord } from '../../src/db/timeline-write';
import { queueVisibility, visibilityChunk } from '../../src/db/visibility-job';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { asOwner } from '../support/database-copy';
import { aMailbox, aMessage, aUser, type TestMailbox } from '../support/mail-rows';

/*
 * A user has lost a mailbox of 3,000 messages, and the job has not begun. They are in one thread and have the word `word`; the oldest is still
 * theirs, because it stands in a mailbox that they keep. Two more of the lost mailbox are still theirs: by a copy, and by an address.
 */

const lost = 3_000;

let database: TestDatabase;
let mailbox: TestMailbox;
let reader: Reader;
let kept: { id: string; threadId: string };
/** What is still theirs, newest first. */
let theirs: string[];
let operationId: string;

beforeAll(async () => {
  database = await createTestDatabase();
  const tenantId = await database.newTenant();
  const user = await aUser(database.db, tenantId, { addresses: ['me@company.example'] });
  reader = { tenantId, userId: user.id, principal: user.principal };
  mailbox = await aMailbox(database.db, tenantId);
  const own = await aMailbox(database.db, tenantId, { ownerUserId: user.id });
  kept = await aMessage(database.db, own, { subject: 'word', sentAt: new Date('2001-01-01T00:00:00Z') });
  const both = { subject: 'both', sentAt: new Date('2001-01-02T00:00:00Z') };
  const { id } = await aMessage(database.db, own, both);
  await aMessage(database.db, mailbox, both);
  const addressed = await aMessage(database.db, mailbox, {
    cc: ['me@company.example'],
    sentAt: new Date('2001-01-03T00:00:00Z'),
  });
  theirs = [addressed.id, id, kept.id];
  await asOwner(database.ownerUrl, async (owner) => {
    await owner.query(
      `WITH m AS (
         INSERT INTO message (tenant_id, id, message_key, thread_id, sort_at, participants)
         SELECT $1, uuidv7(), sha256(n::text::bytea), $2, timestamptz '2020-01-01Z' + n * interval '1 hour', '{}'
         FROM generate_series(1, $3::integer) n RETURNING id, sort_at, message_key
       ), c AS (
         INSERT INTO copy (tenant_id, id, source_id, message_id, raw_sha, raw_size, raw_state, visibility, direction, parser_version)
         SELECT $1, uuidv7(), $4, id, message_key, 1, 'none', 0, 'incoming', 1 FROM m
       )
       INSERT INTO timeline (tenant_id, record_id, principal, sort_at, message_id, level)
       SELECT $1, $5, p, sort_at, id, 3 FROM m, unnest(ARRAY[-1, $6]::integer[]) p`,
      [tenantId, kept.threadId, lost, mailbox.sourceId, allMailRecord, user.principal],
    );
    await owner.query(
      `INSERT INTO message_search (tenant_id, message_id, level, sort_at, v)
       SELECT $1, id, 3, sort_at, search_tenant_lexeme($1)::text::tsvector || to_tsvector('simple', 'word') FROM message WHERE tenant_id = $1`,
      [tenantId],
    );
    await owner.query('DELETE FROM search_pending');
    await owner.query('ANALYZE');
  });
  const job = await database.db.inTenant(tenantId, (sql) =>
    queueVisibility(sql, tenantId, {
      mail: { of: 'source', sourceId: mailbox.sourceId },
      narrowedUserIds: [user.id],
    }),
  );
  operationId = job?.operationId ?? '';
});
afterAll(() => database.drop());

const filter = { ...noConditions, recordId: allMailRecord, since: null, until: null };
const pages = ['every-message', 'newest-of-thread'] as const;

const inTenant: TestDatabase['db']['inTenant'] = (tenantId, work) => database.db.inTenant(tenantId, work);

test.each(pages)('a page (%s) asks no more rows than its window', async (show) => {
  const { text, values } = timelineStatement(reader, { filter: { ...filter, show }, after: null, limit: 51 });
  const [explained] = await inTenant(reader.tenantId, (sql) =>
    sql.query<{ 'QUERY PLAN': [{ Plan: Record<string, number> }] }>(
      `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${text}`,
      values,
    ),
  );
  const plan = explained?.['QUERY PLAN'][0].Plan ?? {};
  const buffers = (plan['Shared Hit Blocks'] ?? 0) + (plan['Shared Read Blocks'] ?? 0);
  expect(buffers).toBeLessThan(narrowedWindowRows * 20);
});

test.each(pages)('short pages (%s) lead to what is still theirs, and show nothing lost', async (show) => {
  const shown: string[] = [];
  let asked = 0;
  for (let after: TimelinePlace | null = null; ; asked += 1) {
    const page: Parameters<typeof readTimeline>[2] = { filter: { ...filter, show }, after, limit: 51 };
    const { slots, resumeAfter }: TimelinePage = await inTenant(reader.tenantId, (sql) =>
      readTimeline(sql, reader, page),
    );
    shown.push(...slots.map((slot) => slot.messageId));
    if (resumeAfter === null) break;
    after = resumeAfter;
  }
  expect(asked).toBe(lost / narrowedWindowRows);
  expect(shown).toEqual(theirs);
});

test('the window of a reader is as wide as the limits say', async () => {
  const wider = { ...reader, windows: { narrowed: lost / 3, filtered: lost } };
  const asked: TimelinePlace[] = [];
  for (let after: TimelinePlace | null = null; ;) {
    const page: Parameters<typeof readTimeline>[2] = { filter: { ...filter, show: 'every-message' }, after, limit: 51 };
    const { resumeAfter }: TimelinePage = await inTenant(reader.tenantId, (sql) => readTimeline(sql, wider, page));
    if (resumeAfter === null) break;
    asked.push(resumeAfter);
    after = resumeAfter;
  }
  expect(asked).toHaveLength(3);
});

test('a thread is read in such windows too', async () => {
  const page = { threadId: kept.threadId, limit: 51 };
  const read = (after: Parameters<typeof readThread>[2]['after']) =>
    inTenant(reader.tenantId, (sql) => readThread(sql, reader, { ...page, after }));
  const first = await read(null);
  expect(first).toEqual({ slots: [], resumeAfter: expect.anything() as unknown });
  const beyond = await read({ sortAt: new Date('2020-01-01T05:00:00Z'), messageId: kept.id });
  expect(beyond.slots.map((slot) => slot.messageId)).toEqual([kept.id]);
  expect(beyond.resumeAfter).toBeNull();
});

test.each(['activities', 'files'])('%s are looked for in such windows too', async (what) => {
  const everything = { recordId: allMailRecord, ownerUserId: null, type: null, status: null };
  let asked = 0;
  for (let after: TimelinePlace | null = null; ; asked += 1) {
    const from: TimelinePlace | null = after;
    const { rows, resumeAfter }: { rows: unknown[]; resumeAfter: TimelinePlace | null } = await inTenant(
      reader.tenantId,
      (sql): Promise<{ rows: unknown[]; resumeAfter: TimelinePlace | null }> =>
        what === 'files'
          ? listFiles(sql, reader, {
              recordId: allMailRecord,
              after: from === null ? null : { ...from, n: 1_000_000 },
              limit: 51,
            })
          : listActivities(sql, reader, { filter: everything, after: from, limit: 51 }),
    );
    expect(rows).toEqual([]);
    if (resumeAfter === null) break;
    after = resumeAfter;
  }
  expect(asked).toBeGreaterThanOrEqual(lost / narrowedWindowRows);
});

test('of a long thread only the newest messages are counted', async () => {
  const slots = [{ messageId: kept.id, sortAt: new Date('2001-01-01T00:00:00Z'), level: 3 as const }];
  const tenant = { tenantId: reader.tenantId, userId: null, principal: -1 };
  const [summary] = await inTenant(reader.tenantId, (sql) =>
    summariesOf(sql, tenant, { slots, recordId: allMailRecord }),
  );
  expect(summary?.threadMessages).toBe(500);
});

test('the messages of a thread are counted in such a window, and none that is lost', async () => {
  const slots = [{ messageId: kept.id, sortAt: new Date('2001-01-01T00:00:00Z'), level: 3 as const }];
  const [summary] = await inTenant(reader.tenantId, (sql) =>
    summariesOf(sql, reader, { slots, recordId: allMailRecord }),
  );
  expect(JSON.stringify(summary)).not.toContain(String(lost));
  expect(summary?.threadMessages).toBeLessThanOrEqual(1);
});

test('a search looks at the newest candidates, shows nothing lost and says that there may be more', async () => {
  const search = { ...filter, words: searchWords('word') };
  const found = await inTenant(reader.tenantId, (sql) => searchMessages(sql, reader, search));
  expect(found).toEqual({ hits: [], more: true });
  const older = { ...search, until: new Date('2019-01-01T00:00:00Z') };
  const { hits, more } = await inTenant(reader.tenantId, (sql) => searchMessages(sql, reader, older));
  expect([hits.map((hit) => hit.messageId), more]).toEqual([theirs, false]);
});

test('the job begins by deleting what is lost, before any message is told anew', async () => {
  const left = () =>
    inTenant(reader.tenantId, (sql) =>
      sql.query<{ message_id: string }>('SELECT message_id FROM timeline WHERE principal = $1 AND record_id = $2', [
        reader.principal,
        allMailRecord,
      ]),
    );
  const ids = async () => (await left()).map((row) => row.message_id).sort();
  const ref = { tenantId: reader.tenantId, operationId };
  expect(await visibilityChunk(database.db, ref, 200)).toBe('more');
  expect(await left()).not.toHaveLength(lost + theirs.length);
  while ((await left()).length > theirs.length) expect(await visibilityChunk(database.db, ref, 200)).toBe('more');
  expect(await ids()).toEqual([...theirs].sort());
  const [job] = await inTenant(reader.tenantId, (sql) =>
    sql.query<{ done: number }>('SELECT done FROM operation WHERE id = $1', [operationId]),
  );
  // With the last of them the telling begins: of 3,002 messages that is the first chunk.
  expect(job?.done).toBe(200);
});
