import { newUuid } from '../../../src/db/new-id';
import { readDependents } from '../../../src/db/people/dependents';
import { eraseThese } from '../../../src/db/people/erase-messages';
import { summariesOf } from '../../../src/db/messages-summary';
import { readThread, threadOf } from '../../../src/db/messages-thread';
import { rematchChunk, runRematch } from '../../../src/db/rematch-job';
import { lockTenantForWriting } from '../../../src/db/tenant-lock';
import { sayVisibility } from '../../../src/db/thread-visibility';
import { levelOf, type Reader, type TimelinePlace } from '../../../src/db/timeline-read';
import { allMailRecord, insertTimelines, timelineDifferences } from '../../../src/db/timeline-write';
import { brokenTenant } from '../../../src/db/verify/tenant-checks';
import { runVisibility } from '../../../src/db/visibility-job';
import { createTestDatabase, type TestDatabase } from '../../support/database';
import { aMailbox, aMessage, aRecord, aUser, type TestMailbox } from '../../support/mail-rows';

/** More than one transaction moves. */
const long = 1_100;

let database: TestDatabase;
let mailbox: TestMailbox;
let everything: Reader;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  mailbox = await aMailbox(database.db, await database.newTenant(), { visibility: 'full' });
  everything = { tenantId: mailbox.tenantId, userId: null, principal: -1 };
});

const inTenant = <T>(work: Parameters<typeof database.db.inTenant<T>>[1]) =>
  database.db.inTenant(mailbox.tenantId, work);

const rows = <Row extends object>(text: string, values: unknown[] = []) =>
  inTenant((sql) => sql.query<Row>(text, values));

const message = (messageId: string, references: string[] = []) =>
  aMessage(database.db, mailbox, { messageId, references, from: 'ada@customer.example' });

/** A thread that begins with this message, and so many more; linked to the record, where there is one. */
async function thread(name: string, more: number, recordId: string | null = null): Promise<string> {
  const { threadId } = await message(`<${name}@x>`);
  await inTenant(async (sql) => {
    await lockTenantForWriting(sql, mailbox.tenantId);
    const values = [mailbox.tenantId, mailbox.sourceId, threadId, name, more];
    const added = await sql.query<{ id: string }>(
      `WITH added AS (
         INSERT INTO message (tenant_id, id, message_key, message_id_hash, message_id_header, thread_id, sort_at, participants)
         SELECT $1, gen_random_uuid(), sha256(($2::uuid || $4 || n)::bytea), sha256(('<' || $4 || n || '@x>')::bytea), '<' || $4 || n || '@x>', $3::uuid,
           now() - n * interval '1 minute', '{"from": [], "sender": [], "replyTo": [], "to": [], "cc": []}' FROM generate_series(1, $5::integer) AS n
         RETURNING id, message_key, message_id_hash
       ), referred AS (
         INSERT INTO thread_ref (tenant_id, ref_hash, thread_id) SELECT $1, message_id_hash, $3 FROM added
       )
       INSERT INTO copy (tenant_id, id, source_id, message_id, raw_sha, raw_size, raw_state, visibility, direction, parser_version)
       SELECT $1, gen_random_uuid(), $2, id, message_key, 1, 'none', 3, 'incoming', 1 FROM added RETURNING message_id AS id`,
      values,
    );
    const ids = added.map(({ id }) => id);
    if (recordId !== null) {
      await sql.execute(
        `WITH linked AS (INSERT INTO link (tenant_id, id, message_id, record_id) SELECT $1, gen_random_uuid(), id, $3 FROM unnest($2::uuid[]) AS id RETURNING id)
         INSERT INTO link_reason (tenant_id, link_id, kind, key, actor, record_version) SELECT $1, id, 'person', 'by-hand', 'test', 1 FROM linked`,
        [mailbox.tenantId, ids, recordId],
      );
    }
    await insertTimelines(sql, mailbox.tenantId, ids);
  });
  return threadId;
}

/** The messages of a thread page by page, by any of its ids. */
async function listed(id: string): Promise<string[]> {
  return inTenant(async (sql) => {
    const threadId = await threadOf(sql, mailbox.tenantId, id);
    const found: string[] = [];
    let after: TimelinePlace | null = null;
    do {
      const { slots } = await readThread(sql, everything, { threadId: threadId ?? '', after, limit: 500 });
      found.push(...slots.map(({ messageId }) => messageId));
      after = slots.at(-1) ?? null;
    } while (after !== null);
    return found;
  });
}

const leftIn = async (threadId: string) => (await rows('SELECT FROM message WHERE thread_id = $1', [threadId])).length;

async function openJob(): Promise<string> {
  const [job] = await rows<{ id: string }>(
    `SELECT id FROM operation WHERE kind = 'rematch' AND state IN ('waiting', 'running')`,
  );
  return job?.id ?? '';
}

/** One share of the job. */
const step = async () => rematchChunk(database.db, { tenantId: mailbox.tenantId, operationId: await openJob() }, 500);

async function finish(): Promise<void> {
  await runRematch(database.db, { tenantId: mailbox.tenantId, operationId: await openJob() });
  expect(await rows('SELECT FROM thread_move')).toEqual([]);
}

const whole = (id: string) => inTenant((sql) => threadOf(sql, mailbox.tenantId, id));

test('a long thread that becomes a part of another is one with it from the first moment, and is moved in shares', async () => {
  const older = await thread('older', 2);
  const younger = await thread('younger', long);
  const { threadId } = await message('<joins@x>', ['<older@x>', '<younger@x>']);
  expect(threadId).toBe(older);
  const left = [await leftIn(younger)];
  expect(left[0]).toBeGreaterThan(0);
  for (;;) {
    expect(await whole(younger)).toBe(older);
    expect(new Set(await listed(younger)).size).toBe(long + 5);
    if ((await step()).kind === 'none') break;
    left.push(await leftIn(younger));
  }
  expect(left.at(-1)).toBe(0);
  expect(left.length).toBeGreaterThan(2);
  expect(await rows('SELECT FROM thread_ref WHERE thread_id = $1', [younger])).toEqual([]);
  expect(await rows('SELECT FROM thread_move')).toEqual([]);
});

test('lists and counts show one thread while it is being moved', async () => {
  const older = await thread('older', 2);
  await thread('younger', long);
  await message('<joins@x>', ['<older@x>', '<younger@x>']);
  const some = await rows<{ id: string }>(
    '(SELECT id FROM message WHERE thread_id = $1 LIMIT 3) UNION ALL (SELECT id FROM message WHERE thread_id <> $1 LIMIT 3)',
    [older],
  );
  const slots = some.map(({ id }) => ({ messageId: id, level: 3 as const }));
  const shown = await inTenant((sql) => summariesOf(sql, everything, { slots, recordId: allMailRecord }));
  expect(new Set(shown.map(({ threadId, threadMessages }) => `${threadId} ${String(threadMessages)}`))).toEqual(
    new Set([`${older} 500`]),
  );
  expect(await brokenTenant(database.db, mailbox.tenantId)).toEqual([]);
});

test('what answers a message that has moved, or one that has not, comes into the one thread', async () => {
  const older = await thread('older', 2);
  const younger = await thread('younger', long);
  await message('<joins@x>', ['<older@x>', '<younger@x>']);
  const [waiting] = await rows<{ id: string }>(
    'SELECT message_id_header AS id FROM message WHERE thread_id = $1 LIMIT 1',
    [younger],
  );
  const [moved] = await rows<{ id: string }>(
    `SELECT message_id_header AS id FROM message WHERE thread_id = $1 AND message_id_header LIKE '<younger%' LIMIT 1`,
    [older],
  );
  expect((await message('<one@x>', [waiting?.id ?? ''])).threadId).toBe(older);
  expect((await message('<two@x>', [moved?.id ?? ''])).threadId).toBe(older);
  await finish();
  expect(await listed(older)).toHaveLength(long + 7);
});

test('a thread that is being moved goes on to a third, with all names that lead to it', async () => {
  const oldest = await thread('oldest', 1);
  const older = await thread('older', long);
  const young = await thread('young', 1);
  const younger = await thread('younger', long);
  await message('<a@x>', ['<younger@x>', '<young@x>']);
  await message('<b@x>', ['<older@x>', '<younger@x>']);
  await step();
  await message('<c@x>', ['<oldest@x>', '<older@x>']);
  for (const id of [oldest, older, young, younger]) {
    expect(await whole(id)).toBe(oldest);
    expect(await listed(id)).toHaveLength(2 * long + 9);
  }
  await finish();
  for (const id of [older, young, younger]) expect(await whole(id)).toBe(oldest);
  expect(await leftIn(oldest)).toBe(2 * long + 9);
});

test('what was said of a part narrows the whole from the first moment, and stays when all has moved', async () => {
  const { tenantId } = mailbox;
  const recordId = await aRecord(database.db, tenantId);
  const { id: userId, principal } = await aUser(database.db, tenantId);
  const reader: Reader = { tenantId, userId, principal };
  const older = await thread('older', long, recordId);
  const younger = await thread('younger', long, recordId);
  const [inOlder] = await rows<{ id: string }>(
    'SELECT id FROM message WHERE thread_id = $1 ORDER BY sort_at DESC LIMIT 1',
    [older],
  );
  const levels = () => inTenant((sql) => levelOf(sql, reader, inOlder?.id ?? ''));
  expect(await levels()).toBe(3);
  await inTenant(async (sql) => {
    await lockTenantForWriting(sql, tenantId);
    await sayVisibility(sql, everything, { threadId: younger, level: 0, actor: 'test' });
  });
  expect(await levels()).toBe(3);
  await message('<joins@x>', ['<older@x>', '<younger@x>']);
  expect(await levels()).toBeNull();
  for (const { id } of await rows<{ id: string }>(`SELECT id FROM operation WHERE kind = 'visibility'`)) {
    await runVisibility(database.db, { tenantId, operationId: id });
  }
  expect(await rows('SELECT FROM narrowed_reader')).toEqual([]);
  expect(await levels()).toBeNull();
  await finish();
  expect(await levels()).toBeNull();
  const all = await rows<{ id: string }>('SELECT id FROM message');
  expect(
    await inTenant((sql) =>
      timelineDifferences(
        sql,
        tenantId,
        all.map(({ id }) => id),
      ),
    ),
  ).toEqual([]);
  expect(await rows('SELECT thread_id FROM thread_visibility')).toEqual([{ thread_id: older }]);
});

test('what is said of a thread that is being moved is said of all its parts, and forgotten of all', async () => {
  const { tenantId } = mailbox;
  const older = await thread('older', 1);
  await thread('younger', long);
  await message('<joins@x>', ['<older@x>', '<younger@x>']);
  const say = (level: number | null) =>
    inTenant(async (sql) => {
      await lockTenantForWriting(sql, tenantId);
      await sayVisibility(sql, everything, { threadId: older, level, actor: 'test' });
    });
  await say(1);
  expect(await rows('SELECT FROM thread_visibility')).toHaveLength(2);
  await say(null);
  expect(await rows('SELECT FROM thread_visibility')).toEqual([]);
  await say(2);
  await finish();
  expect(await rows('SELECT thread_id FROM thread_visibility')).toEqual([{ thread_id: older }]);
});

test('a share that fails leaves what the one before left, and the next goes on', async () => {
  const older = await thread('older', 1);
  const younger = await thread('younger', long);
  await message('<joins@x>', ['<older@x>', '<younger@x>']);
  const left = await leftIn(younger);
  const operationId = await openJob();
  const broken = {
    ...database.db,
    writeInTenant: <T>(tenantId: string, work: Parameters<typeof database.db.writeInTenant<T>>[1]) =>
      database.db.writeInTenant<T>(tenantId, async (sql) => {
        await work(sql);
        throw new Error('killed');
      }),
  };
  await expect(rematchChunk(broken, { tenantId: mailbox.tenantId, operationId }, 500)).rejects.toThrow('killed');
  expect(await leftIn(younger)).toBe(left);
  await finish();
  expect(await listed(older)).toHaveLength(long + 4);
});

test('a thread of which a part has lost its mail stays, and with its last message all its names go', async () => {
  const older = await thread('older', 1);
  const younger = await thread('younger', long);
  await message('<joins@x>', ['<older@x>', '<younger@x>']);
  const erase = (condition: string) =>
    inTenant(async (sql) => {
      await lockTenantForWriting(sql, mailbox.tenantId);
      const found = await sql.query<{ id: string }>(`SELECT id FROM message WHERE ${condition}`);
      const erased = { messageIds: found.map(({ id }) => id), dependents: await readDependents(sql), runId: null };
      await eraseThese(sql, { tenantId: mailbox.tenantId, deletionId: newUuid() }, erased);
    });
  await erase(`thread_id = '${younger}'`);
  expect(await whole(younger)).toBe(older);
  await erase('true');
  for (const table of ['thread', 'thread_ref', 'thread_move']) expect(await rows(`SELECT FROM ${table}`)).toEqual([]);
});
