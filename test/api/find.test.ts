import { recordBatch } from '../../src/db/ingest/record-batch';
import type { FilteredItem, ParkedItem } from '../../src/db/ingest/batch';
import { publicId } from '../../src/domain/ids';
import { issueKey, testApi, type IssuedKey, type TestApi } from '../support/api';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { aMailbox, aMessage, aUser, type TestMailbox } from '../support/mail-rows';

let database: TestDatabase;
let server: TestApi;
let key: IssuedKey;
let tenantId: string;
let mailbox: TestMailbox;

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
  mailbox = await aMailbox(database.db, tenantId);
});

function find(messageIdHeader: string, headers: Record<string, string> = {}) {
  const url = `/v1/find?messageIdHeader=${messageIdHeader}`;
  return server.api.inject({ method: 'GET', url, headers: { ...key.headers, ...headers } });
}

const asUser = (id: string) => ({ 'letterbook-user': publicId('user', id) });

function record(into: TestMailbox, item: FilteredItem | ParkedItem) {
  const batch = {
    genId: into.genId,
    cursor: null,
    part: 'live',
    versions: { parser: 1, code: 'test' },
    items: [item],
  } as const;
  return recordBatch(database.db, { ...into, fence: { epoch: 1, generation: 1 } }, { ...batch, items: [item] });
}

const placed = { size: 1_000, internalDate: new Date('2026-03-02T09:30:00Z'), flags: 0, modseq: null };

const filtered = (uid: number, messageIdHeader: string | null): FilteredItem => ({
  kind: 'filtered',
  reason: 'unmatched',
  ...placed,
  uid,
  messageIdHeader,
  addressKeys: [],
  answers: [],
});

const parked = (uid: number, messageIdHeader: string): ParkedItem => ({
  kind: 'parked',
  ...placed,
  uid,
  rawSha: null,
  blobId: null,
  failure: { kind: 'unreadable', code: 'too-deep', detail: {}, messageIdHeader },
});

test('says where mail with a Message-ID is, with or without angle brackets', async () => {
  const message = await aMessage(database.db, mailbox, { messageId: '<a+b@x>' });
  for (const text of ['%3Ca%2Bb@x%3E', 'a%2Bb@x', '<a+b@x>']) {
    expect((await find(text)).json()).toMatchObject({
      messageIdHeader: '<a+b@x>',
      found: true,
      messages: [
        { id: publicId('message', message.id), copies: [{ placements: [{ folder: 'INBOX', uid: message.uid }] }] },
      ],
      placements: [],
      failures: [],
    });
  }
  expect((await find('nowhere@x')).json()).toMatchObject({ found: false, messages: [], placements: [], failures: [] });
});

test('finds mail that the policy left out after it was read, with the reason', async () => {
  await record(mailbox, filtered(7, '<dropped@x>'));
  expect((await find('dropped@x')).json()).toEqual({
    messageIdHeader: '<dropped@x>',
    found: true,
    messages: [],
    placements: [
      {
        mailboxId: publicId('mailbox', mailbox.sourceId),
        folder: 'INBOX',
        uidValidity: '1700000000',
        uid: 7,
        outcome: 'filtered',
        reason: 'unmatched',
        presence: 'live',
        internalDate: '2026-03-02T09:30:00.000Z',
        recordedAt: expect.any(String) as string,
      },
    ],
    failures: [],
  });
});

test('finds mail that could not be read: its ledger row, and its failure', async () => {
  await record(mailbox, parked(99, '<bad@x>'));
  const mailboxId = publicId('mailbox', mailbox.sourceId);
  expect((await find('bad@x')).json()).toMatchObject({
    found: true,
    messages: [],
    placements: [{ mailboxId, folder: 'INBOX', uid: 99, outcome: 'parked', reason: 'too-deep' }],
    failures: [{ mailboxId, folder: 'INBOX', uid: 99, code: 'too-deep', state: 'parked' }],
  });
});

test('mail without a Message-ID is found by none', async () => {
  await record(mailbox, filtered(8, null));
  expect((await find('null@x')).json()).toMatchObject({ found: false });
});

test('of mail without content a user finds what is in mailboxes that they own or share', async () => {
  const [owner, member, stranger] = [
    await aUser(database.db, tenantId),
    await aUser(database.db, tenantId),
    await aUser(database.db, tenantId),
  ];
  const shared = await aMailbox(database.db, tenantId, { ownerUserId: owner.id, memberUserIds: [member.id] });
  await record(shared, filtered(1, '<dropped@x>'));
  await record(shared, parked(2, '<bad@x>'));
  for (const text of ['dropped@x', 'bad@x']) {
    const found = async (headers: Record<string, string>) =>
      (await find(text, headers)).json<{ found: boolean }>().found;
    expect([
      await found({}),
      await found(asUser(owner.id)),
      await found(asUser(member.id)),
      await found(asUser(stranger.id)),
    ]).toEqual([true, true, true, false]);
  }
});

test('finds nothing of another tenant', async () => {
  await record(mailbox, filtered(7, '<dropped@x>'));
  const other = await issueKey(database.db, await database.newTenant());
  expect((await find('dropped@x', other.headers)).json()).toMatchObject({ found: false, placements: [] });
});
