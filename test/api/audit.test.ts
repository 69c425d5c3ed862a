import { insertAudit } from '../../src/db/mailbox-write';
import { publicId } from '../../src/domain/ids';
import { issueKey, testApi, type IssuedKey, type TestApi } from '../support/api';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { aUser } from '../support/mail-rows';

let database: TestDatabase;
let server: TestApi;
let key: IssuedKey;
let tenantId: string;

beforeAll(async () => {
  database = await createTestDatabase();
  server = testApi(database.db, { filteredPageRows: 3 });
});
afterAll(async () => {
  await server.api.close();
  await database.drop();
});
beforeEach(async () => {
  tenantId = await database.newTenant();
  key = await issueKey(database.db, tenantId);
});

interface Page {
  items: { id: string; at: string; actor: string; kind: string; ids: Record<string, string> }[];
  nextCursor: string | null;
}

function ask(query = '', headers: Record<string, string> = key.headers) {
  return server.api.inject({ method: 'GET', url: `/v1/audit${query}`, headers });
}

/** All pages. */
async function entries(query: Record<string, string> = {}): Promise<Page['items']> {
  const found: Page['items'] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const page = new URLSearchParams({ ...query, limit: '2', ...(cursor === '' ? {} : { cursor }) }).toString();
    const answer = await ask(`?${page}`);
    expect(answer.statusCode).toBe(200);
    const { items, nextCursor } = answer.json<Page>();
    found.push(...items);
    cursor = nextCursor;
  }
  return found;
}

const noted = (actor: string, action: string, ids: Record<string, string>) =>
  database.db.inTenant(tenantId, (sql) => insertAudit(sql, tenantId, { actor, action, ids }));

test('what was done is told with who did it, and by actor, kind, thing and time', async () => {
  const made = await server.api.inject({
    ...{ method: 'POST', url: '/v1/records', headers: key.headers },
    payload: { type: 'contact', name: 'Ada' },
  });
  const { id } = made.json<{ id: string }>();
  for (let n = 0; n < 5; n += 1)
    await noted('usr_a', 'link-thread', { threadId: `thr_${String(n)}`, note: 'Her words' });
  await noted('operator', 'tenant delete', { recordId: id });
  const all = await entries();
  expect(all.map(({ kind }) => kind)).toEqual([
    'tenant delete',
    ...Array<string>(5).fill('link-thread'),
    'record created',
  ]);
  expect(all.at(-1)).toMatchObject({ actor: publicId('apiKey', key.keyId), ids: { recordId: id } });
  expect(JSON.stringify(all)).not.toContain('Her words');
  expect((await entries({ actor: 'usr_a' })).map(({ ids }) => ids)).toEqual(
    [4, 3, 2, 1, 0].map((n) => ({ threadId: `thr_${String(n)}` })),
  );
  expect((await entries({ kind: 'tenant delete' })).map(({ actor }) => actor)).toEqual(['operator']);
  expect((await entries({ subjectId: id })).map(({ kind }) => kind)).toEqual(['tenant delete', 'record created']);
  expect(await entries({ subjectId: 'Her words' })).toEqual([]);
  expect(await entries({ until: all.at(-1)?.at ?? '' })).toEqual([]);
  expect(await entries({ since: all[0]?.at ?? '' })).toHaveLength(1);
});

test('it is for admins and keys of the company, each of their own', async () => {
  await noted('usr_a', 'mailbox changed', { mailboxId: 'mbx_a' });
  const as = async (role: 'admin' | 'manager' | 'member') => {
    const user = await aUser(database.db, tenantId, { role });
    return { ...key.headers, 'letterbook-user': publicId('user', user.id) };
  };
  expect((await ask('', await as('manager'))).statusCode).toBe(403);
  expect((await ask('', await as('member'))).statusCode).toBe(403);
  expect((await ask('', await as('admin'))).json<Page>().items).toHaveLength(1);
  const other = await issueKey(database.db, await database.newTenant());
  expect((await ask('', other.headers)).json()).toEqual({ items: [], nextCursor: null });
  expect((await ask('?actor=usr_a&cursor=x')).statusCode).toBe(400);
});
