import { publicId } from '../../src/domain/ids';
import type { PartDescriptor } from '../../src/domain/message';
import type { Policy } from '../../src/domain/policy';
import { issueKey, testApi, type IssuedKey, type TestApi } from '../support/api';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { aMailbox, aMessage, aRecord, aUser, type MessageOptions, type TestMailbox } from '../support/mail-rows';

let database: TestDatabase;
let server: TestApi;
let tenantId: string;
let key: IssuedKey;
let mailbox: TestMailbox;
let company: string;
let contact: string;
let ann: { id: string; principal: number };

beforeAll(async () => {
  database = await createTestDatabase();
  server = testApi(database.db);
});
afterAll(async () => {
  await server.api.close();
  await database.drop();
});
beforeEach(async () => {
  tenantId = await database.newTenant();
  key = await issueKey(database.db, tenantId);
  ann = await aUser(database.db, tenantId, { addresses: ['ann@us.example'] });
  company = await aRecord(database.db, tenantId, { type: 'company', name: 'A' });
  contact = await aRecord(database.db, tenantId, { companyId: company, addresses: ['carl@a.example'] });
  mailbox = await askingMailbox();
});

async function askingMailbox(visibility: Policy['visibility'] = 'private'): Promise<TestMailbox> {
  const made = await aMailbox(database.db, tenantId, { visibility, ownerUserId: ann.id });
  const activity = { type: 'email', status: 'done', requireUser: true, requireSubject: true };
  return { ...made, policy: { ...made.policy, activity } };
}

const mail = (options: MessageOptions = {}, into = mailbox) =>
  aMessage(database.db, into, { from: 'Carl C <carl@a.example>', to: ['ann@us.example'], ...options });

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';
function ask(method: Method, url: string, payload?: object, headers: Record<string, string> = key.headers) {
  return server.api.inject({ method, url, headers, ...(payload === undefined ? {} : { payload }) });
}

interface ActivityAnswer {
  id: string;
  messageId: string;
  type: string;
  status: string;
  ownerUserId: string | null;
  subject: string | null;
  changedByPerson: string[];
}
interface PageAnswer<Item> {
  items: Item[];
  nextCursor: string | null;
}
interface ProblemAnswer {
  type: string;
  errors?: { field: string }[];
}

const listed = async (query = '', headers = key.headers) =>
  (await ask('GET', `/v1/activities${query}`, undefined, headers)).json<PageAnswer<ActivityAnswer>>().items;

async function onlyActivity(): Promise<ActivityAnswer> {
  const [first] = await listed();
  if (first === undefined) throw new Error('there is no activity');
  return first;
}

test('an activity says who takes part, and where it belongs', async () => {
  const { id, threadId } = await mail({ cc: ['Stan <stan@out.example>'], subject: 'Hello' });
  expect(await listed()).toEqual([
    {
      id: expect.stringMatching(/^act_[0-9a-f]{32}$/) as unknown,
      messageId: publicId('message', id),
      threadId: publicId('thread', threadId),
      type: 'email',
      status: 'done',
      calendarSync: false,
      ownerUserId: publicId('user', ann.id),
      companyId: publicId('record', company),
      companyIds: [publicId('record', company)],
      projectIds: [],
      participants: [
        {
          kind: 'contact',
          header: 'from',
          address: 'carl@a.example',
          name: 'Carl C',
          userId: null,
          recordId: publicId('record', contact),
        },
      ],
      externalParticipants: [{ header: 'cc', address: 'stan@out.example', name: 'Stan', recordId: null }],
      sortAt: '2026-03-02T09:30:00.000Z',
      subject: 'Hello',
      hasAttachments: false,
      level: 'full',
      changedByPerson: [],
      createdAt: expect.any(String) as unknown,
      updatedAt: expect.any(String) as unknown,
    },
  ]);
});

test('activities are listed by record, owner, type and status, page by page', async () => {
  for (const day of [1, 2, 3, 4, 5])
    await mail({ subject: `Day ${String(day)}`, sentAt: new Date(Date.UTC(2026, 2, day)) });
  const subjects = async (url: string) =>
    (await ask('GET', url)).json<PageAnswer<ActivityAnswer>>().items.map(({ subject }) => subject);
  const all = ['Day 5', 'Day 4', 'Day 3', 'Day 2', 'Day 1'];
  expect(await subjects('/v1/activities')).toEqual(all);
  expect(await subjects(`/v1/records/${publicId('record', contact)}/activities`)).toEqual(all);
  expect(await subjects(`/v1/activities?recordId=${publicId('record', company)}`)).toEqual(all);
  expect(await subjects(`/v1/activities?ownerUserId=${publicId('user', ann.id)}&type=email&status=done`)).toEqual(all);
  expect(await subjects('/v1/activities?status=open')).toEqual([]);
  for (const base of ['/v1/activities?limit=2', `/v1/records/${publicId('record', contact)}/activities?limit=2`]) {
    const walked: (string | null)[] = [];
    let next: string | null = '';
    while (next !== null) {
      const page: PageAnswer<ActivityAnswer> = (
        await ask('GET', `${base}${next === '' ? '' : `&cursor=${next}`}`)
      ).json();
      walked.push(...page.items.map(({ subject }) => subject));
      next = page.nextCursor;
    }
    expect(walked).toEqual(all);
  }
  const { nextCursor } = (await ask('GET', '/v1/activities?limit=2')).json<PageAnswer<ActivityAnswer>>();
  expect((await ask('GET', `/v1/activities?limit=2&status=done&cursor=${String(nextCursor)}`)).statusCode).toBe(400);
});

test('a colleague sees activities as far as their messages, and no record that is kept from them', async () => {
  const colleague = await aUser(database.db, tenantId);
  const theirs = await issueKey(database.db, tenantId, { userId: colleague.id });
  await mail({ subject: 'Private' });
  expect(await listed('', theirs.headers)).toEqual([]);
  const { id } = await onlyActivity();
  expect((await ask('GET', `/v1/activities/${id}`, undefined, theirs.headers)).statusCode).toBe(404);
  expect((await ask('PATCH', `/v1/activities/${id}`, { status: 'open' }, theirs.headers)).statusCode).toBe(404);
  await mail({ subject: 'Told to all by date', sentAt: new Date('2026-03-03') }, await askingMailbox('metadata'));
  const [seen] = await listed('', theirs.headers);
  expect(seen).toMatchObject({
    subject: null,
    hasAttachments: null,
    level: 'metadata',
    companyId: publicId('record', company),
  });
});

describe('records that a colleague may not see', () => {
  const restrict = (recordId: string) =>
    database.db.inTenant(tenantId, (sql) =>
      sql.execute('UPDATE record SET restricted = true WHERE id = $1', [recordId]),
    );
  const colleagues = async () =>
    (await issueKey(database.db, tenantId, { userId: (await aUser(database.db, tenantId)).id })).headers;

  test('list no activities to them, not even those that they see elsewhere', async () => {
    await mail({}, await askingMailbox('full'));
    const headers = await colleagues();
    const query = `?recordId=${publicId('record', company)}`;
    expect(await listed(query, headers)).toHaveLength(1);
    await restrict(company);
    expect(await listed('', headers)).toHaveLength(1);
    expect(await listed(query, headers)).toEqual([]);
    expect(await listed(query)).toHaveLength(1);
  });

  test('take part as anybody does', async () => {
    await aRecord(database.db, tenantId, { type: 'lead', addresses: ['lea@lead.example'] });
    await mail({ cc: ['lea@lead.example'] }, await askingMailbox('full'));
    await restrict(contact);
    const [seen] = await listed('', await colleagues());
    expect(seen).toMatchObject({
      participants: [],
      externalParticipants: [
        { header: 'from', address: 'carl@a.example', recordId: null },
        { header: 'cc', address: 'lea@lead.example', recordId: expect.any(String) as unknown },
      ],
    });
  });
});

describe('a change of an activity', () => {
  test('is written, told as changed by a person, and audited', async () => {
    await mail();
    const { id } = await onlyActivity();
    const got = await ask('GET', `/v1/activities/${id}`);
    const etag = String(got.headers.etag);
    const bob = await aUser(database.db, tenantId);
    const body = { status: 'open', ownerUserId: publicId('user', bob.id) };
    const changed = await ask('PATCH', `/v1/activities/${id}`, body, { ...key.headers, 'if-match': etag });
    expect(changed.statusCode).toBe(200);
    expect(changed.json<ActivityAnswer>()).toMatchObject({ ...body, changedByPerson: ['owner', 'status'] });
    const again = await ask('PATCH', `/v1/activities/${id}`, body, { ...key.headers, 'if-match': etag });
    expect(again.statusCode).toBe(412);
    const audit = await database.db.inTenant(tenantId, (sql) =>
      sql.query<{ action: string; ids: unknown }>(`SELECT action, ids FROM audit WHERE action LIKE 'activity%'`),
    );
    expect(audit).toEqual([
      { action: 'activity changed', ids: expect.objectContaining({ activityId: id }) as unknown },
    ]);
  });

  test.each([
    ['status', { status: 'unheard-of' }],
    ['type', { type: 'fax' }],
    ['ownerUserId', { ownerUserId: publicId('user', '0192f0c1-0000-7000-8000-000000000000') }],
  ])('to what is not in the lists is refused: %s', async (field, body) => {
    await mail();
    const answer = await ask('PATCH', `/v1/activities/${(await onlyActivity()).id}`, body);
    expect(answer.statusCode).toBe(400);
    expect(answer.json<ProblemAnswer>().errors?.map((error) => error.field)).toEqual([field]);
  });
});

describe('the list of types', () => {
  const call = { type: 'call', name: 'Call', statuses: ['planned', 'done'], calendarSync: true };

  test('begins with mail, and is added to and changed', async () => {
    const types = async () =>
      (await ask('GET', '/v1/activity-types')).json<PageAnswer<{ type: string }>>().items.map(({ type }) => type);
    expect(await types()).toEqual(['email']);
    expect((await ask('POST', '/v1/activity-types', call)).statusCode).toBe(201);
    expect((await ask('POST', '/v1/activity-types', call)).statusCode).toBe(409);
    expect(await types()).toEqual(['call', 'email']);
    const changed = await ask('PATCH', '/v1/activity-types/call', { statuses: ['done'], name: 'Phone call' });
    expect(changed.json()).toMatchObject({ type: 'call', name: 'Phone call', statuses: ['done'], calendarSync: true });
    expect((await ask('DELETE', '/v1/activity-types/call')).statusCode).toBe(204);
    expect((await ask('GET', '/v1/activity-types/call')).statusCode).toBe(404);
  });

  test('keeps what is in use', async () => {
    await mail();
    const gone = await ask('DELETE', '/v1/activity-types/email');
    expect([gone.statusCode, gone.json<ProblemAnswer>().type]).toEqual([409, '/problems/type-in-use']);
    expect((await ask('PATCH', '/v1/activity-types/email', { statuses: ['open'] })).statusCode).toBe(409);
    expect((await ask('PATCH', '/v1/activity-types/email', { statuses: ['done'] })).statusCode).toBe(200);
  });

  test('is not for members to change', async () => {
    const theirs = await issueKey(database.db, tenantId, { userId: ann.id });
    expect((await ask('POST', '/v1/activity-types', call, theirs.headers)).statusCode).toBe(403);
    expect((await ask('GET', '/v1/activity-types', undefined, theirs.headers)).statusCode).toBe(200);
  });
});

describe('files of a record', () => {
  const part = (n: number, values: Partial<PartDescriptor> = {}): PartDescriptor => ({
    n,
    section: String(n),
    contentType: 'application/pdf',
    charset: null,
    encoding: 'base64',
    disposition: 'attachment',
    filename: `file-${String(n)}.pdf`,
    contentId: null,
    offset: 0,
    length: 100,
    role: 'attachment',
    kept: true,
    ...values,
  });
  const urlOfFiles = () => `/v1/records/${publicId('record', contact)}/files`;

  test('are the attachments of its mail, but not what its text shows, page by page', async () => {
    const { id } = await mail({ parts: [part(1), part(2, { disposition: 'inline' }), part(3, { kept: false })] });
    await mail({ subject: 'Older', sentAt: new Date('2026-03-01'), parts: [part(1)] });
    await mail({ subject: 'Without', sentAt: new Date('2026-03-03') });
    const pages: unknown[] = [];
    let next: string | null = '';
    while (next !== null) {
      const url = `${urlOfFiles()}?limit=1${next === '' ? '' : `&cursor=${next}`}`;
      const page: PageAnswer<object> = (await ask('GET', url)).json();
      pages.push(...page.items);
      next = page.nextCursor;
    }
    expect(pages).toEqual([
      {
        messageId: publicId('message', id),
        n: 1,
        filename: 'file-1.pdf',
        contentType: 'application/pdf',
        encodedSize: 100,
        kept: true,
        url: `/v1/messages/${publicId('message', id)}/attachments/1`,
        sortAt: '2026-03-02T09:30:00.000Z',
      },
      expect.objectContaining({ n: 3, kept: false }),
      expect.objectContaining({ n: 1, sortAt: '2026-03-01T00:00:00.000Z' }),
    ]);
  });

  test('are for those who may read the messages in full', async () => {
    const theirs = await issueKey(database.db, tenantId, { userId: (await aUser(database.db, tenantId)).id });
    await mail({ parts: [part(1)] }, await askingMailbox('subject'));
    expect((await ask('GET', urlOfFiles(), undefined, theirs.headers)).json<PageAnswer<object>>().items).toEqual([]);
    await mail({ subject: 'Open', parts: [part(1)] }, await askingMailbox('full'));
    expect((await ask('GET', urlOfFiles(), undefined, theirs.headers)).json<PageAnswer<object>>().items).toHaveLength(
      1,
    );
  });
});

describe('the status of a message', () => {
  test('is set by a person who may see it, and audited', async () => {
    const { id } = await mail();
    const url = `/v1/messages/${publicId('message', id)}`;
    expect((await ask('GET', url)).headers.etag).toBe('"open"');
    const closed = await ask('PATCH', url, { status: 'closed' }, { ...key.headers, 'if-match': '"open"' });
    expect((await ask('GET', url)).headers.etag).toBe('"closed"');
    expect([closed.statusCode, closed.json()]).toEqual([200, { id: publicId('message', id), status: 'closed' }]);
    expect((await ask('PATCH', url, { status: 'open' }, { ...key.headers, 'if-match': '"open"' })).statusCode).toBe(
      412,
    );
    const theirs = await issueKey(database.db, tenantId, { userId: (await aUser(database.db, tenantId)).id });
    expect((await ask('PATCH', url, { status: 'open' }, theirs.headers)).statusCode).toBe(404);
    const rows = await database.db.inTenant(tenantId, (sql) =>
      sql.query<{ status: string; actions: string[] }>(
        `SELECT status, ARRAY(SELECT action FROM audit WHERE action LIKE 'message %') AS actions FROM message`,
      ),
    );
    expect(rows).toEqual([{ status: 'closed', actions: ['message closed'] }]);
    const told = await database.db.inTenant(tenantId, (sql) =>
      sql.query(`SELECT ids FROM outbox WHERE type = 'message.status-changed'`),
    );
    expect(told).toEqual([{ ids: { messageId: id, status: 'closed' } }]);
  });
});
