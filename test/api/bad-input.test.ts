import { issueKey, testApi, type IssuedKey, type TestApi } from '../support/api';
import { createTestDatabase, type TestDatabase } from '../support/database';

let database: TestDatabase;
let server: TestApi;
let key: IssuedKey;

beforeAll(async () => {
  database = await createTestDatabase();
  server = testApi(database.db, { maxBodyBytes: 10_000 });
  key = await issueKey(database.db, await database.newTenant());
});
afterAll(async () => {
  await server.api.close();
  await database.drop();
});

function send(payload: string | Buffer, contentType = 'application/json') {
  return server.api.inject({
    method: 'POST',
    url: '/v1/mailboxes',
    headers: { ...key.headers, 'content-type': contentType },
    payload,
  });
}

test.each([
  ['{"address":', 'malformed-body'],
  ['[1,2', 'malformed-body'],
  ['{"__proto__": {"x": 1}}', 'malformed-body'],
  [Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d]), 'malformed-body'],
  ['null', 'invalid-request'],
  ['[]', 'invalid-request'],
  ['"text"', 'invalid-request'],
  ['', 'invalid-request'],
  ['['.repeat(4_000) + ']'.repeat(4_000), 'invalid-request'],
])('a body that is not an object of this call is 400: %#', async (payload, slug) => {
  const answer = await send(payload);
  expect([answer.statusCode, answer.json<{ type: string }>().type]).toEqual([400, `/problems/${slug}`]);
});

test.each([
  ['{"address": "a\\u0000b@c.example"}', 'address'],
  ['{"policy": {"folders": {"include": ["\\u0000"]}}}', 'policy.folders.include[0]'],
  ['{"displayName": "\\ud800"}', 'displayName'],
  ['{"a\\u0000": 1}', 'body'],
])('text that cannot be stored is refused by name: %s', async (payload, field) => {
  const answer = await send(payload);
  expect(answer.statusCode).toBe(400);
  expect(answer.json<{ errors: { field: string }[] }>().errors.map((error) => error.field)).toEqual([field]);
});

test.each([
  ['/v1/mailboxes', { policy: { start: { from: 'today' } } }, 'policy.start.from', 'now, everything, unread, date'],
  ['/v1/records', { type: 'contact', name: 'A', scope: { mode: 'teams' } }, 'scope.mode', 'all, restricted'],
])('%s names the forms that a field may have: %j', async (url, payload, field, forms) => {
  const answer = await server.api.inject({ method: 'POST', url, headers: key.headers, payload });
  const { errors } = answer.json<{ errors: { field: string; remedy: string }[] }>();
  const error = errors.find((one) => one.field === field);
  const named = error?.remedy.replace(/^One of: |\.$/g, '').split(', ');
  expect(named?.sort()).toEqual(forms.split(', ').sort());
});

test('a NUL in a query is refused by name', async () => {
  const answer = await server.api.inject({ url: '/v1/mailboxes?cursor=%00', headers: key.headers });
  expect(answer.json()).toMatchObject({ status: 400, errors: [{ in: 'query', field: 'cursor' }] });
});

test('what is no time is told so, with an example', async () => {
  const answer = await server.api.inject({ url: '/v1/messages?since=yesterday', headers: key.headers });
  expect(answer.json()).toMatchObject({
    errors: [{ field: 'since', reason: 'is not a time.', remedy: 'Like 2026-03-02T09:30:00Z.' }],
  });
});

test('a body over the limit is 413 and says the limit', async () => {
  const answer = await send(`{"address": "${'x'.repeat(20_000)}"}`);
  expect(answer.json()).toMatchObject({ status: 413, type: '/problems/body-too-large' });
  expect(answer.json<{ detail: string }>().detail).toContain('10000');
});

test.each(['text/plain', 'application/xml', 'application/x-www-form-urlencoded', 'nonsense'])(
  'a body of the type %s is 415',
  async (contentType) => {
    const answer = await send('{"address": 1}', contentType);
    expect(answer.json()).toMatchObject({ status: 415, type: '/problems/unsupported-media-type' });
  },
);

test('each problem has the members of RFC 9457 and finds its way into the log', async () => {
  const answer = await send('{}');
  const problem = answer.json<{ requestId: string }>();
  expect(answer.headers['content-type']).toBe('application/problem+json');
  expect(problem).toMatchObject({ type: '/problems/invalid-request', status: 400 });
  expect(Object.keys(problem)).toEqual(expect.arrayContaining(['type', 'title', 'status', 'detail', 'requestId']));
  expect(server.logged()).toContain(problem.requestId);
});

test('a fault of ours is a 500 that tells nothing, and a log line without the words of the error', async () => {
  const broken = testApi({
    ...database.db,
    withKeyHash: () => Promise.reject(new Error('marked-words of a library')),
  });
  const answer = await broken.api.inject({ url: '/v1/mailboxes', headers: key.headers });
  await broken.api.close();
  expect(answer.json()).toMatchObject({ status: 500, type: '/problems/internal-error' });
  expect(answer.body + broken.logged()).not.toContain('marked-words');
  expect(broken.logged()).toContain('request failed');
});
