import { newUuid } from '../../../src/db/new-id';
import { lockTenantForWriting } from '../../../src/db/tenant-lock';
import { saidVisibility, sayVisibility, sourcesHeld } from '../../../src/db/thread-visibility';
import { levelOf, type Reader } from '../../../src/db/timeline-read';
import { timelineDifferences } from '../../../src/db/timeline-write';
import { runVisibility } from '../../../src/db/visibility-job';
import { visibilityLevels, type Visibility } from '../../../src/domain/policy';
import { createTestDatabase, type TestDatabase } from '../../support/database';
import { aMailbox, aMessage, aRecord, aUser, type MessageOptions, type TestMailbox } from '../../support/mail-rows';

/*
 * A join of threads opens nothing, whoever sent the message that joins them: nobody said anything of what the other thread has. Two threads of
 * a mailbox whose colleagues see the record that all mail is linked to.
 */

let database: TestDatabase;
let tenantId: string;
let owner: Reader & { address: string };
let colleague: Reader;
let mailbox: TestMailbox;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(async () => {
  await database.drop();
});
beforeEach(async () => {
  tenantId = await database.newTenant();
  owner = await aReader();
  colleague = await aReader();
  mailbox = await aMailbox(database.db, tenantId, { visibility: 'private', ownerUserId: owner.userId ?? '' });
  await aRecord(database.db, tenantId, { addresses: ['ada@customer.example', 'mallory@evil.example'] });
});

async function aReader(): Promise<Reader & { address: string }> {
  const { id, principal, address } = await aUser(database.db, tenantId);
  return { tenantId, userId: id, principal, address };
}

const letter = (options: MessageOptions, into = mailbox) =>
  aMessage(database.db, into, { from: 'ada@customer.example', subject: newUuid(), ...options });

/** A letter of a customer, what the owner wrote back, and a letter of a stranger who claims to belong to it. */
async function thread(name: string, into = mailbox): Promise<{ threadId: string; ids: string[] }> {
  const references = [`<${name}@customer.example>`];
  const first = await letter({ messageId: references[0] ?? '' }, into);
  const answer = await letter({ from: owner.address, to: ['ada@customer.example'], references }, into);
  const forged = await letter({ from: 'mallory@evil.example', references }, into);
  return { threadId: first.threadId, ids: [first.id, answer.id, forged.id] };
}

const joined = (into = mailbox) =>
  letter({ from: 'mallory@evil.example', references: ['<a@customer.example>', '<b@customer.example>'] }, into);

async function say(reader: Reader, threadId: string, level: Visibility | null): Promise<void> {
  const job = await database.db.inTenant(tenantId, async (sql) => {
    const sourceIds = await sourcesHeld(sql, reader, threadId);
    await lockTenantForWriting(sql, tenantId);
    const said = { threadId, sourceIds, level: level === null ? null : visibilityLevels[level], actor: 'a person' };
    return sayVisibility(sql, reader, said);
  });
  await runVisibility(database.db, { tenantId, operationId: job?.operationId ?? '' });
}

/** How far the colleague reads each of these messages; also as the rows say that a job would write. */
function levels(ids: string[]): Promise<(number | null)[]> {
  return database.db.inTenant(tenantId, async (sql) => {
    expect(await timelineDifferences(sql, tenantId, ids)).toEqual([]);
    const read: (number | null)[] = [];
    for (const id of ids) read.push(await levelOf(sql, colleague, id));
    return read;
  });
}

async function told(threadId: string): Promise<number | null> {
  const said = await database.db.inTenant(tenantId, (sql) => saidVisibility(sql, owner, threadId));
  return said?.level ?? null;
}

test.each(['a', 'b'])('what was said to open thread %s alone opens nothing of the whole', async (opened) => {
  const threads = { a: await thread('a'), b: await thread('b') };
  const { [opened as 'a' | 'b']: said, [opened === 'a' ? 'b' : 'a']: other } = threads;
  await say(owner, said.threadId, 'full');
  expect(await levels([...said.ids, ...other.ids])).toEqual([3, 3, 3, null, null, null]);
  await joined();
  expect(await levels([...said.ids, ...other.ids])).toEqual([null, null, null, null, null, null]);
  expect(await told(threads.a.threadId)).toBeNull();
  const later = await letter({ from: owner.address, references: ['<b@customer.example>'] });
  expect(await levels([later.id])).toEqual([null]);
  await say(owner, threads.a.threadId, 'full');
  expect(await levels([...said.ids, ...other.ids])).toEqual([3, 3, 3, 3, 3, 3]);
});

test('what narrows one of two threads narrows the whole, and opens no copy that is narrower', async () => {
  const open = await aMailbox(database.db, tenantId, { visibility: 'full', ownerUserId: owner.userId ?? '' });
  const a = await thread('a', open);
  const b = await thread('b');
  await letter({ references: ['<b@customer.example>'] }, open);
  await say(owner, a.threadId, 'subject');
  expect(await levels([...a.ids, ...b.ids])).toEqual([2, 2, 2, null, null, null]);
  const { id } = await joined(open);
  expect(await levels([...a.ids, ...b.ids, id])).toEqual([2, 2, 2, null, null, null, 2]);
  expect(await told(a.threadId)).toBe(2);
});

test('of two things said the narrower one counts, whichever was said last', async () => {
  const a = await thread('a');
  const b = await thread('b');
  await say(owner, b.threadId, 'metadata');
  await say(owner, a.threadId, 'full');
  await joined();
  expect(await levels([...a.ids, ...b.ids])).toEqual([1, 1, 1, 1, 1, 1]);
  expect(await told(a.threadId)).toBe(1);
  await say(owner, a.threadId, null);
  expect(await told(a.threadId)).toBeNull();
});

test('what was said alike of both threads stays said, and opens nothing that came after the first of them', async () => {
  const a = await thread('a');
  await say(owner, a.threadId, 'full');
  const b = await thread('b');
  const late = await letter({ from: 'mallory@evil.example', references: ['<a@customer.example>'] });
  await say(owner, b.threadId, 'full');
  const { id } = await joined();
  expect(await levels([...a.ids, late.id, id])).toEqual([3, 3, 3, null, null]);
  expect(await levels(b.ids)).toEqual([3, 3, null]);
  expect(await told(a.threadId)).toBe(3);
});

test('what somebody says after the join of another mailbox counts, as the last word', async () => {
  const neighbour = await aReader();
  const second = await aMailbox(database.db, tenantId, { visibility: 'private', ownerUserId: neighbour.userId ?? '' });
  const a = await thread('a');
  await thread('b');
  const shared = { messageId: '<shared@customer.example>', references: ['<a@customer.example>'], subject: 'in both' };
  const { id } = await letter(shared);
  await letter(shared, second);
  await say(owner, a.threadId, 'private');
  await joined();
  expect(await levels([id])).toEqual([null]);
  await say(neighbour, a.threadId, 'full');
  expect(await levels([id])).toEqual([3]);
});

test('what one mailbox’s owner said is no reason to open what another’s narrowed, in whichever order', async () => {
  const neighbour = await aReader();
  const second = await aMailbox(database.db, tenantId, { visibility: 'private', ownerUserId: neighbour.userId ?? '' });
  const shared = { messageId: '<a@customer.example>', subject: 'in both' };
  const { id, threadId } = await letter(shared);
  await letter(shared, second);
  const b = await thread('b');
  await say(owner, threadId, 'subject');
  await say(neighbour, threadId, 'private');
  await say(owner, b.threadId, 'full');
  expect(await levels([id])).toEqual([null]);
  await joined();
  expect(await levels([id])).toEqual([null]);
});
