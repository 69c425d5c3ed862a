import { createHash } from 'node:crypto';

import { createByteBudget } from '../../src/activities/byte-budget';
import type { ActivityContext } from '../../src/activities/context';
import { defaultLimits } from '../../src/config/limits';
import { recordBatch } from '../../src/db/ingest/record-batch';
import { fillSearch } from '../../src/db/search-fill';
import { publicId } from '../../src/domain/ids';
import type { PartDescriptor } from '../../src/domain/message';
import { issueKey, testApi, type TestApi } from '../support/api';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { aMailbox, aMessage, aRecord, aUser, parsedMessage, type TestMailbox } from '../support/mail-rows';
import { askForDeletion, carryOut } from '../support/two-mailboxes';

/*
 * The files of a message are those of all its copies: a mailbox that keeps none, or a gateway that takes them out on the way, does not hide those that
 * another mailbox has. Each test records a message first without its file, and then by a second mailbox with it.
 */

let database: TestDatabase;
let server: TestApi;
let tenantId: string;
let key: Record<string, string>;
let colleague: Record<string, string>;
let record: string;
let first: TestMailbox;
let second: TestMailbox;

beforeAll(async () => {
  database = await createTestDatabase();
  server = testApi(database.db);
});
afterAll(async () => {
  await server.api.close();
  await database.drop();
});
beforeEach(async () => {
  const { db } = database;
  tenantId = await database.newTenant();
  const user = await aUser(db, tenantId);
  key = (await issueKey(db, tenantId)).headers;
  colleague = { ...key, 'letterbook-user': publicId('user', user.id) };
  record = publicId('record', await aRecord(db, tenantId, { addresses: ['ada@customer.example'] }));
  first = await mailbox();
  second = await mailbox();
});

async function mailbox(): Promise<TestMailbox> {
  const made = await aMailbox(database.db, tenantId, { visibility: 'full' });
  const activity = { type: 'email', status: 'done', requireUser: false, requireSubject: false };
  return { ...made, policy: { ...made.policy, activity } };
}

const content = 'the file itself';
const text: PartDescriptor = {
  n: 1,
  section: '1',
  contentType: 'text/plain',
  charset: null,
  encoding: 'identity',
  disposition: null,
  filename: null,
  contentId: null,
  offset: 0,
  length: 0,
  role: 'text',
  kept: true,
};
const file: PartDescriptor = {
  ...text,
  n: 2,
  section: '2',
  contentType: 'application/pdf',
  disposition: 'attachment',
  filename: 'offerbook.pdf',
  length: content.length,
  role: 'attachment',
};

interface Kept {
  rawState: 'full' | 'reduced';
  parts: PartDescriptor[];
}
const whole: Kept = { rawState: 'full', parts: [text, file] };
const dropped: Kept = { rawState: 'reduced', parts: [text] };
const named: Kept = { rawState: 'reduced', parts: [text, { ...file, kept: false }] };
const stripped: Kept = { rawState: 'full', parts: [text] };

async function copyIn(into: TestMailbox, { rawState, parts }: Kept): Promise<string> {
  const raw = Buffer.from([content, '', into.sourceId, rawState].join('\r\n'));
  const [blob] = await server.context.blobs.putBatch(into, [
    { sha256: createHash('sha256').update(raw).digest(), bytes: raw },
  ]);
  const { id } = await aMessage(database.db, into, { parts, rawState, bytes: { blobId: blob?.blobId ?? '', raw } });
  return publicId('message', id);
}

const get = (url: string, headers = key) => server.api.inject({ method: 'GET', url, headers });

/** What each endpoint says of the files of the one message that is there. */
async function filesTold(message: string) {
  const files = (await get(`/v1/records/${record}/files`, colleague)).json<{ items: { n: number; kept: boolean }[] }>();
  const [activity] = (await get(`/v1/activities?recordId=${record}`)).json<{ items: { hasAttachments: boolean }[] }>()
    .items;
  const detail = (await get(`/v1/messages/${message}`, colleague)).json<{ hasAttachments: boolean; attachments: [] }>();
  const listed = (await get('/v1/messages?hasAttachments=true', colleague)).json<{ items: [] }>();
  return {
    listed: listed.items.length,
    activity: activity?.hasAttachments,
    detail: [detail.hasAttachments, detail.attachments.length],
    files: files.items.map(({ n, kept }) => [n, kept]),
  };
}

const withFile = { listed: 1, activity: true, detail: [true, 1], files: [[2, true]] };
const without = { listed: 0, activity: false, detail: [false, 0], files: [] };

test.each([
  ['dropped them', dropped],
  ['never had them', stripped],
  ['keeps their names', named],
])('files that a later copy brings are files, where the first one %s', async (_name, firstCopy) => {
  const message = await copyIn(first, firstCopy);
  expect(await filesTold(message)).not.toEqual(withFile);
  expect(await copyIn(second, whole)).toBe(message);
  expect(await filesTold(message)).toEqual(withFile);
  const served = await get(`/v1/messages/${message}/attachments/2`, colleague);
  expect([served.statusCode, served.body]).toEqual([200, content]);
});

test('and are found by their names', async () => {
  const message = await copyIn(first, dropped);
  await fillSearch(database.db, tenantId, 100);
  await copyIn(second, whole);
  await fillSearch(database.db, tenantId, 100);
  const found = (await get('/v1/messages?query=offerbook', colleague)).json<{ items: { id: string }[] }>();
  expect(found.items.map(({ id }) => id)).toEqual([message]);
});

test('names that are kept are listed where another copy dropped them', async () => {
  const message = await copyIn(first, dropped);
  await copyIn(second, named);
  expect(await filesTold(message)).toEqual({ ...withFile, files: [[2, false]] });
});

test('a copy without files that comes later takes none away', async () => {
  const message = await copyIn(first, whole);
  await copyIn(second, stripped);
  expect(await filesTold(message)).toEqual(withFile);
});

test('of a message that comes twice in one batch the files count too', async () => {
  const message = parsedMessage({});
  const items = [dropped, whole].map(({ rawState, parts }, n) => ({
    ...{ kind: 'recorded' as const, uid: n + 1, size: 10, internalDate: null, flags: 0, modseq: null, labels: [] },
    ...{ providerId: null, providerThreadId: null, direction: 'incoming' as const, blobId: null, rawState },
    rawSha: createHash('sha256').update(String(n)).digest(),
    message: { ...message, parts },
  }));
  const versions = { parser: 1, code: 'test' };
  const batch = { genId: first.genId, cursor: null, part: 'live' as const, versions, items };
  await recordBatch(database.db, { ...first, fence: { epoch: 1, generation: 1 } }, batch);
  const [row] = await rows('SELECT id FROM message');
  expect(await filesTold(publicId('message', row?.id ?? ''))).toEqual(withFile);
});

const rows = (statement: string) => database.db.inTenant(tenantId, (sql) => sql.query<{ id: string }>(statement));

test.each([
  ['that brought them goes, they go', 'second', without],
  ['that has none goes, they stay', 'first', withFile],
] as const)('when the mailbox %s', async (_name, which, expected) => {
  const message = await copyIn(first, stripped);
  await copyIn(second, whole);
  const played = {
    db: database.db,
    blobs: server.context.blobs,
    budget: createByteBudget(1_000_000),
    limits: defaultLimits,
    erasures: { compare: () => Promise.resolve([]), ended: () => Promise.resolve() },
    // Of the survivor nothing has to be read: the message is told from what stays, or from the same words.
    parsePool: { parse: () => Promise.resolve({ kind: 'parsed', message: parsedMessage({ parts: [text, file] }) }) },
  } as unknown as ActivityContext;
  const ref = { tenantId, mailboxId: { first, second }[which].sourceId };
  const deletionId = await askForDeletion(played, ref);
  expect(await carryOut(played, { ...ref, deletionId })).toMatchObject({ kind: 'done', kept: 1 });
  expect(await filesTold(message)).toEqual(expected);
});
