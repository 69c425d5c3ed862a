import { createHash } from 'node:crypto';

import { createByteBudget } from '../../src/activities/byte-budget';
import type { ActivityContext, ActivityRun } from '../../src/activities/context';
import { deleteCascade } from '../../src/activities/delete-cascade';
import { erasePersonRows } from '../../src/activities/erase-person';
import { defaultLimits } from '../../src/config/limits';
import { createPostgresBlobStore } from '../../src/db/blobs/postgres-blob-store';
import { readCatalogue } from '../../src/db/deletion/catalogue';
import { carryOutRemovals, planRemoval } from '../../src/db/removals/carry-out';
import { exportedNotes } from '../../src/db/people/export-rows';
import { publicId, uuidOf } from '../../src/domain/ids';
import type { Policy } from '../../src/domain/policy';
import { issueKey, testApi, type IssuedKey, type TestApi } from '../support/api';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { aMessage, aRecord, aUser, type MessageOptions, type TestMailbox } from '../support/mail-rows';
import { mailboxPolicy } from '../support/mailbox-policy';
import { askForDeletion, carryOut } from '../support/two-mailboxes';

// What is left of activities whose mail is gone: the API, the deletions and the database are real.

const run: ActivityRun = { signal: new AbortController().signal, heartbeat: () => undefined };

let database: TestDatabase;
let server: TestApi;
let context: ActivityContext;
let tenantId: string;
let key: IssuedKey;
let ann: { id: string; principal: number };
let company: string;
let carl: string;
let mailbox: TestMailbox;

beforeAll(async () => {
  database = await createTestDatabase();
  server = testApi(database.db);
  const played: Partial<ActivityContext> = {
    db: database.db,
    blobs: createPostgresBlobStore(database.db),
    budget: createByteBudget(1_000_000),
    erasures: { compare: () => Promise.resolve([]) },
    limits: { ...defaultLimits, deletionChunkRows: 2 },
  };
  context = played as ActivityContext;
});
afterAll(async () => {
  await server.api.close();
  await database.drop();
});
beforeEach(async () => {
  tenantId = await database.newTenant();
  key = await issueKey(database.db, tenantId);
  ann = await aUser(database.db, tenantId, { addresses: ['ann@us.example'] });
  company = await aRecord(database.db, tenantId, { type: 'company', name: 'A' });
  carl = await aRecord(database.db, tenantId, { companyId: company, addresses: ['carl@a.example'] });
  mailbox = await keeping({});
});

const activity: Policy['activity'] = { type: 'email', status: 'done', requireUser: false, requireSubject: false };
const keeping = (change: Partial<Policy>) =>
  mailboxPolicy(
    database.db,
    tenantId,
    { activity, activityOnDelete: 'note', visibility: 'metadata', ...change },
    ann.id,
  );

const secret = 'nobody-may-read-this';
const mail = (options: MessageOptions = {}, into = mailbox) =>
  aMessage(database.db, into, {
    from: 'Carl <carl@a.example>',
    to: ['ann@us.example'],
    subject: secret,
    text: secret,
    ...options,
  });

const rows = <Row extends object>(text: string, values: unknown[] = []) =>
  database.db.inTenant(tenantId, (sql) => sql.query<Row>(text, values));

interface Note {
  id: string;
  recordIds: string[];
  [name: string]: unknown;
}
interface Page {
  items: Note[];
  nextCursor: string | null;
}

async function get<Answer>(url: string, headers = key.headers): Promise<Answer> {
  const answer = await server.api.inject({ url, headers });
  expect([url, answer.statusCode]).toEqual([url, 200]);
  return answer.json<Answer>();
}
const notesUrl = (recordId: string) => `/v1/activity-notes?recordId=${publicId('record', recordId)}`;
const notesAt = async (recordId: string, headers = key.headers) => (await get<Page>(notesUrl(recordId), headers)).items;
const counted = async () => [
  (await rows('SELECT FROM activity_note')).length,
  (await rows('SELECT FROM activity_note_record')).length,
];

async function deleteMailbox({ sourceId }: TestMailbox) {
  const deletionId = await askForDeletion(context, { tenantId, mailboxId: sourceId });
  const share = await carryOut(context, { tenantId, mailboxId: sourceId, deletionId });
  const deletion = await get<Record<string, unknown>>(`/v1/deletions/${publicId('deletion', deletionId)}`);
  return { share, deletion };
}

test('of an activity whose mailbox is deleted a note stays at its records, with nothing of what the mail said', async () => {
  const { id } = await mail({ direction: 'incoming', cc: ['stranger@out.example'] });
  await mail({ from: 'stranger@out.example', subject: 'of nobody known' });
  const [of] = await rows<{ id: string }>('SELECT id FROM activity WHERE message_id = $1', [id]);
  const url = `/v1/mailboxes/${publicId('mailbox', mailbox.sourceId)}?dryRun=true`;
  const counts = await server.api.inject({ method: 'DELETE', url, headers: key.headers });
  expect(counts.json()).toMatchObject({ activities: 2, activityNotes: 1 });

  const { share, deletion } = await deleteMailbox(mailbox);
  expect(share).toMatchObject({ kind: 'done', messages: 2, notes: 1 });
  expect(deletion).toMatchObject({ activityNotes: 1, report: { activityNotes: 1, tables: { activity: 2 } } });
  const [note, ...others] = await notesAt(carl);
  expect(others).toEqual([]);
  expect(note).toEqual({
    id: publicId('activity', of?.id ?? ''),
    type: 'email',
    status: 'done',
    ownerUserId: publicId('user', ann.id),
    direction: 'incoming',
    sortAt: '2026-03-02T09:30:00.000Z',
    recordIds: expect.arrayContaining([publicId('record', carl), publicId('record', company)]) as unknown,
    createdAt: expect.any(String) as unknown,
  });
  expect(await notesAt(company)).toHaveLength(1);
  const kept = await rows(
    'SELECT to_jsonb(n) AS n, to_jsonb(r) AS r FROM activity_note n CROSS JOIN activity_note_record r',
  );
  expect(JSON.stringify(kept)).not.toMatch(new RegExp(`${secret}|@|${id}`));
});

test('without that policy, or where the tenant goes too, nothing stays', async () => {
  const plain = await keeping({ activityOnDelete: 'remove' });
  await mail({}, plain);
  expect((await deleteMailbox(plain)).deletion).toMatchObject({ activityNotes: 0, report: { activityNotes: 0 } });
  expect(await counted()).toEqual([0, 0]);

  await mail();
  const deletionId = await askForDeletion(context, { tenantId, mailboxId: mailbox.sourceId });
  await withParent(deletionId);
  await carryOut(context, { tenantId, mailboxId: mailbox.sourceId, deletionId });
  expect(await counted()).toEqual([0, 0]);
});

async function withParent(deletionId: string): Promise<void> {
  const [whole] = await rows<{ id: string }>(
    `INSERT INTO deletion (tenant_id, id, kind, target_id, state, desired_before, begins_at)
     VALUES ($1, gen_random_uuid(), 'tenant', $1, 'stopping', 'stopped', now()) RETURNING id`,
    [tenantId],
  );
  await rows('UPDATE deletion SET parent_id = $2 WHERE id = $1 RETURNING 1', [deletionId, whole?.id]);
}

test('a message that another mailbox holds keeps its activity, and leaves no note', async () => {
  const other = await keeping({ activity: null });
  await mail();
  await mail({}, other);
  await deleteMailbox(mailbox);
  expect(await counted()).toEqual([0, 0]);
  expect(await rows('SELECT FROM activity')).toHaveLength(1);
});

test('two copies of a message are one note', async () => {
  await mail();
  const raw = Buffer.from('other bytes of the same message');
  const sha256 = createHash('sha256').update(raw).digest();
  const [blob] = await context.blobs.putBatch(mailbox, [{ sha256, bytes: raw }]);
  await mail({ bytes: { blobId: blob?.blobId ?? '', raw } });
  expect(await rows('SELECT FROM copy')).toHaveLength(2);
  await deleteMailbox(mailbox);
  expect(await counted()).toEqual([1, 2]);
});

test('mail that is removed on the server leaves a note too', async () => {
  const { copyId } = await mail({ direction: 'outgoing' });
  await rows('UPDATE placement SET presence = 3 RETURNING 1');
  await rows(
    `INSERT INTO removal (tenant_id, source_id, copy_id, state, due_at) SELECT tenant_id, source_id, id, 'waiting', now() FROM copy RETURNING 1`,
  );
  const source = { ...mailbox, fence: { epoch: 1, generation: 1 } };
  const removal = {
    plan: await planRemoval(database.db, source, [copyId]),
    contents: new Map(),
    catalogue: await database.db.inTenant(tenantId, readCatalogue),
    activities: mailbox.policy.activityOnDelete,
  };
  await carryOutRemovals(database.db, source, removal);
  expect(await notesAt(carl)).toMatchObject([{ direction: 'outgoing' }]);
});

test('a note is seen by those who might know of the mail at the record', async () => {
  const ben = await aUser(database.db, tenantId, { addresses: ['ben@us.example'] });
  const keys = {
    ann: await issueKey(database.db, tenantId, { userId: ann.id }),
    ben: await issueKey(database.db, tenantId, { userId: ben.id }),
  };
  const seen = async (recordId: string) => [
    (await notesAt(recordId)).length,
    (await notesAt(recordId, keys.ann.headers)).length,
    (await notesAt(recordId, keys.ben.headers)).length,
  ];
  const closed = await keeping({ visibility: 'private' });
  await mail({}, closed);
  await deleteMailbox(closed);
  expect(await seen(carl)).toEqual([1, 1, 0]);
  const told = async (headers: IssuedKey['headers']) =>
    (await get<{ hasNotes: boolean }>(`/v1/records/${publicId('record', carl)}/activities`, headers)).hasNotes;
  expect([await told(keys.ann.headers), await told(keys.ben.headers)]).toEqual([true, false]);

  await mail({ sentAt: new Date('2026-03-03T09:30:00Z') });
  await deleteMailbox(mailbox);
  expect(await seen(carl)).toEqual([2, 2, 1]);
  expect(await told(keys.ben.headers)).toBe(true);
  const hidden = [publicId('record', carl), publicId('record', company)];
  expect((await notesAt(company, keys.ben.headers))[0]?.recordIds.sort()).toEqual(hidden.sort());
  await rows('UPDATE record SET restricted = true WHERE id = $1 RETURNING 1', [carl]);
  expect(await seen(carl)).toEqual([2, 0, 0]);
  expect(await notesAt(company, keys.ben.headers)).toMatchObject([{ recordIds: [publicId('record', company)] }]);
});

test('at a restricted record its scope sees what was open to it', async () => {
  const ben = await aUser(database.db, tenantId, { addresses: ['ben@us.example'] });
  const benKey = await issueKey(database.db, tenantId, { userId: ben.id });
  const dan = await aRecord(database.db, tenantId, {
    addresses: ['dan@b.example'],
    scope: { mode: 'restricted', userIds: [ben.id], teamIds: [] },
  });
  const closed = await keeping({ visibility: 'private' });
  await mail({ from: 'dan@b.example', subject: 'closed' }, closed);
  await mail({ from: 'dan@b.example', subject: 'open' });
  await deleteMailbox(closed);
  expect(await notesAt(dan, benKey.headers)).toHaveLength(0);
  await deleteMailbox(mailbox);
  expect(await notesAt(dan, benKey.headers)).toHaveLength(1);
  expect(await notesAt(dan)).toHaveLength(2);
});

test('of private mail that the whole scope took part in, nobody who joins the scope later sees a note', async () => {
  const ann = await aUser(database.db, tenantId, { addresses: ['ann.two@us.example'] });
  const ben = await aUser(database.db, tenantId, { addresses: ['ben@us.example'] });
  const benKey = await issueKey(database.db, tenantId, { userId: ben.id });
  const dan = await aRecord(database.db, tenantId, {
    addresses: ['dan@b.example'],
    scope: { mode: 'restricted', userIds: [ann.id], teamIds: [] },
  });
  const closed = await keeping({ visibility: 'private' });
  await mail({ from: 'dan@b.example', to: ['ann.two@us.example'], subject: 'closed' }, closed);
  await deleteMailbox(closed);
  await rows('UPDATE record SET restricted = false WHERE id = $1 RETURNING 1', [dan]);
  expect(await notesAt(dan)).toHaveLength(1);
  expect(await notesAt(dan, benKey.headers)).toHaveLength(0);
});

test('notes are paged, those of the newest mail first, also those of what was merged into the record', async () => {
  const part = await aRecord(database.db, tenantId, { addresses: ['old@a.example'] });
  for (let day = 1; day <= 3; day += 1) await mail({ sentAt: new Date(`2026-03-0${String(day)}T09:00:00Z`) });
  await mail({ from: 'old@a.example', cc: ['carl@a.example'], sentAt: new Date('2026-03-04T09:00:00Z') });
  await mail({ from: 'old@a.example', sentAt: new Date('2026-03-05T09:00:00Z') });
  await deleteMailbox(mailbox);
  await rows('UPDATE record SET deleted_at = now(), merged_into = $2 WHERE id = $1 RETURNING 1', [part, carl]);
  const days: unknown[] = [];
  let next: string | null = null;
  do {
    const page: Page = await get(`${notesUrl(carl)}&limit=2${next === null ? '' : `&cursor=${next}`}`);
    for (const { sortAt, recordIds } of page.items) {
      days.push(String(sortAt).slice(8, 10));
      expect(recordIds).not.toContain(publicId('record', part));
      expect(recordIds).toContain(publicId('record', carl));
    }
    next = page.nextCursor;
  } while (next !== null);
  expect(days).toEqual(['05', '04', '03', '02', '01']);
  const old = await server.api.inject({ url: notesUrl(part), headers: key.headers });
  expect([old.statusCode, old.body]).toEqual([400, expect.stringContaining(publicId('record', carl))]);
});

async function erased(deletionId: string): Promise<unknown> {
  for (;;) {
    const share = await deleteCascade(context, run, { tenantId, deletionId });
    if (share.kind !== 'more') return share;
  }
}

async function asked(url: string): Promise<string> {
  const answer = await server.api.inject({ method: 'DELETE', url, headers: key.headers });
  expect([answer.statusCode, answer.body]).toEqual([202, expect.any(String)]);
  return uuidOf('deletion', answer.json<{ deletionId: string }>().deletionId) ?? '';
}

test('a record that is erased leaves its notes, and takes those of no other record', async () => {
  await aRecord(database.db, tenantId, { addresses: ['eve@e.example'] });
  await mail();
  await mail({ from: 'eve@e.example' });
  await deleteMailbox(mailbox);
  expect(await counted()).toEqual([2, 3]);
  const url = (id: string) => `/v1/records/${publicId('record', id)}?erase=true&confirm=${publicId('record', id)}`;
  expect(await erased(await asked(url(carl)))).toMatchObject({ kind: 'done' });
  expect(await notesAt(company)).toMatchObject([{ recordIds: [publicId('record', company)] }]);
  expect(await erased(await asked(url(company)))).toMatchObject({ kind: 'done' });
  expect(await counted()).toEqual([1, 1]);
});

test('notes of a user who is deleted go, or are given to the heir', async () => {
  const ben = await aUser(database.db, tenantId, { addresses: ['ben@us.example'], role: 'admin' });
  await mail();
  await mail({ to: ['ben@us.example'], subject: 'to ben' });
  await deleteMailbox(mailbox);
  const url = (id: string, more = '') => `/v1/users/${publicId('user', id)}?confirm=${publicId('user', id)}${more}`;
  expect(await erased(await asked(url(ann.id, `&reassignTo=${publicId('user', ben.id)}`)))).toMatchObject({
    kind: 'done',
  });
  const owners = async () => (await notesAt(carl)).map(({ ownerUserId }) => ownerUserId);
  expect(await owners()).toEqual([publicId('user', ben.id), publicId('user', ben.id)]);
  await aUser(database.db, tenantId, { role: 'admin' });
  expect(await erased(await asked(url(ben.id)))).toMatchObject({ kind: 'done' });
  expect(await counted()).toEqual([0, 0]);
});

test('a person who is erased takes the notes of their mail, and an export has them before', async () => {
  await aRecord(database.db, tenantId, { companyId: company, addresses: ['eve@a.example'] });
  await mail();
  await mail({ from: 'eve@a.example' });
  await deleteMailbox(mailbox);
  const exported: { recordIds: string[] }[] = [];
  for await (const page of exportedNotes(database.db, tenantId, ['carl@a.example'])) exported.push(...page);
  expect(exported.map(({ recordIds }) => recordIds.includes(carl))).toEqual([true]);
  const payload = { addresses: ['carl@a.example'] };
  const post = (more: object) =>
    server.api.inject({
      method: 'POST',
      url: '/v1/people/erasures',
      headers: key.headers,
      payload: { ...payload, ...more },
    });
  expect((await post({ dryRun: true })).json()).toMatchObject({ activityNotes: 1 });
  const { id } = (await post({ confirm: payload.addresses })).json<{ id: string }>();
  const ref = { tenantId, deletionId: uuidOf('deletion', id) ?? '' };
  let share = await erasePersonRows(context, run, ref);
  while (share.kind === 'more') share = await erasePersonRows(context, run, ref);
  expect(share).toMatchObject({ kind: 'done' });
  expect(await notesAt(company)).toHaveLength(1);
  expect(await counted()).toEqual([1, 2]);
});
