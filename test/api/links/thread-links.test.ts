import { lockTenantForWriting } from '../../../src/db/tenant-lock';
import { linkChunk } from '../../../src/db/thread-links/link-chunk';
import { linkAgain } from '../../../src/db/rematch';
import { sweepLinkChanges } from '../../../src/db/thread-links/undo';
import { publicId, uuidOf } from '../../../src/domain/ids';
import { issueKey, testApi, type IssuedKey, type TestApi } from '../../support/api';
import { createTestDatabase, type TestDatabase } from '../../support/database';
import { aMailbox, aMessage, aRecord, aUser, type MessageOptions, type TestMailbox } from '../../support/mail-rows';

let database: TestDatabase;
let server: TestApi;
let mailbox: TestMailbox;
let key: IssuedKey;

beforeAll(async () => {
  database = await createTestDatabase();
  server = testApi(database.db);
  await server.api.ready();
});
afterAll(async () => {
  await server.api.close();
  await database.drop();
});
beforeEach(async () => {
  const tenantId = await database.newTenant();
  mailbox = await aMailbox(database.db, tenantId);
  key = await issueKey(database.db, tenantId);
});

const ada = 'ada@customer.example';
const bob = 'bob@elsewhere.example';

const message = (id: string, options: MessageOptions = {}) =>
  aMessage(database.db, mailbox, { messageId: `<${id}@x>`, from: bob, to: [bob], ...options });
const answer = (id: string, to: string, options: MessageOptions = {}) =>
  message(id, { references: [`<${to}@x>`], ...options });
const record = async (addresses: string[] = []) =>
  publicId('record', await aRecord(database.db, mailbox.tenantId, { addresses }));

async function call(method: 'GET' | 'POST' | 'DELETE', url: string, payload?: object, as: IssuedKey = key) {
  const got = await server.api.inject({
    method,
    url,
    headers: as.headers,
    ...(payload === undefined ? {} : { payload }),
  });
  return {
    status: got.statusCode,
    headers: got.headers,
    body: got.body === '' ? {} : got.json<Record<string, never>>(),
  };
}

interface Begun {
  operationId: string;
  linkId: string;
}

/** Carries out what was asked for, `limit` messages a transaction. */
async function work({ operationId }: { operationId: string }, limit = 500): Promise<void> {
  const ref = { tenantId: mailbox.tenantId, operationId: uuidOf('operation', operationId) ?? '' };
  while ((await linkChunk(database.db, ref, limit)).kind === 'more');
}

async function done(method: 'POST' | 'DELETE', url: string, payload?: object): Promise<Begun> {
  const begun = await call(method, url, payload);
  expect(begun).toMatchObject({ status: 202 });
  const body = begun.body as unknown as Begun;
  await work(body);
  return body;
}

const rows = <Row extends object>(text: string, values: unknown[] = []) =>
  database.db.inTenant(mailbox.tenantId, (sql) => sql.query<Row>(text, values));

/** The names of the messages in a record's timeline, and of those whose link is suppressed with a dash before. */
async function at(recordId: string): Promise<string[]> {
  const shown = await call('GET', `/v1/records/${recordId}/timeline`);
  const { items } = shown.body as unknown as { items: { id: string }[] };
  const names = await rows<{ id: string; name: string }>(
    `SELECT id, btrim(split_part(message_id_header, '@', 1), '<') AS name FROM message`,
  );
  const nameOf = new Map(names.map(({ id, name }) => [publicId('message', id), name]));
  const away = await rows<{ message_id: string }>(
    `SELECT message_id FROM link WHERE state = 'suppressed' AND record_id = $1`,
    [uuidOf('record', recordId)],
  );
  return [
    ...items.map(({ id }) => nameOf.get(id) ?? ''),
    ...away.map(({ message_id: id }) => `-${nameOf.get(publicId('message', id)) ?? ''}`),
  ].sort();
}

const rematchAll = () =>
  database.db.inTenant(mailbox.tenantId, async (sql) => {
    await lockTenantForWriting(sql, mailbox.tenantId);
    const all = await sql.query<{ id: string }>('SELECT id FROM message');
    await linkAgain(
      sql,
      mailbox.tenantId,
      all.map(({ id }) => id),
    );
  });

const linksOf = async (threadId: string) =>
  (await call('GET', `/v1/threads/${publicId('thread', threadId)}/links`)).body as unknown as {
    items: {
      linkId: string;
      recordId: string;
      mode: string | null;
      state: string;
      messages: number;
      byRules: number;
    }[];
  };

describe('a thread', () => {
  test('is linked as it stands: later messages are not, until it is linked again', async () => {
    const { threadId } = await message('a');
    await answer('b', 'a');
    const recordId = await record();
    const thread = `/v1/threads/${publicId('thread', threadId)}`;
    const { linkId } = await done('POST', `${thread}/links`, {
      recordId,
      mode: 'snapshot',
      reason: 'It is about this deal',
    });
    await answer('c', 'b');
    expect(await at(recordId)).toEqual(['a', 'b']);
    expect((await linksOf(threadId)).items).toMatchObject([
      { linkId, recordId, mode: 'snapshot', state: 'active', messages: 2, byRules: 0 },
    ]);
    await done('POST', `${thread}/links/${linkId}/relink`);
    expect(await at(recordId)).toEqual(['a', 'b', 'c']);
    await done('DELETE', `${thread}/links/${linkId}`);
    expect(await at(recordId)).toEqual([]);
    await answer('d', 'c');
    expect(await at(recordId)).toEqual([]);
    await done('POST', `${thread}/relink`, { recordId });
    expect(await at(recordId)).toEqual(['a', 'b', 'c', 'd']);
  });

  test('is followed: who belongs to it comes along, also late parents and threads that become one; a stranger does not', async () => {
    await answer('b', 'a', { to: ['carl@elsewhere.example'] });
    const [{ threadId } = { threadId: '' }] = await rows<{ threadId: string }>(
      'SELECT thread_id AS "threadId" FROM message',
    );
    const recordId = await record();
    await done('POST', `/v1/threads/${publicId('thread', threadId)}/links`, { recordId, mode: 'follow' });
    await answer('c', 'b', { from: 'carl@elsewhere.example', to: ['dora@elsewhere.example'] });
    await message('a', { from: 'zoe@elsewhere.example', to: [bob] });
    await answer('f', 'b', { from: 'mallory@evil.example' });
    expect(await at(recordId)).toEqual(['a', 'b', 'c']);
    await message('o', { from: 'dora@elsewhere.example', to: ['dora@elsewhere.example'] });
    await message('p', { references: ['<o@x>', '<c@x>'], from: 'dora@elsewhere.example' });
    expect(await at(recordId)).toEqual(['a', 'b', 'c', 'o', 'p']);
  });

  test('a forged message that joins a followed thread with another brings nobody’s mail to it', async () => {
    const { threadId } = await message('a');
    await message('o', { from: ada, to: [ada] });
    const recordId = await record();
    await done('POST', `/v1/threads/${publicId('thread', threadId)}/links`, { recordId, mode: 'follow' });
    await message('f', { references: ['<a@x>', '<o@x>'], from: 'mallory@evil.example' });
    expect(await at(recordId)).toEqual(['a']);
  });

  test('that rules have linked stays away for good, also its later mail, until somebody links it again', async () => {
    const recordId = await record([ada]);
    const { threadId } = await message('a', { from: ada });
    await answer('b', 'a', { from: 'dora@elsewhere.example' });
    await answer('c', 'a', { from: ada });
    expect(await at(recordId)).toEqual(['a', 'c']);
    const [link] = (await linksOf(threadId)).items;
    expect(link).toMatchObject({ mode: null, state: 'active', messages: 2, byRules: 2 });
    const thread = `/v1/threads/${publicId('thread', threadId)}`;
    const { linkId } = await done('DELETE', `${thread}/links/${link?.linkId ?? ''}`);
    await answer('d', 'c', { from: ada });
    await rematchAll();
    expect(await at(recordId)).toEqual(['-a', '-b', '-c', '-d']);
    await done('POST', `${thread}/links/${linkId}/relink`);
    expect(await at(recordId)).toEqual(['a', 'b', 'c', 'd']);
  });

  test('undone is what it was: what was linked by hand, by rules and not at all', async () => {
    const recordId = await record([ada]);
    const { threadId } = await message('a', { from: ada });
    const b = await answer('b', 'a');
    await answer('c', 'a');
    await call('POST', `/v1/messages/${publicId('message', b.id)}/links`, { recordId });
    expect(await at(recordId)).toEqual(['a', 'b', 'c']);
    const thread = `/v1/threads/${publicId('thread', threadId)}`;
    const [link] = (await linksOf(threadId)).items;
    const unlinked = await done('DELETE', `${thread}/links/${link?.linkId ?? ''}`);
    expect(await at(recordId)).toEqual(['-a', '-b', '-c']);
    await done('POST', `/v1/operations/${unlinked.operationId}/undo`);
    expect(await at(recordId)).toEqual(['a', 'b', 'c']);
    expect(await call('POST', `/v1/operations/${unlinked.operationId}/undo`)).toMatchObject({ status: 409 });
    const linked = await done('POST', `${thread}/relink`, { recordId, mode: 'follow' });
    await done('POST', `/v1/operations/${linked.operationId}/undo`);
    expect(await at(recordId)).toEqual(['a', 'b', 'c']);
    const kinds = await rows<{ key: string }>(
      `SELECT DISTINCT split_part(key, ':', 1) AS key FROM link_reason ORDER BY 1`,
    );
    expect(kinds.map((row) => row.key)).not.toContain('follow');
  });

  test('is never linked for the reason for which it was taken away', async () => {
    const { threadId } = await message('a');
    const recordId = await record();
    const links = `/v1/threads/${publicId('thread', threadId)}/links`;
    const reason = async () => (await call('GET', links)).body as unknown as { items: { reason: string | null }[] };
    const { linkId } = await done('POST', links, { recordId, reason: 'It is about this deal' });
    const away = await done('DELETE', `${links}/${linkId}?reason=Another%20deal`);
    expect(await reason()).toMatchObject({ items: [{ state: 'unlinked', reason: 'Another deal' }] });
    await done('POST', `/v1/operations/${away.operationId}/undo`);
    expect(await reason()).toMatchObject({ items: [{ state: 'active', reason: null }] });
    await done('DELETE', `${links}/${linkId}?reason=Another%20deal`);
    await done('POST', `${links}/${linkId}/relink`);
    expect(await reason()).toMatchObject({ items: [{ state: 'active', reason: null }] });
  });

  test('that is being linked answers a second wish with whose the first is, and killed anywhere it goes on', async () => {
    const first = await message('a');
    for (const id of ['b', 'c', 'd']) await answer(id, 'a');
    const other = await message('o');
    const recordId = await record();
    const links = `/v1/threads/${publicId('thread', first.threadId)}/links`;
    const begun = (await call('POST', links, { recordId, mode: 'snapshot' })).body as unknown as Begun;
    const ref = { tenantId: mailbox.tenantId, operationId: uuidOf('operation', begun.operationId) ?? '' };
    expect(await linkChunk(database.db, ref, 2)).toMatchObject({ kind: 'more', done: 2, total: 4 });
    // It becomes one with another meanwhile.
    await message('z', { references: ['<o@x>', '<d@x>'] });
    const elsewhere = `/v1/threads/${publicId('thread', other.threadId)}/links`;
    expect(await call('POST', elsewhere, { recordId: await record() })).toMatchObject({
      status: 409,
      body: { type: '/problems/thread-busy', underWay: { operationId: begun.operationId, kind: 'link-thread' } },
    });
    await work(begun, 2);
    expect(await at(recordId)).toEqual(['a', 'b', 'c', 'd']);
    expect(await call('GET', `/v1/operations/${begun.operationId}`)).toMatchObject({
      body: { state: 'done', done: 4, total: 4, result: { messages: 4 } },
    });
    expect(await call('POST', elsewhere, { recordId })).toMatchObject({
      status: 409,
      body: { type: '/problems/thread-linked' },
    });
  });

  test('is linked by whom sees it, to records that they see, and as far as they see it', async () => {
    const user = await aUser(database.db, mailbox.tenantId, { addresses: ['eve@company.example'] });
    const stranger = await aUser(database.db, mailbox.tenantId);
    const { threadId } = await message('a', { to: ['eve@company.example'] });
    await answer('b', 'a');
    const recordId = await record();
    const links = `/v1/threads/${publicId('thread', threadId)}/links`;
    const asUser = await issueKey(database.db, mailbox.tenantId, { userId: user.id });
    const asStranger = await issueKey(database.db, mailbox.tenantId, { userId: stranger.id });
    expect(await call('POST', links, { recordId }, asStranger)).toMatchObject({ status: 404 });
    expect(await call('GET', links, undefined, asStranger)).toMatchObject({ status: 404 });
    const unknown = publicId('record', mailbox.sourceId);
    expect(await call('POST', links, { recordId: unknown }, asUser)).toMatchObject({ status: 400 });
    const begun = await call('POST', links, { recordId }, asUser);
    await work(begun.body as unknown as Begun);
    expect(await at(recordId)).toEqual(['a']);
    const audits = await rows<{ action: string; actor: string }>(
      `SELECT action, actor FROM audit WHERE action = 'link-thread'`,
    );
    expect(audits).toEqual([{ action: 'link-thread', actor: publicId('user', user.id) }]);
  });
});

describe('a message', () => {
  test('is linked and taken away by hand, and what a rule had linked stays away', async () => {
    const recordId = await record([ada]);
    const a = await message('a', { from: ada });
    await answer('b', 'a');
    const links = `/v1/messages/${publicId('message', a.id)}/links`;
    expect(await at(recordId)).toEqual(['a', 'b']);
    const [link] = await rows<{ id: string }>('SELECT id FROM link WHERE message_id = $1', [a.id]);
    const away = await call('DELETE', `${links}/${publicId('link', link?.id ?? '')}`);
    expect(away.status).toBe(204);
    await rematchAll();
    expect(await at(recordId)).toEqual(['-a']);
    await done('POST', `/v1/operations/${String(away.headers['letterbook-operation'])}/undo`);
    expect(await at(recordId)).toEqual(['a', 'b']);
    const other = await record();
    expect(await call('POST', links, { recordId: other, reason: 'Belongs here too' })).toMatchObject({
      status: 201,
      body: { recordId: other, state: 'active' },
    });
    expect(await at(other)).toEqual(['a', 'b']);
    const events = await rows<{ type: string }>(
      `SELECT DISTINCT type FROM outbox WHERE type LIKE 'message.%link%' ORDER BY 1`,
    );
    expect(events.map(({ type }) => type)).toEqual(['message.linked', 'message.links-restored', 'message.unlinked']);
  });

  test('says why it is linked in the language of its reader, alone, in its trail and among its links', async () => {
    const recordId = await record();
    const a = publicId('message', (await message('a')).id);
    await call('POST', `/v1/messages/${a}/links`, { recordId });
    const words = 'Jemand hat die Nachricht mit dem Datensatz verknüpft.';
    for (const url of [`/v1/messages/${a}`, `/v1/messages/${a}/trail`, `/v1/messages/${a}/links`]) {
      const got = await server.api.inject({ url, headers: { ...key.headers, 'accept-language': 'de' } });
      expect(got.body).toContain(words);
      expect(got.headers.vary).toContain('accept-language');
    }
  });

  test('many are linked and taken away as one operation; an unknown one refuses all', async () => {
    const recordId = await record();
    const ids = [];
    for (const name of ['a', 'b', 'c']) ids.push(publicId('message', (await message(name)).id));
    const links = ids.map((messageId) => ({ messageId, recordId }));
    const unknown = { messageId: publicId('message', mailbox.sourceId), recordId };
    expect(await call('POST', '/v1/links/bulk', { links: [...links, unknown] })).toMatchObject({
      status: 400,
      body: { errors: [{ field: 'links[3].messageId' }] },
    });
    await done('POST', '/v1/links/bulk', { links });
    expect(await at(recordId)).toEqual(['a', 'b', 'c']);
    const away = await done('POST', '/v1/links/bulk', { action: 'unlink', links: links.slice(1) });
    expect(await at(recordId)).toEqual(['a']);
    await done('POST', `/v1/operations/${away.operationId}/undo`);
    expect(await at(recordId)).toEqual(['a', 'b', 'c']);
  });
});

describe('limits', () => {
  test('as many links as allowed go into one call, and one more is refused', async () => {
    const small = testApi(database.db, { linksAtOnce: 2 });
    const recordId = await record();
    const links = [];
    for (const name of ['a', 'b', 'c'])
      links.push({ messageId: publicId('message', (await message(name)).id), recordId });
    const statuses = [];
    for (const payload of [{ links: links.slice(1) }, { links }]) {
      const got = await small.api.inject({ method: 'POST', url: '/v1/links/bulk', headers: key.headers, payload });
      statuses.push(got.statusCode);
    }
    await small.api.close();
    expect(statuses).toEqual([202, 400]);
  });

  test('what is just being undone is not forgotten', async () => {
    const { linkUndoKeptMs } = server.context.limits;
    const links = [{ messageId: publicId('message', (await message('a')).id), recordId: await record() }];
    const { operationId } = await done('POST', '/v1/links/bulk', { links });
    await done('POST', `/v1/operations/${operationId}/undo`);
    await rows(`UPDATE operation SET finished_at = now() - $1::float8 * interval '1 millisecond'`, [
      linkUndoKeptMs + 60_000,
    ]);
    await rows(`UPDATE operation SET state = 'running', finished_at = NULL WHERE kind = 'undo-links'`);
    const sweep = () =>
      database.db.inTenant(mailbox.tenantId, (sql) => sweepLinkChanges(sql, mailbox.tenantId, linkUndoKeptMs));
    await sweep();
    expect(await rows('SELECT FROM link_change')).toHaveLength(2);
    await rows(`UPDATE operation SET state = 'done', finished_at = now() WHERE kind = 'undo-links'`);
    await sweep();
    expect(await rows('SELECT FROM link_change')).toHaveLength(1);
  });

  test('an operation is undone for as long as what it did is kept, and then forgotten', async () => {
    const { linkUndoKeptMs } = server.context.limits;
    const recordId = await record();
    const { id } = await message('a');
    const links = [{ messageId: publicId('message', id), recordId }];
    const { operationId } = await done('POST', '/v1/links/bulk', { links });
    const age = (ms: number) =>
      rows(`UPDATE operation SET finished_at = now() - $1::float8 * interval '1 millisecond'`, [ms]);
    const kept = async () => {
      await database.db.inTenant(mailbox.tenantId, (sql) => sweepLinkChanges(sql, mailbox.tenantId, linkUndoKeptMs));
      return (await rows('SELECT FROM link_change')).length;
    };
    await age(linkUndoKeptMs - 60_000);
    expect(await kept()).toBe(1);
    await age(linkUndoKeptMs + 60_000);
    expect(await call('POST', `/v1/operations/${operationId}/undo`)).toMatchObject({
      status: 409,
      body: { type: '/problems/too-late' },
    });
    expect(await kept()).toBe(0);
  });
});
