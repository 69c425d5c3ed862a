import { mailboxPolicy } from '../support/mailbox-policy';
import { rematchChunk } from '../../src/db/rematch-job';
import { publicId, uuidOf } from '../../src/domain/ids';
import type { Policy } from '../../src/domain/policy';
import { issueKey, testApi, type IssuedKey, type TestApi } from '../support/api';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { aMailbox, aMessage, aUser, type TestMailbox } from '../support/mail-rows';

// How mail finds its records, as a CRM sees it: rules of a mailbox, domains of companies, own domains, and the reasons in words.

let database: TestDatabase;
let server: TestApi;
let key: IssuedKey;
let tenantId: string;

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
});

async function call(
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
  url: string,
  { payload, headers = {}, as = key }: { payload?: object; headers?: Record<string, string>; as?: IssuedKey } = {},
) {
  return server.api.inject({
    method,
    url,
    headers: { ...as.headers, ...headers },
    ...(payload === undefined ? {} : { payload }),
  });
}

async function made(record: object): Promise<string> {
  const answer = await call('POST', '/v1/records', { payload: record });
  expect(answer.json()).toMatchObject({ operationId: null });
  return answer.json<{ id: string }>().id;
}

const patched = async (id: string, change: object) =>
  expect((await call('PATCH', `/v1/records/${id}`, { payload: change })).statusCode).toBe(200);

const mailbox = (policy: Partial<Policy>): Promise<TestMailbox> => mailboxPolicy(database.db, tenantId, policy);

interface Link {
  recordId: string;
  reasons: { kind: string; key: string; words: string; actor: string; recordVersion: number; createdAt: string }[];
}

async function linksOf(messageId: string, language = 'en', as = key): Promise<Link[]> {
  const url = `/v1/messages/${publicId('message', messageId)}/links`;
  const answer = await call('GET', url, { headers: { 'accept-language': language }, as });
  expect(answer.statusCode).toBe(200);
  return answer.json<{ items: Link[] }>().items;
}

const linkedTo = async (messageId: string) => (await linksOf(messageId)).map(({ recordId }) => recordId).sort();

const contact = (...addresses: string[]) => ({
  type: 'contact',
  name: 'Ada',
  addresses: addresses.map((address) => ({ address })),
});

describe('several companies', () => {
  test('with link-none, contacts of two companies are not linked, and are when they are of one', async () => {
    const source = await mailbox({ severalCompanies: 'link-none' });
    const [one, two] = [await made({ type: 'company', name: 'One' }), await made({ type: 'company', name: 'Two' })];
    const ada = await made({ ...contact('ada@one.example'), companyId: one });
    const bob = await made({ ...contact('bob@two.example'), companyId: two });
    const lead = await made({ ...contact('lee@three.example'), type: 'lead' });
    const { id } = await aMessage(database.db, source, {
      from: 'ada@one.example',
      to: ['bob@two.example', 'lee@three.example'],
    });
    expect(await linkedTo(id)).toEqual([lead]);
    await patched(bob, { companyId: one });
    expect(await linkedTo(id)).toEqual([ada, bob, lead].sort());
    await patched(bob, { companyId: two });
    expect(await linkedTo(id)).toEqual([lead]);
    await call('DELETE', `/v1/records/${two}`);
    expect(await linkedTo(id)).toEqual([ada, bob, lead].sort());
    await call('POST', `/v1/records/${two}/restore`);
    expect(await linkedTo(id)).toEqual([lead]);
  });

  test('what another mailbox links stays linked', async () => {
    const strict = await mailbox({ severalCompanies: 'link-none' });
    const [one, two] = [await made({ type: 'company', name: 'One' }), await made({ type: 'company', name: 'Two' })];
    await made({ ...contact('ada@one.example'), companyId: one });
    await made({ ...contact('bob@two.example'), companyId: two });
    const mail = { from: 'ada@one.example', to: ['bob@two.example'], messageId: '<same@one.example>' };
    const { id } = await aMessage(database.db, strict, mail);
    expect(await linkedTo(id)).toEqual([]);
    await aMessage(database.db, await mailbox({}), mail);
    expect(await linkedTo(id)).toHaveLength(2);
  });
});

test('of several types, the first of the order has the mail', async () => {
  const source = await mailbox({ matchTypes: ['contact', 'lead'] });
  const lead = await made({ ...contact('ada@one.example'), type: 'lead' });
  const { id } = await aMessage(database.db, source, { from: 'ada@one.example' });
  expect(await linkedTo(id)).toEqual([lead]);
  const ada = await made(contact('ada@one.example'));
  expect(await linkedTo(id)).toEqual([ada]);
  await patched(ada, { type: 'intermediary' });
  expect(await linkedTo(id)).toEqual([lead]);
});

describe('domains', () => {
  test('mail of a domain belongs to the company that has it, old mail too, until it is taken away', async () => {
    const source = await mailbox({ companyDomains: 'link' });
    const old = await aMessage(database.db, source, { from: 'ada@one.example' });
    const company = await made({ type: 'company', name: 'One', domains: ['ONE.example.'] });
    const fresh = await aMessage(database.db, source, { from: 'bob@one.example' });
    expect(await linkedTo(old.id)).toEqual([company]);
    expect((await linksOf(fresh.id))[0]?.reasons).toEqual([
      {
        kind: 'rule',
        key: 'from:bob@one.example',
        words: 'bob@one.example stands in From; one.example is a domain of the company in its version 1.',
        actor: 'rule',
        recordVersion: 1,
        createdAt: expect.any(String) as string,
      },
    ]);
    await patched(company, { domains: [] });
    expect(await linkedTo(old.id)).toEqual([]);
    expect(await linkedTo(fresh.id)).toEqual([]);
  });

  test('a company of an own domain has its mail no more, and again when it is taken back', async () => {
    const source = await mailbox({ companyDomains: 'link' });
    const company = await made({ type: 'company', name: 'One', domains: ['one.example'] });
    const { id } = await aMessage(database.db, source, { from: 'ada@one.example' });
    const tenant = await call('GET', '/v1/tenant');
    const headers = { 'if-match': String(tenant.headers.etag) };
    const payload = { ownDomains: ['one.example'] };
    expect((await call('PATCH', '/v1/tenant', { payload, headers })).json()).toMatchObject(payload);
    expect((await call('PATCH', '/v1/tenant', { payload, headers })).statusCode).toBe(412);
    expect((await call('GET', '/v1/tenant')).json()).toMatchObject(payload);
    expect(await linkedTo(id)).toEqual([]);
    expect(await linkedTo((await aMessage(database.db, source, { from: 'bob@one.example' })).id)).toEqual([]);
    await call('PATCH', '/v1/tenant', { payload: { ownDomains: [] } });
    expect(await linkedTo(id)).toEqual([company]);
  });

  test('an address that becomes a user leaves the company, and comes back with the user', async () => {
    const source = await mailbox({ companyDomains: 'link' });
    const company = await made({ type: 'company', name: 'One', domains: ['one.example'] });
    const { id } = await aMessage(database.db, source, { from: 'ada@one.example' });
    const user = { name: 'Ada', role: 'member', addresses: ['ada@one.example'] };
    const answer = await call('POST', '/v1/users', { payload: user });
    expect(await linkedTo(id)).toEqual([]);
    await call('PATCH', `/v1/users/${answer.json<{ id: string }>().id}`, { payload: { addresses: [] } });
    expect(await linkedTo(id)).toEqual([company]);
  });

  test.each([
    [{ type: 'company', name: 'One', domains: ['gmail.com'] }, 'anybody'],
    [{ type: 'contact', name: 'Ada', domains: ['one.example'] }, 'no company'],
    [{ type: 'company', name: 'One', domains: ['not a domain'] }, 'is not a domain'],
    [{ type: 'company', name: 'One', domains: ['one.example', 'One.Example'] }, 'before'],
  ])('%j is refused', async (payload, reason) => {
    const answer = await call('POST', '/v1/records', { payload });
    expect(answer.statusCode).toBe(400);
    expect(JSON.stringify(answer.json<{ errors: unknown }>().errors)).toContain(reason);
  });
});

describe('reasons', () => {
  test('are told in the language that is asked for', async () => {
    await made(contact('ada@one.example'));
    const { id } = await aMessage(database.db, await mailbox({}), { from: 'ada@one.example' });
    const words = async (language: string) => (await linksOf(id, language))[0]?.reasons[0]?.words;
    expect(await words('de-AT')).toBe(
      'ada@one.example, eine Adresse des Datensatzes in seiner Version 1, steht in From.',
    );
    expect(await words('nl')).toContain('staat in From');
    expect(await words('ro')).toContain('apare în From');
  });

  test('of Bcc are told to those alone who hold such a copy, by another spelling and by domain too', async () => {
    const holder = await aUser(database.db, tenantId);
    const reader = await aUser(database.db, tenantId);
    const policy: Partial<Policy> = {
      companyDomains: 'link',
      gmailAddresses: 'fold-dots-and-tags',
      visibility: 'full',
    };
    const source = await mailboxPolicy(database.db, tenantId, policy, holder.id);
    await made(contact('ada@gmail.com'));
    await made({ type: 'company', name: 'One', domains: ['one.example'] });
    const { id } = await aMessage(database.db, source, {
      from: 'someone@elsewhere.example',
      to: [reader.address],
      bcc: ['a.da@gmail.com', 'bob@one.example'],
    });
    const as = async ({ id: userId }: { id: string }) => issueKey(database.db, tenantId, { userId });
    expect(await linksOf(id, 'en', await as(holder))).toHaveLength(2);
    expect(await linksOf(id, 'en', await as(reader))).toEqual([]);
  });

  test('of mail that the viewer may not see are not there', async () => {
    const stranger = await aUser(database.db, tenantId);
    const { id } = await aMessage(database.db, await mailbox({}), { from: 'ada@one.example' });
    const as = await issueKey(database.db, tenantId, { userId: stranger.id });
    const answer = await call('GET', `/v1/messages/${publicId('message', id)}/links`, { as });
    expect(answer.statusCode).toBe(404);
  });
});

test('mailboxes of other tenants, and mailboxes without the policy, link nothing by domain', async () => {
  await made({ type: 'company', name: 'One', domains: ['one.example'] });
  const { id } = await aMessage(database.db, await aMailbox(database.db, tenantId), { from: 'ada@one.example' });
  expect(await linkedTo(id)).toEqual([]);
});

describe('another policy of matching', () => {
  const recordIds = async (messageId: string) => (await linksOf(messageId)).map(({ recordId }) => recordId);
  const urlOf = ({ sourceId }: TestMailbox) => `/v1/mailboxes/${publicId('mailbox', sourceId)}`;

  test('is told by a dry run, and matches what this mailbox has recorded again, and no other', async () => {
    const [first, second] = [await mailbox({}), await mailbox({})];
    const ada = await made({
      ...{ type: 'contact', name: 'Ada' },
      addresses: [{ address: 'ada@home.example', kind: 'private' }],
    });
    const acme = await made({ type: 'company', name: 'Acme', domains: ['home.example'] });
    const mine = await aMessage(database.db, first, { from: 'ada@home.example', subject: 'mine' });
    const theirs = await aMessage(database.db, second, { from: 'ada@home.example', subject: 'theirs' });
    const policy = { matchKinds: ['business'], companyDomains: 'link' };
    const preview = await call('PATCH', `${urlOf(first)}?dryRun=true`, { payload: { policy } });
    expect(preview.json()).toMatchObject({
      rematch: { messages: 1, linksAdded: 1, linksRemoved: 1 },
      effects: [{ code: 'mail-matched-again' }],
    });
    expect(await recordIds(mine.id)).toEqual([ada]);
    expect((await call('PATCH', urlOf(first), { payload: { policy } })).statusCode).toBe(200);
    expect([await recordIds(mine.id), await recordIds(theirs.id)]).toEqual([[acme], [ada]]);
    const other = await call('PATCH', `${urlOf(first)}?dryRun=true`, { payload: { policy: { refreshSeconds: 60 } } });
    expect(other.json()).toMatchObject({ rematch: null });
  });

  test('decides activities too that this mailbox has made, and none that another made before it', async () => {
    const activity = { type: 'email', status: 'done', requireUser: false, requireSubject: false };
    const [first, second] = [await mailbox({ activity }), await mailbox({ activity })];
    await made({ type: 'contact', name: 'Ada', addresses: [{ address: 'ada@home.example', kind: 'private' }] });
    const mine = await aMessage(database.db, first, { from: 'ada@home.example', subject: 'mine' });
    const theirs = await aMessage(database.db, second, { from: 'ada@home.example', subject: 'theirs' });
    await aMessage(database.db, first, { from: 'ada@home.example', subject: 'theirs' });
    const parties = (messageId: string) =>
      database.db.inTenant(tenantId, (sql) =>
        sql.query<{ kind: string }>(`SELECT kind FROM activity_party WHERE message_id = $1 AND header = 'from'`, [
          messageId,
        ]),
      );
    expect([await parties(mine.id), await parties(theirs.id)]).toEqual([[{ kind: 'contact' }], [{ kind: 'contact' }]]);
    const change = (policy: object) => call('PATCH', urlOf(first), { payload: { policy } });
    expect((await change({ matchKinds: ['business'] })).statusCode).toBe(200);
    expect([await parties(mine.id), await parties(theirs.id)]).toEqual([[{ kind: 'external' }], [{ kind: 'contact' }]]);
    expect((await change({ matchKinds: ['business', 'private'] })).statusCode).toBe(200);
    expect(await parties(mine.id)).toEqual([{ kind: 'contact' }]);
  });

  test('is a job where there is much mail, which goes through that mailbox alone, share by share', async () => {
    const [first, second] = [await mailbox({}), await mailbox({})];
    await made({ type: 'contact', name: 'Ada', addresses: [{ address: 'ada@home.example', kind: 'private' }] });
    const mine: string[] = [];
    for (const subject of ['a', 'b', 'c']) {
      mine.push((await aMessage(database.db, first, { from: 'ada@home.example', subject })).id);
    }
    const theirs = await aMessage(database.db, second, { from: 'ada@home.example', subject: 'theirs' });
    const slow = testApi(database.db, { rematchAtOnceMessages: 2 });
    const patch = (query: string) =>
      slow.api.inject({
        ...{ method: 'PATCH', url: `${urlOf(first)}${query}`, headers: key.headers },
        payload: { policy: { matchKinds: ['business'] } },
      });
    expect((await patch('?dryRun=true')).json()).toMatchObject({
      rematch: { messages: 3, linksAdded: null, linksRemoved: null },
    });
    const asked = await patch('');
    const jobs = asked.json<{ operationId: string; rematchOperationId: string }>();
    expect([asked.statusCode, jobs.operationId]).toEqual([202, jobs.rematchOperationId]);
    await slow.api.close();
    const ref = { tenantId, operationId: uuidOf('operation', jobs.rematchOperationId) ?? '' };
    let shares = 0;
    while ((await rematchChunk(database.db, ref, 2)).kind === 'more') shares += 1;
    expect(shares).toBeGreaterThan(1);
    expect(await Promise.all([...mine, theirs.id].map(async (one) => (await recordIds(one)).length))).toEqual([
      0, 0, 0, 1,
    ]);
    expect((await call('GET', `/v1/operations/${jobs.rematchOperationId}`)).json()).toMatchObject({
      state: 'done',
      done: 3,
      total: 3,
    });
  });
});
