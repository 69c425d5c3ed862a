import { fillSearch } from '../../src/db/search-fill';
import { publicId } from '../../src/domain/ids';
import type { PartDescriptor } from '../../src/domain/message';
import { issueKey, testApi, type TestApi } from '../support/api';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { aMailbox, aMessage, aRecord, aUser, type MessageOptions, type TestMailbox } from '../support/mail-rows';

/*
 * What a timeline leaves out, by each filter: a customer with a letter of each kind in two mailboxes, one of which makes activities.
 */

let database: TestDatabase;
let server: TestApi;
let tenantId: string;
let mailbox: TestMailbox;
let asking: TestMailbox;
let record: string;
let owner: Record<string, string>;
let colleague: Record<string, string>;

const file: PartDescriptor = {
  n: 1,
  section: '2',
  contentType: 'application/pdf',
  charset: null,
  encoding: 'base64',
  disposition: 'attachment',
  filename: 'offer.pdf',
  contentId: null,
  offset: 0,
  length: 100,
  role: 'attachment',
  kept: true,
};

const letters: [string, MessageOptions][] = [
  ['plain', {}],
  ['sent', { direction: 'outgoing', from: 'me@us.example', to: ['ada@customer.example'] }],
  ['away', { marks: ['auto-reply'] }],
  ['returned', { marks: ['bounce'] }],
  ['news', { marks: ['mailing-list'] }],
  ['meeting', { marks: ['invitation'] }],
  ['with file', { parts: [file] }],
  ['read', { flags: 1 }],
  ['to Bea', { cc: ['bea@customer.example'] }],
];

beforeAll(async () => {
  database = await createTestDatabase();
  server = testApi(database.db);
  tenantId = await database.newTenant();
  const me = await aUser(database.db, tenantId, { addresses: ['me@us.example'] });
  owner = (await issueKey(database.db, tenantId, { userId: me.id })).headers;
  colleague = (await issueKey(database.db, tenantId, { userId: (await aUser(database.db, tenantId)).id })).headers;
  record = await aRecord(database.db, tenantId, { addresses: ['ada@customer.example'] });
  mailbox = await aMailbox(database.db, tenantId, { ownerUserId: me.id, visibility: 'metadata' });
  const made = await aMailbox(database.db, tenantId, { ownerUserId: me.id, visibility: 'metadata' });
  const activity = { type: 'email', status: 'done', requireUser: false, requireSubject: false };
  asking = { ...made, policy: { ...made.policy, activity } };
  for (const [n, [subject, options]] of letters.entries()) await letter(mailbox, { n, subject, ...options });
  const closed = await letter(asking, { n: letters.length, subject: 'closed' });
  const url = `/v1/messages/${publicId('message', closed.id)}`;
  const answer = await server.api.inject({ method: 'PATCH', url, headers: owner, payload: { status: 'closed' } });
  if (answer.statusCode !== 200) throw new Error(answer.body);
  await fillSearch(database.db, tenantId, 1_000);
});
afterAll(async () => {
  await server.api.close();
  await database.drop();
});

/** Each a day after the one before. */
const letter = (into: TestMailbox, { n, ...options }: MessageOptions & { n: number }) =>
  aMessage(database.db, into, { from: 'ada@customer.example', sentAt: new Date(Date.UTC(2026, 2, 1 + n)), ...options });

interface Page {
  items: { subject: string | null }[];
  nextCursor: string | null;
}

function ask(query: Record<string, string>, headers = owner) {
  const url = `/v1/records/${publicId('record', record)}/timeline?${new URLSearchParams(query).toString()}`;
  return server.api.inject({ method: 'GET', url, headers });
}

async function subjects(query: Record<string, string>, headers = owner): Promise<(string | null)[]> {
  const answer = await ask(query, headers);
  expect([query, answer.statusCode]).toEqual([query, 200]);
  return answer.json<Page>().items.map(({ subject }) => subject);
}

const all = [...letters.map(([subject]) => subject), 'closed'].reverse();
const without = (...left: string[]) => all.filter((subject) => !left.includes(subject));

const filters: [string, () => Record<string, string>, string[]][] = [
  ['letters between people', () => ({ type: 'mail' }), without('away', 'returned', 'news')],
  ['answers of machines', () => ({ type: 'auto-reply' }), ['away']],
  ['what came back', () => ({ type: 'bounce' }), ['returned']],
  ['mailing lists', () => ({ type: 'mailing-list' }), ['news']],
  ['invitations', () => ({ type: 'invitation' }), ['meeting']],
  ['activities', () => ({ type: 'activity' }), ['closed']],
  ['what came in', () => ({ direction: 'incoming' }), without('sent')],
  ['what went out', () => ({ direction: 'outgoing' }), ['sent']],
  ['a person', () => ({ address: 'Bea@Customer.Example' }), ['to Bea']],
  ['a mailbox', () => ({ mailboxId: publicId('mailbox', asking.sourceId) }), ['closed']],
  ['with attachments', () => ({ hasAttachments: 'true' }), ['with file']],
  ['without attachments', () => ({ hasAttachments: 'false' }), without('with file')],
  ['unread', () => ({ unread: 'true' }), without('read')],
  ['read', () => ({ unread: 'false' }), ['read']],
  ['what is open', () => ({ status: 'open' }), without('closed', 'sent')],
  ['what is closed', () => ({ status: 'closed' }), ['closed', 'sent']],
  ['from a time on', () => ({ since: '2026-03-09T00:00:00Z' }), ['closed', 'to Bea']],
  ['before a time', () => ({ until: '2026-03-03T00:00:00Z' }), ['sent', 'plain']],
  [
    'several at once',
    () => ({ type: 'mail', direction: 'incoming', unread: 'true', until: '2026-03-02T00:00:00Z' }),
    ['plain'],
  ],
];

test('without a filter all of it is shown, newest first', async () => {
  expect(await subjects({})).toEqual(all);
});

test.each(filters)('%s', async (_what, query, expected) => {
  expect(await subjects(query())).toEqual(expected);
});

test.each(filters)('%s, found by a word', async (_what, query, expected) => {
  expect((await subjects({ ...query(), query: 'text' })).sort()).toEqual([...expected].sort());
});

test.each(filters)('%s, page by page', async (_what, query, expected) => {
  const walked: (string | null)[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const page: Page = (await ask({ ...query(), limit: '2', ...(cursor === '' ? {} : { cursor }) })).json();
    walked.push(...page.items.map(({ subject }) => subject));
    cursor = page.nextCursor;
  }
  expect(walked).toEqual(expected);
});

test('a cursor goes on with the filter that it was made with, and is refused with another', async () => {
  const { nextCursor } = (await ask({ limit: '2' })).json<Page>();
  const cursor = String(nextCursor);
  expect(await subjects({ limit: '2', cursor })).toEqual(all.slice(2, 4));
  for (const [what, query] of [...filters, ['folded', () => ({ fold: 'threads' })] as const]) {
    const answer = await ask({ ...query(), limit: '2', cursor });
    expect([what, answer.statusCode, answer.json<{ errors: object[] }>().errors]).toMatchObject([
      what,
      400,
      [{ field: 'cursor' }],
    ]);
  }
});

test('whoever may not read in full is not told by a filter what has attachments, or what another has read', async () => {
  expect((await ask({}, colleague)).json<Page>().items).toHaveLength(all.length);
  for (const query of [
    { hasAttachments: 'true' },
    { hasAttachments: 'false' },
    { unread: 'true' },
    { unread: 'false' },
  ]) {
    expect([query, await subjects(query, colleague)]).toEqual([query, []]);
  }
  expect(await subjects({ mailboxId: publicId('mailbox', asking.sourceId) }, colleague)).toEqual([]);
});

test('pages go on where they were while mail arrives and goes', async () => {
  const first = (await ask({ limit: '3' })).json<Page>();
  const late = await letter(mailbox, { n: 20, subject: 'late' });
  const rest = await subjects({ cursor: String(first.nextCursor) });
  expect([...first.items.map(({ subject }) => subject), ...rest]).toEqual(all);
  await database.db.inTenant(tenantId, (sql) => sql.execute('DELETE FROM timeline WHERE message_id = $1', [late.id]));
  expect(await subjects({ cursor: String(first.nextCursor) })).toEqual(all.slice(3));
});
