import { publicId, uuidOf } from '../../src/domain/ids';
import { issueKey, testApi, type IssuedKey, type TestApi } from '../support/api';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { aMailbox, aMessage, aRecord, aUser } from '../support/mail-rows';

let database: TestDatabase;
let server: TestApi;
let key: IssuedKey;
let tenantId: string;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  server = testApi(database.db);
  tenantId = await database.newTenant();
  key = await issueKey(database.db, tenantId);
});
afterEach(() => server.api.close());

interface Answered {
  deletionId: string;
  type: string;
  state: string;
}

const call = (method: 'GET' | 'DELETE' | 'PATCH', url: string, headers: object = {}) =>
  server.api.inject({ method, url, headers: { ...key.headers, ...headers } });
const slugOf = (answer: { json: () => unknown }) => (answer.json() as Answered).type;
const rows = (text: string, values: unknown[] = []) => database.db.inTenant(tenantId, (sql) => sql.query(text, values));
const noDeletion = async () => {
  expect(await rows('SELECT FROM deletion')).toEqual([]);
};

describe('a record', () => {
  let url: string;
  let id: string;
  beforeEach(async () => {
    id = await aRecord(database.db, tenantId, { name: 'Ada Lovelace', addresses: ['ada@customer.example'] });
    url = `/v1/records/${publicId('record', id)}`;
    await aMessage(database.db, await aMailbox(database.db, tenantId), { from: 'ada@customer.example' });
  });

  test('is counted by a dry run, which says what stays and why', async () => {
    const answer = await call('DELETE', `${url}?erase=true&dryRun=true`);
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toEqual({
      goes: { links: 1, suppressedLinks: 0, linkReasons: 1, timelineEntries: 1, addresses: 1, activityNotes: 0 },
      reassigned: {},
      stays: [
        expect.objectContaining({ what: 'messages', count: 1 }),
        expect.objectContaining({ what: 'unassignedMessages', count: 1 }),
        expect.objectContaining({ what: 'recordsOfCompany', count: 0 }),
      ],
    });
    await noDeletion();
  });

  test.each([
    ['unconfirmed', '?erase=true', 400, '/problems/confirmation-needed'],
    ['with another name', '?erase=true&confirm=Grace', 422, '/problems/confirmation-mismatch'],
    ['confirmed in a dry run', '?erase=true&dryRun=true&confirm=Ada', 400, '/problems/invalid-request'],
    ['confirmed without erase', '?confirm=Ada%20Lovelace', 400, '/problems/invalid-request'],
    ['counted without erase', '?dryRun=true', 400, '/problems/invalid-request'],
  ])('%s nothing is erased', async (_how, query, status, slug) => {
    const answer = await call('DELETE', url + query);
    expect([answer.statusCode, slugOf(answer)]).toEqual([status, slug]);
    expect((await call('GET', url)).statusCode).toBe(200);
    await noDeletion();
  });

  test.each(['the name', 'the id', 'the header'])(
    'confirmed by %s it is gone at once, and its deletion is told',
    async (by) => {
      const confirm = by === 'the id' ? publicId('record', id) : 'Ada%20Lovelace';
      const answer =
        by === 'the header'
          ? await call('DELETE', `${url}?erase=true`, { 'letterbook-confirm': 'Ada Lovelace' })
          : await call('DELETE', `${url}?erase=true&confirm=${confirm}`);
      expect(answer.statusCode).toBe(202);
      const { deletionId } = answer.json<Answered>();
      expect(answer.headers.location).toBe(`/v1/deletions/${deletionId}`);
      expect((await call('GET', url)).statusCode).toBe(404);
      expect((await call('GET', `/v1/deletions/${deletionId}`)).json()).toMatchObject({
        kind: 'record',
        targetId: publicId('record', id),
        mailboxId: null,
        state: 'stopping',
      });
      const input = { tenantId, deletionId: uuidOf('deletion', deletionId), kind: 'record', targetId: id };
      expect(server.engine.asked).toEqual([{ what: 'deleteCascade', input }]);
      expect(await rows(`SELECT FROM audit WHERE action = 'record erase'`)).toHaveLength(1);
      expect(await rows('SELECT kind, target_id FROM erasure')).toEqual([{ kind: 'record', target_id: id }]);
      const again = await call('DELETE', `${url}?erase=true&confirm=${confirm}`);
      expect(again.json()).toEqual({ deletionId });
      expect((await call('DELETE', `/v1/deletions/${deletionId}`)).statusCode).toBe(409);
    },
  );

  test('that was only deleted before can be erased; with the engine down it is asked for all the same', async () => {
    expect((await call('DELETE', url)).statusCode).toBe(204);
    server.engine.down = true;
    expect((await call('DELETE', `${url}?erase=true&confirm=Ada%20Lovelace`)).statusCode).toBe(202);
  });

  test('on an older state is refused', async () => {
    await call('PATCH', url);
    const answer = await call('DELETE', `${url}?erase=true&confirm=Ada%20Lovelace`, { 'if-match': '"7"' });
    expect(answer.statusCode).toBe(412);
    await noDeletion();
  });

  test('is erased by admins only, and is not there for another tenant', async () => {
    const member = await aUser(database.db, tenantId);
    const asMember = { 'letterbook-user': publicId('user', member.id) };
    expect((await call('DELETE', `${url}?erase=true&dryRun=true`, asMember)).statusCode).toBe(403);
    const other = await issueKey(database.db, await database.newTenant());
    expect((await call('DELETE', `${url}?erase=true&confirm=Ada%20Lovelace`, other.headers)).statusCode).toBe(404);
    await noDeletion();
  });
});

describe('a user', () => {
  const address = 'leaver@company.example';
  let leaver: { id: string };
  let heir: { id: string };
  let url: string;
  beforeEach(async () => {
    leaver = await aUser(database.db, tenantId, { addresses: [address] });
    heir = await aUser(database.db, tenantId, { role: 'admin' });
    url = `/v1/users/${publicId('user', leaver.id)}`;
  });

  test('is counted by a dry run, with what is given to another', async () => {
    await aMailbox(database.db, tenantId, { ownerUserId: leaver.id });
    await aRecord(database.db, tenantId, { ownerUserId: leaver.id });
    const given = await call('DELETE', `${url}?dryRun=true&reassignTo=${publicId('user', heir.id)}`);
    expect(given.json()).toMatchObject({ goes: { addresses: 1 }, reassigned: { mailboxes: 1, records: 1 }, stays: [] });
    const deleted = await call('DELETE', `${url}?dryRun=true&mailboxes=delete`);
    expect(deleted.json()).toMatchObject({
      goes: { mailboxes: 1, messages: 0 },
      reassigned: {},
      stays: [{ what: 'messages' }, { what: 'records', count: 1 }],
    });
    await noDeletion();
  });

  test('is asked for with what becomes of the mailboxes, and their keys end', async () => {
    const mailbox = await aMailbox(database.db, tenantId, { ownerUserId: leaver.id });
    const theirs = await issueKey(database.db, tenantId, { userId: leaver.id });
    const refused = await call('DELETE', `${url}?confirm=${address}`);
    expect([refused.statusCode, slugOf(refused)]).toEqual([409, '/problems/user-owns-mailboxes']);
    expect(refused.body).toContain(publicId('mailbox', mailbox.sourceId));
    await noDeletion();

    const answer = await call('DELETE', `${url}?confirm=${address}&mailboxes=delete`);
    expect(answer.statusCode).toBe(202);
    expect((await call('GET', '/v1/users', theirs.headers)).statusCode).toBe(401);
    const deletion = await call('GET', `/v1/deletions/${answer.json<Answered>().deletionId}`);
    expect(deletion.json()).toMatchObject({ kind: 'user', targetId: publicId('user', leaver.id) });
    expect(server.engine.asked.map(({ what }) => what)).toEqual(['deleteCascade']);
  });

  test('who is being deleted is answered with their deletion, also when their addresses have gone', async () => {
    const first = await call('DELETE', `${url}?confirm=${address}`);
    await rows('DELETE FROM user_address WHERE user_id = $1', [leaver.id]);
    const again = await call('DELETE', `${url}?confirm=${address}`);
    expect([again.statusCode, again.json()]).toEqual([202, first.json()]);
  });

  test.each([
    ['unconfirmed', '?mailboxes=delete', 400],
    ['with an address of somebody else', '?confirm=other@company.example', 422],
  ])('%s nothing is deleted', async (_how, query, status) => {
    expect((await call('DELETE', url + query)).statusCode).toBe(status);
    await noDeletion();
  });

  test('gives nothing to themselves, to nobody known, or to who is on their way out', async () => {
    const outgoing = await aUser(database.db, tenantId);
    const outgoingId = publicId('user', outgoing.id);
    expect((await call('DELETE', `/v1/users/${outgoingId}?confirm=${outgoingId}`)).statusCode).toBe(202);
    const unknown = publicId('user', '00000000-0000-7000-8000-000000000000');
    for (const to of [publicId('user', leaver.id), unknown, outgoingId]) {
      const answer = await call('DELETE', `${url}?confirm=${address}&reassignTo=${to}`);
      expect([answer.statusCode, answer.body]).toEqual([400, expect.stringContaining('reassignTo')]);
    }
    expect(await rows('SELECT FROM deletion')).toHaveLength(1);
  });

  test('who is the last admin stays, by either way', async () => {
    const id = publicId('user', heir.id);
    for (const query of ['', `?confirm=${id}`]) {
      const answer = await call('DELETE', `/v1/users/${id}${query}`);
      expect([answer.statusCode, slugOf(answer)]).toEqual([409, '/problems/last-admin']);
    }
    await noDeletion();
    expect(await rows('SELECT FROM app_user WHERE id = $1', [heir.id])).toHaveLength(1);
  });

  test('does not delete the user whose key they use, by either way', async () => {
    await aUser(database.db, tenantId, { role: 'admin' });
    const id = publicId('user', heir.id);
    const own = await issueKey(database.db, tenantId, { userId: heir.id });
    for (const query of ['', `?confirm=${id}`]) {
      const answer = await call('DELETE', `/v1/users/${id}${query}`, own.headers);
      expect([answer.statusCode, slugOf(answer)]).toEqual([409, '/problems/own-user']);
    }
    await noDeletion();
    expect((await call('DELETE', `/v1/users/${id}?confirm=${id}`)).statusCode).toBe(202);
  });
});

describe('the tenant', () => {
  test('says its name, and is counted by a dry run', async () => {
    await aMessage(database.db, await aMailbox(database.db, tenantId));
    expect((await call('GET', '/v1/tenant')).json()).toMatchObject({ id: publicId('tenant', tenantId), name: 'test' });
    const answer = await call('DELETE', '/v1/tenant?dryRun=true');
    expect(answer.json()).toMatchObject({ goes: { mailboxes: 1, messages: 1, apiKeys: 1 }, stays: [{}, {}] });
    await noDeletion();
  });

  test.each([
    ['unconfirmed', '', 400],
    ['with another name', '?confirm=other', 422],
  ])('%s stays', async (_how, query, status) => {
    expect((await call('DELETE', `/v1/tenant${query}`)).statusCode).toBe(status);
    await noDeletion();
  });

  test('is deleted by admins only', async () => {
    const manager = await aUser(database.db, tenantId, { role: 'manager' });
    const asManager = { 'letterbook-user': publicId('user', manager.id) };
    expect((await call('DELETE', '/v1/tenant?confirm=test', asManager)).statusCode).toBe(403);
    const writing = await issueKey(database.db, tenantId, { scopes: ['read', 'write'] });
    expect((await call('DELETE', '/v1/tenant?confirm=test', writing.headers)).statusCode).toBe(403);
    await noDeletion();
  });

  test('confirmed by its name, no key of it opens anything any more; those of another do', async () => {
    const other = await issueKey(database.db, await database.newTenant());
    const answer = await call('DELETE', '/v1/tenant?confirm=test');
    expect(answer.statusCode).toBe(202);
    expect((await call('GET', '/v1/tenant')).statusCode).toBe(401);
    expect((await call('GET', '/v1/tenant', other.headers)).statusCode).toBe(200);
    expect(server.engine.asked).toMatchObject([
      { what: 'deleteCascade', input: { kind: 'tenant', targetId: tenantId } },
    ]);
  });
});
