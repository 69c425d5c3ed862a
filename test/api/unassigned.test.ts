import { workChunk } from '../../src/db/thread-links/link-chunk';
import { lockTenantForWriting } from '../../src/db/tenant-lock';
import { publicId, uuidOf } from '../../src/domain/ids';
import { insertUser, issueKey, testApi, type IssuedKey, type TestApi } from '../support/api';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { aMailbox, aMessage, aRecord, type MessageOptions, type TestMailbox } from '../support/mail-rows';

let database: TestDatabase;
let server: TestApi;
let key: IssuedKey;
let tenantId: string;
let mailbox: TestMailbox;

beforeAll(async () => {
  database = await createTestDatabase();
  server = testApi(database.db, { unassignedGrouped: 6 });
});
afterAll(async () => {
  await server.api.close();
  await database.drop();
});
beforeEach(async () => {
  tenantId = await database.newTenant();
  key = await issueKey(database.db, tenantId);
  mailbox = await aMailbox(database.db, tenantId);
});

const day = (n: number) => new Date(Date.UTC(2026, 0, n));
let numbered = 0;

function mail(from: string, sentAt: Date, more: MessageOptions = {}) {
  numbered += 1;
  return aMessage(database.db, mailbox, {
    from,
    sentAt,
    subject: `No. ${String(numbered)}`,
    text: `Text ${String(numbered)}`,
    ...more,
  });
}

async function get<Answer>(url: string, headers = key.headers): Promise<Answer> {
  const answer = await server.api.inject({ method: 'GET', url, headers });
  expect(answer.statusCode).toBe(200);
  return answer.json<Answer>();
}

interface Page {
  items: { id: string }[];
  nextCursor: string | null;
}

/** All pages of a list, as ids of the database. */
async function listed(query: string): Promise<(string | null)[]> {
  const ids: (string | null)[] = [];
  let cursor = '';
  do {
    const page: Page = await get<Page>(`/v1/messages?unassigned=true&limit=2&${query}${cursor}`);
    ids.push(...page.items.map(({ id }) => uuidOf('message', id)));
    cursor = page.nextCursor === null ? '' : `&cursor=${page.nextCursor}`;
  } while (cursor !== '');
  return ids;
}

describe('the queue', () => {
  test('is listed from the oldest on too, and not what belongs to a record', async () => {
    await aRecord(database.db, tenantId, { addresses: ['known@acme.example'] });
    const one = await mail('a@acme.example', day(1));
    await mail('known@acme.example', day(2));
    const two = await mail('b@acme.example', day(3));
    const three = await mail('c@acme.example', day(4));
    expect(await listed('order=oldest')).toEqual([one.id, two.id, three.id]);
    expect(await listed('order=newest')).toEqual([three.id, two.id, one.id]);
  });

  test('is narrowed by sender, domain, thread and time, over all pages', async () => {
    const first = await mail('anna@acme.example', day(1), { messageId: '<q1@acme.example>' });
    const reply = await mail('ben@acme.example', day(2), { references: ['<q1@acme.example>'] });
    const other = await mail('anna@other.example', day(3));
    const last = await mail('Anna@Acme.example', day(4));
    expect(await listed('sender=anna@acme.example')).toEqual([last.id, first.id]);
    expect(await listed('domain=acme.example&order=oldest')).toEqual([first.id, reply.id, last.id]);
    expect(await listed(`threadId=${publicId('thread', first.threadId)}`)).toEqual([reply.id, first.id]);
    expect(await listed(`domain=ACME.example&since=${day(2).toISOString()}`)).toEqual([last.id, reply.id]);
    expect(await listed('domain=other.example')).toEqual([other.id]);
    expect(await listed('sender=nobody@acme.example')).toEqual([]);
  });

  test('by domain goes on where a page found little among many others', async () => {
    const wanted = await mail('anna@rare.example', day(1));
    for (let n = 2; n < 16; n += 1) await mail(`somebody${String(n)}@many.example`, day(n));
    expect(await listed('domain=rare.example')).toEqual([wanted.id]);
  });

  test.each([
    ['/v1/messages?sender=a@acme.example', 'is for unassigned mail'],
    ['/v1/messages?unassigned=true&order=oldest&query=x', 'stands beside query'],
    ['/v1/messages?unassigned=true&domain=acme.example&fold=threads', 'stands beside fold'],
  ])('refuses %s', async (url, words) => {
    const answer = await server.api.inject({ method: 'GET', url, headers: key.headers });
    expect(answer.statusCode).toBe(400);
    expect(answer.json<{ detail: string }>().detail).toContain(words);
  });

  test('a cursor of another filter is refused', async () => {
    for (let n = 1; n < 5; n += 1) await mail('a@acme.example', day(n));
    const { nextCursor } = await get<Page>('/v1/messages?unassigned=true&order=oldest&limit=2');
    const url = `/v1/messages?unassigned=true&order=newest&limit=2&cursor=${String(nextCursor)}`;
    expect((await server.api.inject({ method: 'GET', url, headers: key.headers })).statusCode).toBe(400);
  });
});

interface Groups {
  items: { key: string; messages: number; newestMessageId: string; subject: string | null }[];
  counted: number;
  complete: boolean;
}

describe('groups', () => {
  test('say how much is of one sender, domain or thread, the largest first', async () => {
    const first = await mail('anna@acme.example', day(1), { messageId: '<g1@acme.example>' });
    await mail('anna@acme.example', day(2));
    const newest = await mail('ben@acme.example', day(3), { references: ['<g1@acme.example>'], subject: 'The newest' });
    await mail('carl@other.example', day(4));
    const groupsBy = (by: string) => get<Groups>(`/v1/unassigned/groups?by=${by}`);
    const counts = ({ items }: Groups) => items.map((group) => [group.key, group.messages]);
    expect(counts(await groupsBy('sender'))).toEqual([
      ['anna@acme.example', 2],
      ['carl@other.example', 1],
      ['ben@acme.example', 1],
    ]);
    const byDomain = await groupsBy('domain');
    expect(counts(byDomain)).toEqual([
      ['acme.example', 3],
      ['other.example', 1],
    ]);
    expect(byDomain).toMatchObject({ counted: 4, complete: true });
    const [thread] = (await groupsBy('thread')).items;
    expect(thread).toMatchObject({
      key: publicId('thread', first.threadId),
      messages: 2,
      newestMessageId: publicId('message', newest.id),
      subject: 'The newest',
    });
  });

  test('say where not all could be counted', async () => {
    for (let n = 1; n < 8; n += 1) await mail('anna@acme.example', day(n));
    expect(await get<Groups>('/v1/unassigned/groups')).toMatchObject({ counted: 6, complete: false });
  });

  test('hold nothing of mailboxes that are not the viewer’s', async () => {
    await mail('anna@acme.example', day(1));
    const stranger = await issueKey(database.db, tenantId, { userId: await insertUser(database.db, tenantId) });
    expect(await get<Groups>('/v1/unassigned/groups', stranger.headers)).toMatchObject({ items: [], counted: 0 });
  });
});

interface Suggestions {
  items: { recordId: string; name: string; reasons: { kind: string; words: string }[] }[];
}

describe('suggestions', () => {
  const suggested = async (messageId: string, headers = key.headers) =>
    (await get<Suggestions>(`/v1/messages/${publicId('message', messageId)}/suggestions`, headers)).items.map(
      ({ name, reasons }) => [name, ...reasons.map(({ kind }) => kind)],
    );

  test('are records of the thread, of the name and of the domain, the likeliest first, with why', async () => {
    await aRecord(database.db, tenantId, { name: 'Acme Ltd', type: 'company', addresses: ['office@acme.example'] });
    await aRecord(database.db, tenantId, { name: 'Anna Beck', addresses: ['anna@home.example'] });
    await aRecord(database.db, tenantId, { name: 'Ben', addresses: ['ben@other.example'] });
    await mail('ben@other.example', day(1), { messageId: '<s1@acme.example>' });
    const asked = await mail('Anna Beck <anna.beck@acme.example>', day(2), { references: ['<s1@acme.example>'] });
    const found = await suggested(asked.id);
    expect(found).toEqual([
      ['Ben', 'same-thread'],
      ['Anna Beck', 'same-name'],
      ['Acme Ltd', 'same-domain'],
    ]);
  });

  test('say nothing of providers where anybody can have an address', async () => {
    await aRecord(database.db, tenantId, { name: 'Somebody', addresses: ['somebody@gmail.com'] });
    const asked = await mail('anna@gmail.com', day(1));
    expect(await suggested(asked.id)).toEqual([]);
  });

  test('leave out what a person took away', async () => {
    const record = await aRecord(database.db, tenantId, { name: 'Acme', addresses: ['office@acme.example'] });
    const asked = await mail('anna@acme.example', day(1));
    await database.db.inTenant(tenantId, (sql) =>
      sql.execute(
        `INSERT INTO link (tenant_id, id, message_id, record_id, state) VALUES ($1, gen_random_uuid(), $2, $3, 'suppressed')`,
        [tenantId, asked.id, record],
      ),
    );
    expect(await suggested(asked.id)).toEqual([]);
  });

  test('are for those who may see the message, of records that they may see', async () => {
    const owner = await insertUser(database.db, tenantId);
    mailbox = await aMailbox(database.db, tenantId, { ownerUserId: owner });
    const hidden = await aRecord(database.db, tenantId, { name: 'Hidden', addresses: ['office@acme.example'] });
    await database.db.inTenant(tenantId, (sql) =>
      sql.execute('UPDATE record SET restricted = true WHERE tenant_id = $1 AND id = $2', [tenantId, hidden]),
    );
    const asked = await mail('anna@acme.example', day(1));
    const ownKey = await issueKey(database.db, tenantId, { userId: owner });
    expect(await suggested(asked.id, ownKey.headers)).toEqual([]);
    expect(await suggested(asked.id)).toEqual([['Hidden', 'same-domain']]);
    const stranger = await issueKey(database.db, tenantId, { userId: await insertUser(database.db, tenantId) });
    const url = `/v1/messages/${publicId('message', asked.id)}/suggestions`;
    expect((await server.api.inject({ method: 'GET', url, headers: stranger.headers })).statusCode).toBe(404);
  });
});

describe('assigning', () => {
  interface Assigned {
    operationId: string;
    messages: number;
    addedAddress: string | null;
  }

  const post = (payload: object, headers: Record<string, string> = key.headers) =>
    server.api.inject({ method: 'POST', url: '/v1/unassigned/assign', headers, payload });

  /** Assigns, and does what the engine would be asked for. */
  async function assigned(payload: object): Promise<Assigned> {
    const answer = await post(payload);
    expect(answer.statusCode).toBe(202);
    const body = answer.json<Assigned>();
    const operationId = uuidOf('operation', body.operationId) ?? '';
    await database.db.inTenant(tenantId, async (sql) => {
      await lockTenantForWriting(sql, tenantId);
      await workChunk(sql, { tenantId, operationId }, 100);
    });
    return body;
  }

  test('links the messages that are named, and they leave the queue', async () => {
    const record = await aRecord(database.db, tenantId, { name: 'Acme' });
    const one = await mail('a@acme.example', day(1));
    const two = await mail('b@acme.example', day(2));
    const rest = await mail('c@acme.example', day(3));
    const messageIds = [one, two].map(({ id }) => publicId('message', id));
    expect(await assigned({ recordId: publicId('record', record), messageIds })).toMatchObject({
      messages: 2,
      addedAddress: null,
    });
    expect(await listed('order=oldest')).toEqual([rest.id]);
  });

  test('links all that fits a filter', async () => {
    const record = await aRecord(database.db, tenantId, { name: 'Acme' });
    await mail('a@acme.example', day(1));
    await mail('b@acme.example', day(2));
    const rest = await mail('c@other.example', day(3));
    expect(await assigned({ recordId: publicId('record', record), filter: { domain: 'acme.example' } })).toMatchObject({
      messages: 2,
    });
    expect(await listed('order=oldest')).toEqual([rest.id]);
  });

  test('adds the sender’s address to the record, so that all their mail is linked to it', async () => {
    const record = await aRecord(database.db, tenantId, { name: 'Acme' });
    const one = await mail('a@acme.example', day(1));
    await mail('a@acme.example', day(2));
    const body = await assigned({
      recordId: publicId('record', record),
      messageIds: [publicId('message', one.id)],
      addAddress: true,
    });
    expect(body).toMatchObject({ messages: 1, addedAddress: 'a@acme.example' });
    expect(await listed('order=oldest')).toEqual([]);
    await mail('a@acme.example', day(3));
    expect(await listed('order=oldest')).toEqual([]);
  });

  test('of several senders adds no address, and says so before anything is done', async () => {
    const record = await aRecord(database.db, tenantId, { name: 'Acme' });
    const ids = [await mail('a@acme.example', day(1)), await mail('b@acme.example', day(2))].map(({ id }) =>
      publicId('message', id),
    );
    const answer = await post({ recordId: publicId('record', record), messageIds: ids, addAddress: true });
    expect(answer.statusCode).toBe(409);
    expect(answer.json<{ type: string }>().type).toBe('/problems/several-senders');
    expect(await listed('order=oldest')).toHaveLength(2);
  });

  test.each([
    ['neither ids nor a filter', {}],
    ['an empty filter', { filter: {} }],
    ['a message that is not there', { messageIds: [publicId('message', '01900000-0000-7000-8000-000000000000')] }],
  ])('refuses %s', async (_what, wish) => {
    const record = await aRecord(database.db, tenantId, { name: 'Acme' });
    expect((await post({ recordId: publicId('record', record), ...wish })).statusCode).toBe(400);
  });

  test('names which of the messages is not there', async () => {
    const record = await aRecord(database.db, tenantId, { name: 'Acme' });
    const { id } = await mail('a@acme.example', day(1));
    const messageIds = [id, '01900000-0000-7000-8000-000000000000'].map((one) => publicId('message', one));
    const answer = await post({ recordId: publicId('record', record), messageIds });
    expect(answer.json()).toMatchObject({ status: 400, errors: [{ field: 'messageIds[1]' }] });
  });

  test('refuses mail that the viewer may not see, and a record that is none', async () => {
    const record = await aRecord(database.db, tenantId, { name: 'Acme' });
    const { id } = await mail('a@acme.example', day(1));
    const stranger = await issueKey(database.db, tenantId, { userId: await insertUser(database.db, tenantId) });
    const wish = { recordId: publicId('record', record), messageIds: [publicId('message', id)] };
    expect((await post(wish, stranger.headers)).statusCode).toBe(400);
    const nowhere = publicId('record', '01900000-0000-7000-8000-000000000000');
    expect((await post({ ...wish, recordId: nowhere })).statusCode).toBe(400);
  });
});
