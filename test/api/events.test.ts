import { recordRoundFailure, recordRoundSuccess } from '../../src/db/sync/round-write';
import { publicId, uuidOf } from '../../src/domain/ids';
import { connectMailbox, insertUser, issueKey, testApi, type IssuedKey, type TestApi } from '../support/api';
import { createTestDatabase, type TestDatabase } from '../support/database';

let database: TestDatabase;
let server: TestApi;
let key: IssuedKey;
let id: string;
let owner: string;

beforeAll(async () => {
  database = await createTestDatabase();
  server = testApi(database.db);
});
afterAll(async () => {
  await server.api.close();
  await database.drop();
});
beforeEach(async () => {
  key = await issueKey(database.db, await database.newTenant());
  owner = await insertUser(database.db, key.tenantId);
  id = await connectMailbox(server, key, { ownerUserId: publicId('user', owner) });
});

const source = () => ({
  tenantId: key.tenantId,
  sourceId: uuidOf('mailbox', id) ?? '',
  fence: { epoch: 1, generation: 1 },
});
const succeed = () =>
  recordRoundSuccess(database.db, source(), {
    roundBegunAt: new Date(),
    recorded: 0,
    filtered: 0,
    parked: 0,
    alternationsKept: 20,
  });
const refuseLogin = () =>
  recordRoundFailure(database.db, source(), {
    state: 'auth-required',
    kind: 'credentials',
    code: 'login-refused',
    operation: 'LOGIN',
    retryAfterMs: null,
    roundBegunAt: null,
    alternationsKept: 20,
  });

interface Answer {
  items: Record<string, unknown>[];
  nextCursor: string | null;
}

const get = async (url: string, headers: Record<string, string> = {}, as: IssuedKey = key) => {
  const answer = await server.api.inject({ method: 'GET', url, headers: { ...as.headers, ...headers } });
  return { statusCode: answer.statusCode, headers: answer.headers, ...answer.json<Answer>() };
};

describe('the history of a mailbox', () => {
  test('is told newest first, with reason, remedy, error and who did it', async () => {
    await succeed();
    await refuseLogin();
    await server.api.inject({ method: 'POST', url: `/v1/mailboxes/${id}/pause`, headers: key.headers });
    const { items } = await get(`/v1/mailboxes/${id}/events`);
    expect(items).toMatchObject([
      { kind: 'wish', from: 'running', to: 'paused', actor: expect.stringMatching(/^key_/) as string },
      {
        kind: 'state',
        from: 'live',
        to: 'auth-required',
        reasonCode: 'login-refused',
        reason: 'The server refused user name or password.',
        remedy: expect.stringContaining('PATCH') as string,
        until: null,
        lastError: { kind: 'credentials', code: 'login-refused', operation: 'LOGIN' },
        actor: 'system',
        times: 1,
      },
      { kind: 'state', from: 'connecting', to: 'live', reasonCode: null, reason: 'New mail is followed.' },
      { kind: 'state', from: null, to: 'connecting', actor: expect.stringMatching(/^key_/) as string },
    ]);
    expect(items[1]?.['at']).toEqual(items[1]?.['firstAt']);
  });

  test('comes in pages that neither leave out nor repeat anything', async () => {
    await succeed();
    await refuseLogin();
    await succeed();
    const all = (await get(`/v1/mailboxes/${id}/events`)).items;
    const paged: unknown[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const page: Answer = await get(`/v1/mailboxes/${id}/events?limit=1${cursor === '' ? '' : `&cursor=${cursor}`}`);
      paged.push(...page.items);
      cursor = page.nextCursor;
    }
    expect(paged).toEqual(all);
    expect(all).toHaveLength(4);
  });

  test('is not there for somebody who does not see the mailbox', async () => {
    const stranger = await insertUser(database.db, key.tenantId);
    const theirs = await issueKey(database.db, key.tenantId, { userId: stranger });
    expect((await get(`/v1/mailboxes/${id}/events`, {}, theirs)).statusCode).toBe(404);
  });

  test('and the state itself speak the language that is asked for', async () => {
    await refuseLogin();
    const german = { 'accept-language': 'de-AT, en;q=0.5' };
    const answer = await get(`/v1/mailboxes/${id}/events`, german);
    expect(answer.items[0]).toMatchObject({ reason: 'Der Server hat Benutzernamen oder Passwort abgelehnt.' });
    expect(answer.headers.vary).toContain('accept-language');
    const mailbox = await server.api.inject({
      method: 'GET',
      url: `/v1/mailboxes/${id}`,
      headers: { ...key.headers, ...german },
    });
    expect(mailbox.json()).toMatchObject({
      state: 'auth-required',
      reason: 'Der Server hat Benutzernamen oder Passwort abgelehnt.',
      remedy: expect.stringContaining('App-Passwort') as string,
    });
  });

  test('and the state write the time of the last error as all times are written', async () => {
    await refuseLogin();
    const answer = await server.api.inject({ method: 'GET', url: `/v1/mailboxes/${id}`, headers: key.headers });
    const { lastError } = answer.json<{ lastError: { at: string } }>();
    expect(lastError.at).toBe(new Date(lastError.at).toISOString());
  });
});

describe('notices', () => {
  const open = (as: IssuedKey = key, more = '') => get(`/v1/notices?open=true${more}`, {}, as);

  test('say what is not well, and then that it is well again', async () => {
    await refuseLogin();
    const [raised] = (await open()).items;
    expect(raised).toMatchObject({
      id: expect.stringMatching(/^ntc_/) as string,
      kind: 'needs-password',
      mailboxId: id,
      userId: publicId('user', owner),
      clearedAt: null,
      clearedBy: null,
      readAt: null,
      sentence: expect.stringContaining('password') as string,
    });
    await succeed();
    expect((await open()).items).toEqual([]);
    const [cleared] = (await get('/v1/notices?open=false')).items;
    const sentence = expect.stringContaining('again') as string;
    expect(cleared).toMatchObject({ id: raised?.['id'], clearedBy: 'well', sentence });
  });

  test('say of a mailbox that is stopped that it was stopped, and not that it is well', async () => {
    await refuseLogin();
    const { statusCode } = await server.api.inject({
      method: 'POST',
      url: `/v1/mailboxes/${id}/stop`,
      headers: key.headers,
    });
    expect(statusCode).toBe(202);
    const [cleared] = (await get('/v1/notices?open=false')).items;
    expect(cleared).toMatchObject({ clearedBy: 'stopped', sentence: expect.stringMatching(/was stopped/) as string });
  });

  test('are a user’s own for a key of that user, and all for a key of the tenant', async () => {
    await refuseLogin();
    const other = await insertUser(database.db, key.tenantId);
    const [mine, theirs] = await Promise.all(
      [owner, other].map((userId) => issueKey(database.db, key.tenantId, { userId })),
    );
    expect((await open(mine)).items).toHaveLength(1);
    expect((await open(theirs)).items).toEqual([]);
    expect((await open(theirs, `&userId=${publicId('user', owner)}`)).statusCode).toBe(404);
    expect((await open(key, `&userId=${publicId('user', owner)}`)).items).toHaveLength(1);
    expect((await open(key, `&userId=${publicId('user', other)}`)).items).toEqual([]);
  });

  test('are read once, by those whom they are for', async () => {
    await refuseLogin();
    const noticeId = String((await open()).items[0]?.['id']);
    const other = await insertUser(database.db, key.tenantId);
    const theirs = await issueKey(database.db, key.tenantId, { userId: other });
    const mine = await issueKey(database.db, key.tenantId, { userId: owner });
    const read = async ({ headers }: IssuedKey) =>
      server.api.inject({ method: 'POST', url: `/v1/notices/${noticeId}/read`, headers });
    expect((await read(theirs)).statusCode).toBe(404);
    const first = (await read(mine)).json<{ readAt: string }>();
    expect(first.readAt).not.toBeNull();
    expect((await read(mine)).json<{ readAt: string }>().readAt).toBe(first.readAt);
    expect((await get('/v1/notices?unread=true', {}, mine)).items).toEqual([]);
    await succeed();
    expect((await get('/v1/notices?unread=true', {}, mine)).items).toHaveLength(1);
  });
});
