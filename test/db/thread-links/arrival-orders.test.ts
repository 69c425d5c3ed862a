import fc from 'fast-check';

import { moveNextShare } from '../../../src/db/ingest/merge-threads';
import { linkAgain } from '../../../src/db/rematch';
import { lockTenantForWriting } from '../../../src/db/tenant-lock';
import { wholeThread } from '../../../src/db/thread-parts';
import { createTestDatabase, type TestDatabase } from '../../support/database';
import { aMailbox, aMessage, aRecord, aUser, type TestMailbox } from '../../support/mail-rows';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const people = ['ada@customer.example', 'bob@elsewhere.example', 'carl@elsewhere.example', 'anna@company.example'];

/** A message: what it answers (earlier ones by number), from whom and to whom (by number). */
interface Letter {
  answers: number[];
  from: number;
  to: number;
}

const letters = fc.array(
  fc.record({
    answers: fc.uniqueArray(fc.nat({ max: 6 }), { maxLength: 3 }),
    from: fc.nat({ max: people.length - 1 }),
    to: fc.nat({ max: people.length - 1 }),
  }),
  { minLength: 2, maxLength: 7 },
);

const scenario = letters.chain((all) =>
  fc.record({
    all: fc.constant(all),
    order: fc.shuffledSubarray(
      all.map((_, index) => index),
      { minLength: all.length },
    ),
    /** When the record gets its address: before so many messages have come. */
    addedBefore: fc.nat({ max: all.length }),
    /** What has been left of merges, or done, when each message comes. */
    halves: fc.oneof(
      fc.constant([]),
      fc.array(fc.record({ what: fc.constantFrom('nothing', 'left', 'moved'), salt: fc.nat() }), {
        minLength: all.length,
        maxLength: all.length,
      }),
    ),
  }),
);

interface Arrivals {
  all: Letter[];
  order: number[];
  addedBefore: number;
  halves?: readonly { what: 'nothing' | 'left' | 'moved'; salt: number }[];
}

/** Sends the letters in this order; the numbers of those in the record's timeline, and of each which are in its thread. */
async function outcome({ all, order, addedBefore, halves = [] }: Arrivals) {
  const mailbox = await aMailbox(database.db, await database.newTenant());
  await aUser(database.db, mailbox.tenantId, { addresses: ['anna@company.example'] });
  const recordId = await aRecord(database.db, mailbox.tenantId);
  const steps = [...order.keys(), order.length];
  for (const step of steps) {
    if (step === addedBefore) await addAddress(mailbox, recordId);
    const half = halves[step];
    if (half?.what === 'left') await leaveHalf(mailbox, half.salt);
    if (half?.what === 'moved') await moveShare(mailbox);
    const number = order[step];
    if (number !== undefined) await send(mailbox, { number, letter: all[number] });
  }
  const before = await shown(mailbox, recordId);
  while ((await moveShare(mailbox)).kind === 'some');
  expect(await shown(mailbox, recordId)).toEqual(before);
  return before;
}

const moveShare = (mailbox: TestMailbox) =>
  database.db.inTenant(mailbox.tenantId, async (sql) => {
    await lockTenantForWriting(sql, mailbox.tenantId);
    return moveNextShare(sql, mailbox.tenantId);
  });

/** Has the merges so far left a part of what they join under the ids that became another's, as those of long threads do. */
function leaveHalf({ tenantId }: TestMailbox, salt: number): Promise<void> {
  return database.db.inTenant(tenantId, async (sql) => {
    await lockTenantForWriting(sql, tenantId);
    const merged = await sql.query<{ id: string; whole: string }>(
      `SELECT t.id, ${wholeThread('t.merged_into')} AS whole FROM thread t WHERE t.tenant_id = $1 AND t.merged_into IS NOT NULL ORDER BY t.id`,
      [tenantId],
    );
    for (const { id, whole } of merged) {
      await sql.execute(
        'INSERT INTO thread_move (tenant_id, thread_id, into_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING',
        [tenantId, id, whole],
      );
      for (const [table, key] of [
        ['message', 'message_id_header'],
        ['thread_ref', 'ref_hash'],
      ] as const) {
        await sql.execute(
          `UPDATE ${table} SET thread_id = $2::uuid WHERE tenant_id = $1 AND thread_id = $3 AND hashtext(${key}::text || $4 || $2::text) % 2 = 0`,
          [tenantId, id, whole, String(salt)],
        );
      }
    }
  });
}

async function send(mailbox: TestMailbox, { number, letter }: { number: number; letter: Letter | undefined }) {
  await aMessage(database.db, mailbox, {
    messageId: `<${String(number)}@x>`,
    references: (letter?.answers ?? []).map((answered) => `<${String(answered)}@x>`),
    from: people[letter?.from ?? 0] ?? '',
    to: [people[letter?.to ?? 0] ?? ''],
  });
}

function addAddress(mailbox: TestMailbox, recordId: string): Promise<void> {
  const { tenantId } = mailbox;
  return database.db.inTenant(tenantId, async (sql) => {
    await lockTenantForWriting(sql, tenantId);
    await sql.execute(
      `INSERT INTO record_address (tenant_id, address_key, record_id, kind, address) VALUES ($1, $2, $3, 'business', $2)`,
      [tenantId, people[0], recordId],
    );
    const stored = await sql.query<{ id: string }>('SELECT id FROM message');
    await linkAgain(
      sql,
      tenantId,
      stored.map(({ id }) => id),
    );
  });
}

function shown(mailbox: TestMailbox, recordId: string) {
  return database.db.inTenant(mailbox.tenantId, async (sql) => {
    const linked = await sql.query<{ id: string }>(
      `SELECT m.message_id_header AS id FROM timeline t JOIN message m ON m.id = t.message_id
       WHERE t.record_id = $1 AND t.principal = -1 ORDER BY 1`,
      [recordId],
    );
    const threads = await sql.query<{ ids: string }>(
      `SELECT string_agg(message_id_header, ' ' ORDER BY message_id_header) AS ids FROM message m WHERE tenant_id = $1 GROUP BY ${wholeThread('m.thread_id')} ORDER BY 1`,
      [mailbox.tenantId],
    );
    return { linked: linked.map(({ id }) => id), threads: threads.map(({ ids }) => ids) };
  });
}

test('any order of messages and addresses ends in the same threads and links, also with merges left half way', async () => {
  await fc.assert(
    fc.asyncProperty(scenario, async ({ all, order, addedBefore, halves }) => {
      const arrived = await outcome({ all, order, addedBefore, halves });
      const inOrder = await outcome({ all, order: [...all.keys()], addedBefore: 0 });
      expect(arrived).toEqual(inOrder);
    }),
    { numRuns: 25 },
  );
});
