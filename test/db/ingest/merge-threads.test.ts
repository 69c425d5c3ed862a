import type { Sql } from '../../../src/db/database';
import { newUuid } from '../../../src/db/new-id';
import { readDependents } from '../../../src/db/people/dependents';
import { eraseThese } from '../../../src/db/people/erase-messages';
import { summariesOf } from '../../../src/db/messages-summary';
import { readThread, threadOf } from '../../../src/db/messages-thread';
import { rematchChunk, runRematch } from '../../../src/db/rematch-job';
import { lockTenantForWriting } from '../../../src/db/tenant-lock';
import { sayVisibility, sourcesHeld } from '../../../src/db/thread-visibility';
import { levelOf, type Reader, type TimelinePlace } from '../../../src/db/timeline-read';
import { allMailRecord, timelineDifferences } from '../../../src/db/timeline-write';
import { brokenTenant } from '../../../src/db/verify/tenant-checks';
import { runVisibility } from '../../../src/db/visibility-job';
import { createTestDatabase, type TestDatabase } from '../../support/database';
import { aLongThread } from '../../support/long-thread';
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

const thread = (name: string, more: number, recordId: string | null = null) =>
  aLongThread(database.db, mailbox, { name, more, recordId });

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

async function say(sql: Sql, said: { threadId: string; level: number | null }) {
  const sourceIds = await sourcesHeld(sql, everything, said.threadId);
  await sayVisibility(sql, everything, { ...said, sourceIds, actor: 'test' });
}

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
    await say(sql, { threadId: younger, level: 0 });
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
  const saying = (level: number | null) =>
    inTenant(async (sql) => {
      await lockTenantForWriting(sql, tenantId);
      await say(sql, { threadId: older, level });
    });
  await saying(1);
  expect(await rows('SELECT FROM thread_visibility')).toHaveLength(2);
  await saying(null);
  expect(await rows('SELECT FROM thread_visibility')).toEqual([]);
  await saying(2);
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
