import { refreshActivities } from '../../../src/db/activities/refresh';
import { leaveRecord, leaveUser } from '../../../src/db/activities/leave';
import { changeActivity } from '../../../src/db/activities/change';
import type { Database, Sql } from '../../../src/db/database';
import { readCatalogue } from '../../../src/db/deletion/catalogue';
import { deleteContent } from '../../../src/db/deletion/delete-content';
import type { Policy } from '../../../src/domain/policy';
import { createTestDatabase, type TestDatabase } from '../../support/database';
import { aMailbox, aMessage, aRecord, aUser, type MessageOptions, type TestMailbox } from '../../support/mail-rows';

let testDatabase: TestDatabase;
let db: Database;
let tenantId: string;
let ann: string;
let bob: string;
let companyA: string;
let companyB: string;
let carl: string;
let dan: string;
let mailbox: TestMailbox;

const activity: Policy['activity'] = { type: 'email', status: 'done', requireUser: false, requireSubject: false };

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  db = testDatabase.db;
});

beforeEach(async () => {
  tenantId = await testDatabase.newTenant();
  ann = (await aUser(db, tenantId, { addresses: ['ann@us.example'] })).id;
  bob = (await aUser(db, tenantId, { addresses: ['bob@us.example'] })).id;
  companyA = await aRecord(db, tenantId, { type: 'company', name: 'A' });
  companyB = await aRecord(db, tenantId, { type: 'company', name: 'B' });
  carl = await aRecord(db, tenantId, { companyId: companyA, addresses: ['carl@a.example'] });
  dan = await aRecord(db, tenantId, { companyId: companyB, addresses: ['dan@b.example'] });
  mailbox = await asking(await aMailbox(db, tenantId, { ownerUserId: ann }));
});

afterAll(() => testDatabase.drop());

const inTenant = <T>(work: (sql: Sql) => Promise<T>) => db.inTenant(tenantId, work);
const asking = (of: TestMailbox, change: Partial<Policy> = {}) =>
  Promise.resolve({ ...of, policy: { ...of.policy, activity, severalCompanies: 'link-none' as const, ...change } });

const mail = (options: MessageOptions = {}, into = mailbox) =>
  aMessage(db, into, { from: 'carl@a.example', to: ['ann@us.example'], ...options });

/** Owner, then users, contacts, external people, companies and projects; a dash for nobody. */
async function told(messageId: string): Promise<string> {
  const names = new Map([
    [ann, 'ann'],
    [bob, 'bob'],
    [carl, 'carl'],
    [dan, 'dan'],
    [companyA, 'A'],
    [companyB, 'B'],
  ]);
  const [row] = await inTenant((sql) =>
    sql.query<{ owner_user_id: string | null }>('SELECT owner_user_id FROM activity WHERE message_id = $1', [
      messageId,
    ]),
  );
  if (row === undefined) return 'none';
  const parties = await inTenant((sql) =>
    sql.query<{ kind: string; id: string | null; address_key: string | null }>(
      'SELECT kind, coalesce(user_id, record_id) AS id, address_key FROM activity_party WHERE message_id = $1 ORDER BY n',
      [messageId],
    ),
  );
  const list = (kind: string) => {
    const of = parties.filter((party) => party.kind === kind);
    const shown = of.map(({ id, address_key }) => (kind === 'external' ? address_key : (names.get(id ?? '') ?? id)));
    return shown.length === 0 ? '-' : shown.join(', ');
  };
  return [
    names.get(row.owner_user_id ?? '') ?? '-',
    ...['user', 'contact', 'external', 'company', 'project'].map(list),
  ].join(' | ');
}

/** What was told of activities so far, in its order. */
async function events(): Promise<string[]> {
  const rows = await inTenant((sql) =>
    sql.query<{ type: string; seq: number }>(
      `SELECT type, seq FROM outbox WHERE stream = $1 AND type LIKE 'activity.%' ORDER BY seq`,
      [tenantId],
    ),
  );
  return rows.map(({ type }) => type);
}

test('mail of a source that asks for it becomes an activity, and is told once', async () => {
  const { id } = await mail({ cc: ['bob@us.example', 'stan@out.example'] });
  expect(await told(id)).toBe('ann | bob | carl | stan@out.example | A | -');
  expect(await events()).toEqual(['activity.created']);
  await inTenant((sql) => refreshActivities(sql, tenantId, [id]));
  expect(await events()).toEqual(['activity.created']);
});

test('mail of a source that does not ask becomes none', async () => {
  const plain = await aMailbox(db, tenantId);
  expect(await told((await mail({}, plain)).id)).toBe('none');
  expect(await events()).toEqual([]);
});

test('the first source that asks makes it, and a later copy changes nothing of its type', async () => {
  const plain = await aMailbox(db, tenantId);
  const later = await asking(await aMailbox(db, tenantId), { activity: { ...activity, status: 'open' } });
  const { id } = await mail({}, plain);
  await mail({});
  await mail({}, later);
  const rows = await inTenant((sql) => sql.query('SELECT message_id, status FROM activity'));
  expect(rows).toEqual([{ message_id: id, status: 'done' }]);
  expect(await events()).toEqual(['activity.created']);
});

test('the company of a contact changes, and the activity with it', async () => {
  const { id } = await mail();
  await inTenant((sql) => sql.execute('UPDATE record SET company_id = $1 WHERE id = $2', [companyB, carl]));
  await inTenant((sql) => refreshActivities(sql, tenantId, [id]));
  expect(await told(id)).toBe('ann | - | carl | - | B | -');
  expect(await events()).toEqual(['activity.created', 'activity.updated']);
});

test('contacts of two companies are external under link-none, and participants under link-all', async () => {
  const one = await mail({ cc: ['dan@b.example'] });
  expect(await told(one.id)).toBe('ann | - | - | carl@a.example, dan@b.example | - | -');
  const all = await asking(await aMailbox(db, tenantId), { severalCompanies: 'link-all' });
  const other = await mail({ cc: ['dan@b.example'], subject: 'Another' }, all);
  expect(await told(other.id)).toBe('ann | - | carl, dan | - | A, B | -');
});

test('addresses of a kind that does not match name nobody', async () => {
  await aRecord(db, tenantId, { companyId: companyA, addresses: ['home@carl.example'], kind: 'private' });
  const business = await asking(await aMailbox(db, tenantId), { matchKinds: ['business'] });
  expect(await told((await mail({ from: 'home@carl.example' }, business)).id)).toBe(
    'ann | - | - | home@carl.example | - | -',
  );
});

test('the domain of a company names it, where the policy says so', async () => {
  await inTenant((sql) =>
    sql.execute('INSERT INTO record_domain (tenant_id, record_id, domain) VALUES ($1, $2, $3)', [
      tenantId,
      companyB,
      'b.example',
    ]),
  );
  const linking = asking(await aMailbox(db, tenantId), { companyDomains: 'link' });
  const { id } = await mail({ from: 'desk@b.example' }, await linking);
  expect(await told(id)).toBe('ann | - | - | desk@b.example | B | -');
  const { id: other } = await mail({ from: 'desk@b.example', subject: 'Another' });
  expect(await told(other)).toBe('ann | - | - | desk@b.example | - | -');
});

test('an answer to somebody else belongs to whom it goes to, not to whom it answers', async () => {
  await mail({ messageId: '<asked@a.example>' });
  const answer = { from: 'ann@us.example', references: ['<asked@a.example>'], direction: 'outgoing' as const };
  const { id } = await mail({ ...answer, to: ['dan@b.example'] });
  const links = await inTenant((sql) => sql.query('SELECT FROM link WHERE message_id = $1', [id]));
  expect(links).toHaveLength(2);
  expect(await told(id)).toBe('ann | - | dan | - | B | -');
  const { id: outside } = await mail({ ...answer, to: ['stan@out.example'], subject: 'And you' });
  expect(await told(outside)).toBe('ann | - | - | stan@out.example | A | -');
});

test('a number before the address of a mailbox files the mail at its project', async () => {
  const project = await aRecord(db, tenantId, { type: 'project', number: 'P-7', companyId: companyA });
  const drop = await asking(await aMailbox(db, tenantId, { address: 'log@us.example' }));
  const { id } = await mail({ bcc: ['p-7.log@us.example'] }, drop);
  expect(await told(id)).toBe(`ann | - | carl | - | A | ${project}`);
});

test('what a person changed stays, whatever the rules say later', async () => {
  const { id } = await mail();
  const [row] = await inTenant((sql) =>
    sql.query<{ id: string }>('SELECT id FROM activity WHERE message_id = $1', [id]),
  );
  const before = { id: row?.id ?? '', messageId: id, type: 'email', status: 'done', ownerUserId: ann };
  const change = { type: 'email', status: 'done', ownerUserId: bob };
  await inTenant((sql) => changeActivity(sql, tenantId, { activity: before, change }));
  await inTenant((sql) => refreshActivities(sql, tenantId, [id]));
  expect((await told(id)).startsWith('bob |')).toBe(true);
  expect(await events()).toEqual(['activity.created', 'activity.updated']);
});

test('a user who goes leaves their activities to the heir, or to the next user of the mail', async () => {
  const { id } = await mail({ cc: ['bob@us.example'] });
  await inTenant(async (sql) => {
    await sql.execute('DELETE FROM user_address WHERE user_id = $1', [ann]);
    await leaveUser(sql, tenantId, { userId: ann, heirId: null, limit: 10 });
  });
  // Ann owns the mailbox still, but its address is not in the mail.
  expect(await told(id)).toBe('bob | - | carl | ann@us.example | A | -');
  await inTenant((sql) => leaveUser(sql, tenantId, { userId: bob, heirId: ann, limit: 10 }));
  expect((await told(id)).startsWith('ann |')).toBe(true);
  const left = await inTenant((sql) => leaveUser(sql, tenantId, { userId: bob, heirId: ann, limit: 10 }));
  expect(left).toBe(0);
});

test('a record that goes leaves the activities in which it takes part', async () => {
  const { id } = await mail({ cc: ['dan@b.example'] });
  await inTenant(async (sql) => {
    await sql.execute('UPDATE record SET deleted_at = now() WHERE id = $1', [dan]);
    expect(await leaveRecord(sql, tenantId, { recordId: dan, limit: 10 })).toBe(1);
    expect(await leaveRecord(sql, tenantId, { recordId: dan, limit: 10 })).toBe(0);
  });
  expect(await told(id)).toBe('ann | - | carl | dan@b.example | A | -');
});

test('a message that goes takes its activity, and that is told once', async () => {
  const { id, copyId, uid } = await mail();
  const catalogue = await inTenant(readCatalogue);
  const ref = { tenantId, sourceId: mailbox.sourceId, deletionId: mailbox.sourceId };
  const chunk = { placements: { genIds: [mailbox.genId], uids: [uid] }, copyIds: [copyId], toRead: [], next: null };
  await deleteContent(db, ref, { chunk, contents: new Map(), catalogue });
  expect(await told(id)).toBe('none');
  expect(await events()).toEqual(['activity.created', 'activity.removed']);
  const numbers = await inTenant((sql) =>
    sql.query<{ seq: number }>('SELECT seq FROM outbox WHERE stream = $1 ORDER BY seq', [tenantId]),
  );
  expect(numbers.map(({ seq }) => seq)).toEqual([1, 2]);
});

describe('what a user answers is replied', () => {
  const question = { messageId: '<question@a.example>', subject: 'Question' };
  const answer: MessageOptions = {
    from: 'ann@us.example',
    to: ['carl@a.example'],
    messageId: '<answer@us.example>',
    references: ['<question@a.example>'],
    direction: 'outgoing',
    subject: 'Re: Question',
  };
  const statusOf = async (id: string) => {
    const [row] = await inTenant((sql) =>
      sql.query<{ status: string }>('SELECT status FROM message WHERE id = $1', [id]),
    );
    return row?.status;
  };

  test('where the answer comes after it', async () => {
    const { id } = await mail(question);
    expect(await statusOf(id)).toBe('open');
    await mail(answer);
    expect(await statusOf(id)).toBe('replied');
  });

  test('where the answer came before it, also in another mailbox', async () => {
    await mail(answer, await aMailbox(db, tenantId));
    expect(await statusOf((await mail(question)).id)).toBe('replied');
  });

  test.each<[string, MessageOptions]>([
    ['an answer of the customer', { direction: 'incoming', from: 'dan@b.example' }],
    ['an answer that nobody wrote', { marks: ['auto-reply'] }],
    ['mail that answers something else', { references: ['<other@a.example>'] }],
  ])('not by %s', async (_what, change) => {
    const { id } = await mail(question);
    await mail({ ...answer, ...change });
    await mail({ ...answer, ...change, messageId: '<second@us.example>' });
    expect(await statusOf(id)).toBe('open');
    const late = await mail({ ...question, messageId: '<late@a.example>' });
    expect(await statusOf(late.id)).toBe('open');
  });

  test('and other systems hear of it, once', async () => {
    const { id } = await mail(question);
    await mail(answer);
    await mail({ ...answer, messageId: '<second@us.example>' });
    const told = await inTenant((sql) =>
      sql.query(`SELECT ids, about_message FROM outbox WHERE type = 'message.status-changed'`),
    );
    expect(told).toEqual([{ ids: { messageId: id, status: 'replied' }, about_message: id }]);
  });

  test('not what we wrote ourselves, which is closed from the beginning, nor what is closed', async () => {
    const ours = await mail({ ...answer, references: [] });
    await mail({ ...answer, messageId: '<again@us.example>', references: ['<answer@us.example>'] });
    expect(await statusOf(ours.id)).toBe('closed');
    const { id } = await mail(question);
    await inTenant((sql) => sql.execute(`UPDATE message SET status = 'closed' WHERE id = $1`, [id]));
    await mail({ ...answer, messageId: '<third@us.example>' });
    expect(await statusOf(id)).toBe('closed');
  });
});
