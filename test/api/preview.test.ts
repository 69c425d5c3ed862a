import { randomUUID } from 'node:crypto';

import { newUuid } from '../../src/db/new-id';
import type { MailboxLook } from '../../src/domain/preview';
import { newTrack } from '../../src/domain/progress';
import { previewMailbox } from '../../src/mail/preview-mailbox';
import { issueKey, testApi, type IssuedKey, type TestApi } from '../support/api';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { sharedDovecot } from '../support/dovecot';
import { openMailClient } from '../support/mail-client';
import { mail } from '../support/mail-factory';

let database: TestDatabase;
let server: TestApi;
let key: IssuedKey;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  server = testApi(database.db, { previewsAtOnce: 1 });
  key = await issueKey(database.db, await database.newTenant());
});
afterEach(() => server.api.close());

const anna = {
  address: 'anna@corp.example',
  imap: { host: 'imap.corp.example' },
  auth: { type: 'password', password: 'marked-secret' },
};

function preview(payload: object = anna) {
  return server.api.inject({ method: 'POST', url: '/v1/mailboxes/preview', headers: key.headers, payload });
}

/** The look of a mailbox with one folder of 8,000 messages. */
function shows(change: Partial<MailboxLook> = {}): void {
  const inside = {
    ...{ shown: 8_000, capped: false, bytes: { value: 80_000_000, estimated: false } },
    ...{ firstDate: new Date('2020-01-01T00:00:00Z'), lastDate: null, unread: 0, sinceDate: null },
  };
  const inbox = { path: 'INBOX', role: 'inbox' as const, scope: 'fetch' as const, messages: 8_000, inside };
  const look = { folders: [inbox], quota: null, gmail: false, messageLimit: false, ...change };
  server.context.previewMailbox = () => Promise.resolve({ ok: true, provider: null, look });
}

async function everythingIn(tenantId: string): Promise<number[]> {
  return database.db.inTenant(tenantId, async (sql) => {
    const counts = await sql.query<{ count: number }>(
      `SELECT count(*)::int AS count FROM source UNION ALL SELECT count(*)::int FROM operation
       UNION ALL SELECT count(*)::int FROM folder`,
    );
    return counts.map(({ count }) => count);
  });
}

test('over a real server: folders, what each start point would import, how long it may take; nothing is saved', async () => {
  const dovecot = sharedDovecot();
  server.context.previewMailbox = (access, policy) =>
    previewMailbox(access, policy, {
      hostRules: { allowedNetworks: ['127.0.0.0/8'] },
      ...{ timeoutMs: 60_000, folders: 500, sampleMessages: 200 },
    });
  const user = `u${randomUUID().replaceAll('-', '')}@corp.example`;
  const person = await openMailClient(dovecot.imapPort, user);
  const raw = mail({});
  await person.append('INBOX', raw, { date: new Date('2024-02-03T04:05:06Z'), flags: ['\\Seen'] });
  await person.append('INBOX', raw, { date: new Date('2026-02-03T04:05:06Z') });
  await person.append('Sent', raw, { date: new Date('2026-03-03T04:05:06Z'), flags: ['\\Seen'] });
  await person.close();
  const answer = await preview({
    address: user,
    imap: { host: '127.0.0.1', port: dovecot.imapPort, security: 'none' },
    auth: { type: 'password', password: dovecot.password },
    policy: { start: { from: 'date', date: '2026-01-01' } },
  });
  expect(answer.statusCode).toBe(200);
  const size = raw.length;
  expect(answer.json()).toMatchObject({
    provider: 'other',
    imap: { host: '127.0.0.1', port: dovecot.imapPort, security: 'none' },
    totals: { foldersInScope: 3, messages: 3, bytes: 3 * size, estimated: false },
    import: { start: 'date', messages: 2, seconds: 1, limitedBy: 'rate' },
    startPoints: {
      now: { messages: 0, bytes: 0, seconds: 0 },
      unread: { messages: 1, bytes: size, estimated: true },
      everything: { messages: 3, bytes: 3 * size },
      date: { messages: 2, bytes: 2 * size },
    },
    rate: { messagesPerSecond: 400, basis: 'benchmark' },
    quota: null,
    warnings: [],
  });
  expect(answer.json<{ folders: object[] }>().folders).toEqual(
    expect.arrayContaining([
      {
        ...{ path: 'INBOX', role: 'inbox', scope: 'fetch', messages: 2, shown: 2, bytes: 2 * size },
        ...{ bytesEstimated: false, unread: 1, sinceDate: 1 },
        ...{ firstDate: '2024-02-03T04:05:06.000Z', lastDate: '2026-02-03T04:05:06.000Z' },
      },
    ]) as unknown,
  );
  expect(await everythingIn(key.tenantId)).toEqual([0, 0, 0]);
  expect(server.engine.asked).toEqual([]);
});

test('failures come in the words of connecting', async () => {
  server.context.previewMailbox = () => Promise.resolve({ ok: false, code: 'login-refused', detail: 'for operators' });
  server.probe.answer = { ok: false, code: 'login-refused', detail: 'for operators' };
  const connecting = await server.api.inject({
    ...{ method: 'POST', url: '/v1/mailboxes', headers: key.headers, payload: anna },
  });
  const withoutId = ({ requestId: _, ...problem }: Record<string, unknown>) => problem;
  const answer = await preview();
  expect(answer.statusCode).toBe(422);
  expect(withoutId(answer.json())).toEqual(withoutId(connecting.json()));
});

test('where a known provider refuses the login, its own step is said', async () => {
  server.context.previewMailbox = () => Promise.resolve({ ok: false, code: 'login-refused', detail: '' });
  const detailAt = async (host: string) =>
    (await preview({ ...anna, imap: { host } })).json<{ detail: string }>().detail;
  expect(await detailAt('imap.gmail.com')).toContain('myaccount.google.com/apppasswords');
  expect(await detailAt('outlook.office365.com')).toContain('Microsoft accepts no passwords');
  expect(await detailAt('imap.corp.example')).toMatch(/app password made for this purpose\.$/);
});

test('the password is in no log, the folders neither', async () => {
  shows({ folders: [] });
  await preview();
  server.context.previewMailbox = () => Promise.reject(new Error('marked-secret'));
  expect((await preview()).statusCode).toBe(500);
  expect(server.logged()).not.toContain('marked');
});

test('the expected time is by the own imports of late, where there were any', async () => {
  shows();
  const { tenantId } = key;
  const imported = (done: number, seconds: number, daysAgo: number) =>
    database.db.inTenant(tenantId, (sql) =>
      sql.execute(
        `INSERT INTO operation (tenant_id, id, kind, state, done, total, started_at, finished_at)
         VALUES ($1, $2, 'import', 'done', $3, $3, now() - $5 * interval '1 day' - $4 * interval '1 second', now() - $5 * interval '1 day')`,
        [tenantId, newUuid(), done, seconds, daysAgo],
      ),
    );
  await imported(99, 1, 1);
  await imported(10_000, 1, 31);
  const policy = { start: { from: 'everything' } };
  expect((await preview({ ...anna, policy })).json()).toMatchObject({
    rate: { messagesPerSecond: 400, basis: 'benchmark' },
    import: { seconds: 20 },
  });
  await imported(1_000, 10, 2);
  await imported(3_000, 90, 1);
  expect((await preview({ ...anna, policy })).json()).toMatchObject({
    rate: { messagesPerSecond: 40, basis: 'own-imports' },
    import: { start: 'everything', messages: 8_000, seconds: 200, limitedBy: 'rate' },
  });
});

test('time in which an import was paused, or waited for a password, does not make the next one look longer', async () => {
  shows();
  const { tenantId } = key;
  const imported = (done: number, seconds: number, track: object | null) =>
    database.db.inTenant(tenantId, (sql) =>
      sql.execute(
        `INSERT INTO operation (tenant_id, id, kind, state, done, total, started_at, finished_at, track)
         VALUES ($1, $2, 'import', 'done', $3, $3, now() - $4 * interval '1 second', now(), $5)`,
        [tenantId, newUuid(), done, seconds, track === null ? null : JSON.stringify(track)],
      ),
    );
  const rate = async () => (await preview()).json<{ rate: unknown }>().rate;
  // Paused overnight.
  await imported(5_000, 12 * 3_600 + 50, { ...newTrack, activeMs: 50_000 });
  expect(await rate()).toEqual({ messagesPerSecond: 100, basis: 'own-imports' });
  // Before a second of work was noted, and before anything was.
  await imported(500, 5, newTrack);
  await imported(500, 5, null);
  expect(await rate()).toEqual({ messagesPerSecond: 100, basis: 'own-imports' });
});

test('of a provider that lets only so much through in a day the time says so', async () => {
  const folder = (value: number) => ({
    ...{ path: '[Gmail]/All Mail', role: 'all' as const, scope: 'fetch' as const, messages: 9 },
    inside: {
      ...{ shown: 9, capped: false, bytes: { value, estimated: true } },
      ...{ firstDate: null, lastDate: null, unread: 0, sinceDate: null },
    },
  });
  shows({ folders: [folder(5_000_000_000)], gmail: true });
  const answer = await preview({
    ...anna,
    imap: { host: 'imap.gmail.com' },
    policy: { start: { from: 'everything' } },
  });
  expect(answer.json()).toMatchObject({
    provider: 'google-workspace',
    import: { seconds: 86_400, limitedBy: 'daily-download', estimated: true },
  });
});

test('warnings come with their words and the folders they are about', async () => {
  const many = Array.from({ length: 30 }, (_, index) => ({
    ...{ path: `f${String(index)}`, role: null, scope: 'fetch' as const, messages: null, inside: null },
  }));
  shows({ folders: many });
  const { warnings } = (await preview()).json<{ warnings: { code: string; sentence: string; folders: string[] }[] }>();
  expect(warnings.map(({ code }) => code)).toEqual(['no-sent-folder', 'count-unknown']);
  expect(warnings[1]).toMatchObject({ folderCount: 30, sentence: expect.stringMatching(/\.$/) as unknown });
  expect(warnings[1]?.folders).toHaveLength(20);
});

test('what looks wrong, and why a connection fails, is said in the language of the caller', async () => {
  shows({ folders: [] });
  const inGerman = { ...key.headers, 'accept-language': 'de-AT' };
  const ask = () =>
    server.api.inject({ method: 'POST', url: '/v1/mailboxes/preview', headers: inGerman, payload: anna });
  const looked = await ask();
  expect(looked.json<{ warnings: { sentence: string }[] }>().warnings[0]?.sentence).toMatch(
    /^Kein Ordner ist ausgewählt/,
  );
  expect(looked.headers.vary).toContain('accept-language');
  server.context.previewMailbox = () => Promise.resolve({ ok: false, code: 'port-closed', detail: 'refused' });
  const failed = await ask();
  expect(failed.statusCode).toBe(422);
  expect(JSON.stringify(failed.json())).toContain('Der Server nimmt auf diesem Port keine Verbindungen an.');
});

test('one more at once than is allowed is 429, and a failed one makes room', async () => {
  let end: (() => void) | undefined;
  server.context.previewMailbox = () =>
    new Promise((_resolve, reject) => {
      end = () => {
        reject(new Error('ended'));
      };
    });
  const first = Promise.resolve(preview());
  while (end === undefined) await new Promise((resolve) => setTimeout(resolve, 5));
  expect((await preview()).statusCode).toBe(429);
  end();
  expect((await first).statusCode).toBe(500);
  shows();
  expect((await preview()).statusCode).toBe(200);
});

test.each([
  [422, 'auth-not-available', { auth: { type: 'oauth2', provider: 'google' } }],
  [400, 'invalid-request', { policy: { activity: { type: 'unknown', status: 'done' } } }],
])('what cannot be connected cannot be looked into: %d %s', async (status, slug, change) => {
  shows();
  const answer = await preview({ ...anna, ...change });
  expect(answer.statusCode).toBe(status);
  expect(answer.json<{ type: string }>().type).toBe(`/problems/${slug}`);
});

test('POP3 is refused as for connecting', async () => {
  expect((await preview({ ...anna, imap: { host: 'pop.corp.example', port: 995 } })).statusCode).toBe(400);
});
