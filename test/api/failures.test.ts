import { createHash } from 'node:crypto';

import { publicId, uuidOf } from '../../src/domain/ids';
import { connectMailbox, insertUser, issueKey, testApi, type IssuedKey, type TestApi } from '../support/api';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { insertFailure, insertFolder, insertPlacements } from '../support/ledger-rows';

let database: TestDatabase;
let server: TestApi;
let key: IssuedKey;
let mailboxId: string;
let source: { tenantId: string; sourceId: string };

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
  mailboxId = await connectMailbox(server, key);
  source = { tenantId: key.tenantId, sourceId: uuidOf('mailbox', mailboxId) ?? '' };
});

const get = (url: string, headers: Record<string, string> = key.headers) => server.api.inject({ url, headers });

async function parked(raw: Buffer | null, kind = 'unreadable'): Promise<string> {
  const folder = await insertFolder(database.db, source, `Folder ${String(Math.random())}`);
  const stored =
    raw === null
      ? []
      : await server.context.blobs.putBatch(source, [
          { sha256: createHash('sha256').update(raw).digest(), bytes: raw },
        ]);
  const blobId = stored[0]?.blobId;
  await insertPlacements(database.db, source, {
    ...folder,
    uids: [5],
    outcome: 'parked',
    ...(blobId === undefined ? {} : { blobId }),
  });
  return publicId('failure', await insertFailure(database.db, source, { ...folder, uid: 5, kind }));
}

test('a failure says where it is, what broke and how often it was tried', async () => {
  const id = await parked(Buffer.from('x'));
  const failure = (await get(`/v1/failures/${id}`)).json<object>();
  expect(failure).toMatchObject({
    id,
    mailboxId,
    uid: 5,
    uidValidity: '4294967296123',
    kind: 'unreadable',
    code: 'too-many-parts',
    detail: { parts: 2000 },
    attempts: 1,
    versions: { parser: 1 },
    state: 'parked',
    hasRaw: true,
  });
});

test('lists newest first, by mailbox, kind and state, in pages', async () => {
  const [first, second, third] = [await parked(null), await parked(null, 'refused'), await parked(null)];
  const ids = async (query: string) =>
    (await get(`/v1/failures?${query}`)).json<{ items: { id: string }[] }>().items.map((item) => item.id);
  expect(await ids('')).toEqual([third, second, first]);
  expect(await ids(`mailboxId=${mailboxId}&kind=refused&state=parked`)).toEqual([second]);
  expect(await ids('state=replayed')).toEqual([]);
  const page = (await get('/v1/failures?limit=2')).json<{ nextCursor: string }>();
  expect(await ids(`limit=2&cursor=${page.nextCursor}`)).toEqual([first]);
  expect((await get('/v1/failures?mailboxId=rec_1')).statusCode).toBe(400);
});

test('the raw bytes come back as they were, as a download', async () => {
  const raw = Buffer.from([0, 255, 13, 10, 60, 115, 99, 114, 105, 112, 116, 62]);
  const id = await parked(raw);
  const answer = await get(`/v1/failures/${id}/raw`);
  expect(answer.rawPayload.equals(raw)).toBe(true);
  expect(answer.headers).toMatchObject({
    'content-type': 'message/rfc822',
    'content-length': String(raw.length),
    'x-content-type-options': 'nosniff',
    'content-disposition': `attachment; filename="${id}.eml"; filename*=UTF-8''${id}.eml`,
  });
});

test('a failure without bytes says so', async () => {
  const answer = await get(`/v1/failures/${await parked(null)}/raw`);
  expect(answer.json()).toMatchObject({ status: 404, type: '/problems/no-bytes' });
});

test('another tenant gets 404, and an admin does not get the bytes of a mailbox of others', async () => {
  const id = await parked(Buffer.from('x'));
  const other = await issueKey(database.db, await database.newTenant());
  const admin = {
    ...key.headers,
    'letterbook-user': publicId('user', await insertUser(database.db, key.tenantId, 'admin')),
  };
  expect((await get(`/v1/failures/${id}`, other.headers)).statusCode).toBe(404);
  expect((await get(`/v1/failures/${id}/raw`, other.headers)).statusCode).toBe(404);
  expect((await get(`/v1/failures/${id}`, admin)).statusCode).toBe(200);
  expect((await get(`/v1/failures/${id}/raw`, admin)).statusCode).toBe(404);
});
