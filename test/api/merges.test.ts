import { mergeRecords } from '../../src/activities/merge-records';
import type { ActivityContext, ActivityRun } from '../../src/activities/context';
import { deleteCascade } from '../../src/activities/delete-cascade';
import { rematchHistory } from '../../src/activities/rematch-history';
import { defaultLimits } from '../../src/config/limits';
import { mergeChunk } from '../../src/db/merges/merge-chunk';
import { sweepMerges } from '../../src/db/merges/sweep-merges';
import { unfinishedMerges } from '../../src/db/merges/unfinished-merges';
import { unfinishedRematches } from '../../src/db/records-rematch';
import { lockTenantForWriting } from '../../src/db/tenant-lock';
import { beginThreadLink, beginThreadUnlink } from '../../src/db/thread-links/begin';
import { linkChunk } from '../../src/db/thread-links/link-chunk';
import { beginMessageLinks } from '../../src/db/thread-links/message-links';
import { publicId, uuidOf } from '../../src/domain/ids';
import { issueKey, testApi, type IssuedKey, type TestApi } from '../support/api';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { aMailbox, aMessage, aRecord, aUser, type TestMailbox } from '../support/mail-rows';
import { mailboxPolicy } from '../support/mailbox-policy';

// The database is real; the engine is played by running its activities.

let database: TestDatabase;
let server: TestApi;
let key: IssuedKey;
let tenantId: string;
let mailbox: TestMailbox;
let ada: string;
let grace: string;

const run: ActivityRun = { signal: new AbortController().signal, heartbeat: () => undefined };

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
  mailbox = await aMailbox(database.db, tenantId, { visibility: 'full' });
  ada = await aRecord(database.db, tenantId, { name: 'Ada', number: '7', addresses: ['ada@customer.example'] });
  grace = await aRecord(database.db, tenantId, { name: 'Grace', addresses: ['grace@customer.example'] });
});

const rows = <Row extends object>(text: string, values: unknown[] = []) =>
  database.db.inTenant(tenantId, (sql) => sql.query<Row>(text, values));

function ask(
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
  url: string,
  payload?: object,
  headers: object = key.headers,
) {
  return server.api.inject({
    method,
    url,
    headers: { ...headers },
    ...(payload === undefined ? {} : { payload }),
  });
}

const rec = (id: string) => publicId('record', id);

/** Works as the workflows of an operation, and of what follows from it, would. */
async function workOff(db = database.db): Promise<void> {
  const started: { tenantId: string; operationId: string }[] = [];
  const startRematch = (job: { tenantId: string; operationId: string }) => Promise.resolve(void started.push(job));
  const context = { db, engine: { startRematch } } as unknown as ActivityContext;
  for (const job of await unfinishedMerges(database.db, 0)) {
    if (job.tenantId === tenantId) while ((await mergeRecords(context, run, job)).kind === 'more');
  }
  for (const job of started) while ((await rematchHistory(context, run, job)).kind === 'more');
}

async function merged(from = ada, into = grace): Promise<string> {
  const answer = await ask('POST', `/v1/records/${rec(from)}/merge`, { into: rec(into) });
  expect(answer.statusCode).toBe(202);
  await workOff();
  return answer.json<{ mergeId: string }>().mergeId;
}

async function undone(mergeId: string): Promise<void> {
  expect((await ask('POST', `/v1/merges/${mergeId}/undo`)).statusCode).toBe(202);
  await workOff();
}

async function timelineOf(recordId: string): Promise<string[]> {
  const answer = await ask('GET', `/v1/records/${rec(recordId)}/timeline?limit=200`);
  return answer
    .json<{ items: { id: string }[] }>()
    .items.map(({ id }) => uuidOf('message', id) ?? '')
    .sort();
}

interface LinkRow {
  message_id: string;
  record_id: string;
  state: string;
  reasons: string[];
}

const allLinks = () =>
  rows<LinkRow>(
    `SELECT l.message_id, l.record_id, l.state, ARRAY(
       SELECT r.kind || ' ' || r.key FROM link_reason r WHERE r.link_id = l.id ORDER BY 1) AS reasons
     FROM link l WHERE l.state IN ('active', 'suppressed') ORDER BY 1, 2`,
  );

test('a merge moves addresses, links and what the other lacks; the old id says where it went', async () => {
  const [mine, theirs, both] = [
    await aMessage(database.db, mailbox, { from: 'ada@customer.example', subject: 'mine' }),
    await aMessage(database.db, mailbox, { from: 'grace@customer.example', subject: 'theirs' }),
    await aMessage(database.db, mailbox, { from: 'ada@customer.example', to: ['grace@customer.example'] }),
  ];
  const mergeId = await merged();
  expect(await timelineOf(grace)).toEqual([mine.id, theirs.id, both.id].sort());
  expect((await ask('GET', `/v1/records/${rec(grace)}`)).json()).toMatchObject({
    number: '7',
    addresses: [{ address: 'ada@customer.example' }, { address: 'grace@customer.example' }],
  });
  const old = await ask('GET', `/v1/records/${rec(ada)}`);
  expect(old.statusCode).toBe(301);
  expect(old.headers.location).toBe(`/v1/records/${rec(grace)}`);
  expect(old.json()).toEqual({ id: rec(ada), mergedInto: rec(grace) });
  const oldTimeline = await ask('GET', `/v1/records/${rec(ada)}/timeline?limit=2`);
  expect([oldTimeline.statusCode, oldTimeline.headers.location]).toEqual([
    301,
    `/v1/records/${rec(grace)}/timeline?limit=2`,
  ]);
  for (const below of ['activities', 'files']) {
    const moved = await ask('GET', `/v1/records/${rec(ada)}/${below}?limit=2`);
    expect([moved.statusCode, moved.headers.location]).toEqual([301, `/v1/records/${rec(grace)}/${below}?limit=2`]);
    expect(moved.json()).toEqual({ id: rec(ada), mergedInto: rec(grace) });
  }
  expect((await ask('PATCH', `/v1/records/${rec(ada)}`, { name: 'X' })).json()).toMatchObject({
    type: '/problems/record-merged',
  });
  const goneTo = `names a record that was merged into ${rec(grace)}.`;
  for (const list of ['messages', 'activities', 'activity-notes']) {
    const refused = await ask('GET', `/v1/${list}?recordId=${rec(ada)}`);
    expect(refused.json()).toMatchObject({ status: 400, errors: [{ in: 'query', field: 'recordId', reason: goneTo }] });
  }
  const linked = { messageId: publicId('message', mine.id), recordId: rec(ada) };
  const refusals = [
    await ask('POST', `/v1/messages/${linked.messageId}/links`, { recordId: rec(ada) }),
    await ask('POST', '/v1/links/bulk', { links: [linked] }),
    await ask('POST', '/v1/unassigned/assign', { recordId: rec(ada), messageIds: [linked.messageId] }),
    await ask('POST', `/v1/threads/${publicId('thread', mine.threadId)}/links`, { recordId: rec(ada) }),
  ];
  for (const refused of refusals) expect(refused.json()).toMatchObject({ status: 400, errors: [{ reason: goneTo }] });

  expect((await ask('GET', `/v1/merges/${mergeId}`)).json()).toMatchObject({ state: 'merged', recordId: rec(ada) });
  expect((await ask('GET', `/v1/records/${rec(grace)}/merges`)).json()).toMatchObject({ items: [{ id: mergeId }] });

  const later = await aMessage(database.db, mailbox, { from: 'ada@customer.example', subject: 'later' });
  expect(await timelineOf(grace)).toContain(later.id);
});

test('undone, both have what they had, and mail that came meanwhile goes to whose address it is', async () => {
  for (const subject of ['one', 'two', 'three']) {
    await aMessage(database.db, mailbox, { from: 'ada@customer.example', subject });
    await aMessage(database.db, mailbox, { from: 'grace@customer.example', subject });
  }
  await aMessage(database.db, mailbox, { from: 'ada@customer.example', cc: ['grace@customer.example'] });
  const before = await allLinks();
  const [adaBefore, graceBefore] = [await timelineOf(ada), await timelineOf(grace)];
  const mergeId = await merged();
  await undone(mergeId);
  expect(await allLinks()).toEqual(before);
  expect([await timelineOf(ada), await timelineOf(grace)]).toEqual([adaBefore, graceBefore]);
  expect((await ask('GET', `/v1/records/${rec(ada)}`)).json()).toMatchObject({ number: '7' });
  expect((await ask('GET', `/v1/records/${rec(grace)}`)).json()).toMatchObject({
    number: null,
    addresses: [{ address: 'grace@customer.example' }],
  });
  expect((await ask('POST', `/v1/merges/${mergeId}/undo`)).json()).toMatchObject({ type: '/problems/merge-state' });

  const second = await merged();
  const late = await aMessage(database.db, mailbox, { from: 'ada@customer.example', subject: 'meanwhile' });
  await undone(second);
  expect(await timelineOf(ada)).toContain(late.id);
  expect(await timelineOf(grace)).not.toContain(late.id);
});

test('what a person took away stays away, what a person linked stays; undone, each is as it was', async () => {
  const taken = await aMessage(database.db, mailbox, {
    from: 'ada@customer.example',
    to: ['grace@customer.example'],
    subject: 'taken from Ada',
  });
  const held = await aMessage(database.db, mailbox, { from: 'ada@customer.example', subject: 'taken, and held' });
  const byHand = await aMessage(database.db, mailbox, { from: 'nobody@else.example', subject: 'by hand' });
  await rows(`UPDATE link SET state = 'suppressed' WHERE record_id = $1 AND message_id = ANY ($2::uuid[])`, [
    ada,
    [taken.id, held.id],
  ]);
  for (const [recordId, messageId] of [
    [grace, held.id],
    [ada, byHand.id],
  ]) {
    await rows(
      `WITH l AS (INSERT INTO link (tenant_id, id, message_id, record_id) VALUES ($1, gen_random_uuid(), $2, $3) RETURNING id)
       INSERT INTO link_reason (tenant_id, link_id, kind, key, actor, record_version) SELECT $1, id, 'person', 'by-hand', 'usr_x', 1 FROM l`,
      [tenantId, messageId, recordId],
    );
  }
  const before = await allLinks();
  const mergeId = await merged();
  const stateAt = async (messageId: string) =>
    (await allLinks()).find((link) => link.message_id === messageId && link.record_id === grace)?.state;
  expect([await stateAt(taken.id), await stateAt(held.id), await stateAt(byHand.id)]).toEqual([
    'suppressed',
    'active',
    'active',
  ]);
  expect(await timelineOf(grace)).toEqual([held.id, byHand.id].sort());
  await undone(mergeId);
  expect(await allLinks()).toEqual(before);
});

test('two records that are a part of a third bring the same address; it stays until the second is taken out', async () => {
  const twin = await aRecord(database.db, tenantId, { name: 'Ada again', addresses: ['ada@customer.example'] });
  const message = await aMessage(database.db, mailbox, { from: 'ada@customer.example' });
  const [first, second] = [await merged(ada), await merged(twin)];
  await undone(first);
  expect(await timelineOf(grace)).toEqual([message.id]);
  expect(await timelineOf(ada)).toEqual([message.id]);
  await undone(second);
  expect(await timelineOf(grace)).toEqual([]);
  expect(await timelineOf(twin)).toEqual([message.id]);
});

test('the employees of a merged company work for the other, and its timeline has their mail', async () => {
  const [old, other] = [
    await aRecord(database.db, tenantId, { type: 'company', name: 'Old' }),
    await aRecord(database.db, tenantId, { type: 'company', name: 'Other' }),
  ];
  const employee = await aRecord(database.db, tenantId, {
    name: 'Employee',
    companyId: old,
    addresses: ['employee@customer.example'],
  });
  const message = await aMessage(database.db, mailbox, { from: 'employee@customer.example' });
  const mergeId = await merged(old, other);
  expect((await ask('GET', `/v1/records/${rec(employee)}`)).json()).toMatchObject({ companyId: rec(other) });
  expect(await timelineOf(other)).toEqual([message.id]);
  await undone(mergeId);
  expect((await ask('GET', `/v1/records/${rec(employee)}`)).json()).toMatchObject({ companyId: rec(old) });
  expect([await timelineOf(old), await timelineOf(other)]).toEqual([[message.id], []]);
});

test('lines of an upload may name the company by its old external id', async () => {
  const [old, other] = [
    await aRecord(database.db, tenantId, { type: 'company', name: 'Old', externalId: 'old' }),
    await aRecord(database.db, tenantId, { type: 'company', name: 'Other', externalId: 'other' }),
  ];
  await merged(old, other);
  const answer = await server.api.inject({
    method: 'POST',
    url: '/v1/records/bulk',
    headers: { ...key.headers, 'content-type': 'application/x-ndjson' },
    payload: JSON.stringify({ type: 'contact', externalId: 'c', name: 'C', companyExternalId: 'old' }),
  });
  expect(answer.json()).toMatchObject({ written: 1, refused: [] });
  expect((await ask('GET', '/v1/records?externalId=c')).json()).toMatchObject({ items: [{ companyId: rec(other) }] });
});

test('what was shown to few is not opened by a merge, and is for the same people when it is undone', async () => {
  const person = await aUser(database.db, tenantId);
  const userIds = [publicId('user', person.id)];
  await ask('PATCH', `/v1/records/${rec(ada)}`, { scope: { mode: 'restricted', userIds } });
  const mergeId = await merged();
  const scope = async (id: string) => (await ask('GET', `/v1/records/${rec(id)}`)).json<{ scope: object }>().scope;
  expect(await scope(grace)).toEqual({ mode: 'restricted', teamIds: [], userIds });
  await undone(mergeId);
  expect(await scope(grace)).toEqual({ mode: 'all' });
  expect(await scope(ada)).toEqual({ mode: 'restricted', teamIds: [], userIds });
});

test('undone, mail of a followed thread that came meanwhile is where the thread is', async () => {
  const first = await aMessage(database.db, mailbox, {
    from: 'x@else.example',
    to: ['y@else.example'],
    messageId: '<f1@else.example>',
  });
  const linkId = await database.db.inTenant(tenantId, async (sql) => {
    await lockTenantForWriting(sql, tenantId);
    const reader = { tenantId, userId: null, principal: -1, teams: [] };
    const begun = await beginThreadLink(
      sql,
      { reader, actor: 'usr_x', note: null },
      { threadId: first.threadId, recordId: ada, mode: 'follow' },
    );
    if (begun.kind !== 'begun') throw new Error(begun.kind);
    return begun.operationId;
  });
  while ((await linkChunk(database.db, { tenantId, operationId: linkId }, 10)).kind === 'more');
  const mergeId = await merged();
  const later = await aMessage(database.db, mailbox, {
    from: 'y@else.example',
    to: ['x@else.example'],
    references: ['<f1@else.example>'],
  });
  expect(await timelineOf(grace)).toEqual([first.id, later.id].sort());
  await undone(mergeId);
  expect([await timelineOf(ada), await timelineOf(grace)]).toEqual([[first.id, later.id].sort(), []]);
});

test('mail that everybody could read is closed by a merge with what was shown to few, from its commit on', async () => {
  const colleague = await aUser(database.db, tenantId);
  await aMessage(database.db, mailbox, { from: 'ada@customer.example' });
  await ask('PATCH', `/v1/records/${rec(grace)}`, { scope: { mode: 'restricted' } });
  const as = { ...key.headers, 'letterbook-user': publicId('user', colleague.id) };
  const seen = async () => (await ask('GET', '/v1/messages', undefined, as)).json<{ items: object[] }>().items.length;
  expect(await seen()).toBe(1);
  expect((await ask('POST', `/v1/records/${rec(ada)}/merge`, { into: rec(grace) })).statusCode).toBe(202);
  expect(await seen()).toBe(0);
  await workOff();
  expect(await seen()).toBe(0);
});

test('undone, what was shown to few is opened at no moment', async () => {
  const person = await aUser(database.db, tenantId);
  const colleague = await aUser(database.db, tenantId);
  const scope = { mode: 'restricted', userIds: [publicId('user', person.id)] };
  await ask('PATCH', `/v1/records/${rec(ada)}`, { scope });
  const [secret, open] = [
    await aMessage(database.db, mailbox, { from: 'ada@customer.example', subject: 'secret' }),
    await aMessage(database.db, mailbox, { from: 'grace@customer.example', subject: 'open' }),
  ];
  const as = { ...key.headers, 'letterbook-user': publicId('user', colleague.id) };
  const seen = async () =>
    (await ask('GET', '/v1/messages', undefined, as)).json<{ items: { id: string }[] }>().items.map(({ id }) => id);
  const mergeId = await merged();
  const late = await aMessage(database.db, mailbox, { from: 'ada@customer.example', subject: 'late' });
  expect(await seen()).toEqual([]);
  // Asked for, and not begun: the mail of the one still stands at the other.
  expect((await ask('POST', `/v1/merges/${mergeId}/undo`)).statusCode).toBe(202);
  expect(await seen()).toEqual([]);
  const [job] = await unfinishedMerges(database.db, 0);
  while (job !== undefined && (await mergeChunk(database.db, job, 1)).kind !== 'none') {
    expect(await seen()).not.toContain(publicId('message', secret.id));
    expect(await seen()).not.toContain(publicId('message', late.id));
  }
  await workOff();
  const context = { db: database.db } as unknown as ActivityContext;
  for (const left of await unfinishedRematches(database.db, 0)) {
    if (left.tenantId === tenantId) while ((await rematchHistory(context, run, left)).kind === 'more');
  }
  expect(await seen()).toEqual([publicId('message', open.id)]);
});

test('several records may become a part of one at a time; none while links of a person are being carried out', async () => {
  const twin = await aRecord(database.db, tenantId, { name: 'Twin', addresses: ['twin@customer.example'] });
  const messages = [
    await aMessage(database.db, mailbox, { from: 'ada@customer.example' }),
    await aMessage(database.db, mailbox, { from: 'twin@customer.example' }),
  ].map(({ id }) => id);
  const byHand = await aMessage(database.db, mailbox, { from: 'nobody@else.example' });
  const merge = (id: string, into: string) => ask('POST', `/v1/records/${rec(id)}/merge`, { into: rec(into) });
  const linkRef = await database.db.inTenant(tenantId, async (sql) => {
    await lockTenantForWriting(sql, tenantId);
    const pairs = [{ messageId: byHand.id, recordId: ada }];
    return beginMessageLinks(sql, tenantId, { does: 'link', actor: 'usr_x', pairs });
  });
  expect((await merge(ada, grace)).json()).toMatchObject({ type: '/problems/merge-running' });
  await linkChunk(database.db, { tenantId, operationId: linkRef.operationId }, 10);
  expect((await merge(ada, grace)).statusCode).toBe(202);
  expect((await merge(twin, grace)).statusCode).toBe(202);
  expect((await merge(grace, await aRecord(database.db, tenantId))).json()).toMatchObject({
    type: '/problems/merge-running',
  });
  await workOff();
  expect(await timelineOf(grace)).toEqual([...messages, byHand.id].sort());
});

test('killed after any transaction, it goes on to the same end', async () => {
  for (let n = 0; n < 3; n += 1) {
    await aMessage(database.db, mailbox, { from: 'ada@customer.example', subject: `number ${String(n)}` });
  }
  const whole = await timelineOf(ada);
  await ask('POST', `/v1/records/${rec(ada)}/merge`, { into: rec(grace) });
  let isDone = false;
  for (let lives = 1; !isDone; lives += 1) {
    expect(lives).toBeLessThan(20);
    let left = lives;
    const dying = {
      ...database.db,
      inTenant: <T>(tenant: string, work: Parameters<typeof database.db.inTenant<T>>[1]) => {
        left -= 1;
        return left < 0 ? Promise.reject(new Error('killed')) : database.db.inTenant(tenant, work);
      },
    };
    isDone = await workOff(dying).then(
      () => true,
      () => false,
    );
  }
  await workOff();
  expect(await timelineOf(grace)).toEqual(whole);
});

test('what cannot be merged, or undone, is refused with the reason', async () => {
  const lead = await aRecord(database.db, tenantId, { type: 'lead', name: 'Lead' });
  const merge = (id: string, into: string) => ask('POST', `/v1/records/${rec(id)}/merge`, { into: rec(into) });
  expect((await merge(ada, ada)).statusCode).toBe(400);
  expect((await merge(ada, lead)).json()).toMatchObject({ type: '/problems/types-differ' });
  const first = (await merge(ada, grace)).json<{ mergeId: string }>().mergeId;
  expect((await ask('POST', `/v1/merges/${first}/undo`)).json()).toMatchObject({ type: '/problems/merge-running' });
  await workOff();
  expect((await merge(ada, grace)).json()).toMatchObject({ type: '/problems/record-merged' });
  const third = await aRecord(database.db, tenantId, { name: 'Third' });
  await merged(grace, third);
  expect((await ask('POST', `/v1/merges/${first}/undo`)).json()).toMatchObject({ type: '/problems/record-gone' });
  expect((await ask('GET', `/v1/records/${rec(ada)}`)).headers.location).toBe(`/v1/records/${rec(third)}`);
});

test('the number and external id of a merged record are nobody else’s', async () => {
  await merged();
  const answer = await ask('POST', '/v1/records', { type: 'contact', name: 'New', number: '7' });
  expect(answer.json()).toMatchObject({ type: '/problems/number-taken' });
  expect((await ask('PATCH', `/v1/records/${rec(grace)}`, { name: 'Grace B' })).statusCode).toBe(200);
});

test('when the time is over the links that waited go, and nothing can be undone', async () => {
  await aMessage(database.db, mailbox, { from: 'ada@customer.example' });
  const mergeId = await merged();
  await rows(`UPDATE record_merge SET undo_until = now() - interval '1 second'`);
  await sweepMerges(database.db, tenantId);
  expect(await rows('SELECT FROM link WHERE record_id = $1', [ada])).toEqual([]);
  expect((await ask('POST', `/v1/merges/${mergeId}/undo`)).json()).toMatchObject({ type: '/problems/merge-final' });
  expect((await ask('GET', `/v1/records/${rec(ada)}`)).statusCode).toBe(301);
});

test('a link of a thread follows the record, and comes back', async () => {
  const message = await aMessage(database.db, mailbox, { from: 'nobody@else.example' });
  const linkId = '0192f0c1-0000-7000-8000-000000000001';
  await database.db.inTenant(tenantId, async (sql) => {
    await lockTenantForWriting(sql, tenantId);
    await sql.execute(
      `INSERT INTO thread_link (tenant_id, id, thread_id, record_id, mode, state, actor) VALUES ($1, $2, $3, $4, 'follow', 'active', 'usr_x')`,
      [tenantId, linkId, message.threadId, ada],
    );
  });
  const of = async () => (await rows<{ record_id: string }>('SELECT record_id FROM thread_link'))[0]?.record_id;
  const mergeId = await merged();
  expect(await of()).toBe(grace);
  await undone(mergeId);
  expect(await of()).toBe(ada);
});

test('the domains of a company go with it, and come back; one that both had stays with both', async () => {
  const source = await mailboxPolicy(database.db, tenantId, { companyDomains: 'link' });
  const company = (name: string, ...domains: string[]) =>
    aRecord(database.db, tenantId, { type: 'company', name, domains });
  const [one, two] = [await company('One', 'both.example', 'one.example'), await company('Two', 'both.example')];
  const { id } = await aMessage(database.db, source, { from: 'a@one.example' });
  const shared = await aMessage(database.db, source, { from: 'a@both.example' });
  const companiesOf = async (messageId: string) => {
    const found = await rows<{ record_id: string }>(
      `SELECT record_id FROM link l JOIN record r ON r.id = l.record_id AND r.deleted_at IS NULL
       WHERE message_id = $1 AND l.state = 'active' ORDER BY record_id`,
      [messageId],
    );
    return found.map((row) => row.record_id);
  };
  expect(await companiesOf(id)).toEqual([one]);
  const mergeId = await merged(one, two);
  expect([await companiesOf(id), await companiesOf(shared.id)]).toEqual([[two], [two]]);
  const later = await aMessage(database.db, source, { from: 'b@one.example' });
  expect(await companiesOf(later.id)).toEqual([two]);
  await undone(mergeId);
  expect([await companiesOf(id), await companiesOf(later.id)]).toEqual([[one], [one]]);
  expect(await companiesOf(shared.id)).toEqual([one, two].sort());
});

test('erasing a record erases what was merged into it, over two merges', async () => {
  const third = await aRecord(database.db, tenantId, { name: 'Third', addresses: ['third@customer.example'] });
  const message = await aMessage(database.db, mailbox, { from: 'ada@customer.example' });
  await merged(ada, grace);
  await merged(grace, third);
  const asked = await ask('DELETE', `/v1/records/${rec(third)}?erase=true&confirm=Third`);
  expect(asked.statusCode).toBe(202);
  const deletionId = uuidOf('deletion', asked.json<{ deletionId: string }>().deletionId) ?? '';
  const context = {
    db: database.db,
    limits: defaultLimits,
    erasures: { compare: () => Promise.resolve([]) },
  } as unknown as ActivityContext;
  let share = await deleteCascade(context, run, { tenantId, deletionId });
  while (share.kind === 'more') share = await deleteCascade(context, run, { tenantId, deletionId });
  expect(share.kind).toBe('done');
  for (const table of ['record', 'record_address', 'record_merge', 'link', 'link_reason']) {
    expect([table, await rows(`SELECT FROM ${table}`)]).toEqual([table, []]);
  }
  const unassigned = (await ask('GET', '/v1/messages?unassigned=true')).json<{ items: { id: string }[] }>();
  expect(unassigned.items.map(({ id }) => id)).toEqual([publicId('message', message.id)]);
});

describe('links that people made before a merge, undone after it', () => {
  const reader = () => ({ tenantId, userId: null, principal: -1 as const, teams: [] });

  async function worked(begin: Parameters<typeof database.db.inTenant<{ kind: string; operationId?: string }>>[1]) {
    const begun = await database.db.inTenant(tenantId, async (sql) => {
      await lockTenantForWriting(sql, tenantId);
      return begin(sql);
    });
    if (begun.operationId === undefined) throw new Error(begun.kind);
    const { operationId } = begun;
    while ((await linkChunk(database.db, { tenantId, operationId }, 1)).kind === 'more');
    return operationId;
  }

  const linked = (threadId: string, recordId: string, mode: 'follow' | 'snapshot' = 'snapshot') =>
    worked((sql) =>
      beginThreadLink(sql, { reader: reader(), actor: 'usr_x', note: null }, { threadId, recordId, mode }),
    );
  const taken = async (operationId: string) => {
    const answer = await ask('POST', `/v1/operations/${publicId('operation', operationId)}/undo`);
    const found = answer.json<{ operationId?: string }>().operationId;
    const undoId = uuidOf('operation', found ?? '');
    if (undoId !== null) while ((await linkChunk(database.db, { tenantId, operationId: undoId }, 1)).kind === 'more');
    return answer.statusCode;
  };
  const inThread = () => aMessage(database.db, mailbox, { from: 'x@else.example', to: ['y@else.example'] });

  test.each(['follow', 'snapshot'] as const)('go from the record that lives now (%s)', async (mode) => {
    const message = await inThread();
    const operationId = await linked(message.threadId, ada, mode);
    const mergeId = await merged();
    expect(await timelineOf(grace)).toEqual([message.id]);
    expect(await taken(operationId)).toBe(202);
    expect(await timelineOf(grace)).toEqual([]);
    await undone(mergeId);
    expect([await timelineOf(ada), await timelineOf(grace)]).toEqual([[], []]);
  });

  test('go through several merges, and leave what the other record was linked for itself', async () => {
    const [both, one] = [await inThread(), await aMessage(database.db, mailbox, { from: 'z@else.example' })];
    const third = await aRecord(database.db, tenantId, { name: 'Third' });
    await linked(both.threadId, third);
    const operations = [await linked(both.threadId, ada), await linked(one.threadId, ada)];
    await merged();
    await merged(grace, third);
    expect(await timelineOf(third)).toEqual([both.id, one.id].sort());
    for (const operationId of operations) expect(await taken(operationId)).toBe(202);
    expect(await timelineOf(third)).toEqual([both.id]);
  });

  test('come back where a thread was taken away', async () => {
    const message = await aMessage(database.db, mailbox, { from: 'ada@customer.example' });
    const [link] = await rows<{ id: string }>('SELECT id FROM link');
    const operationId = await worked((sql) =>
      beginThreadUnlink(
        sql,
        { reader: reader(), actor: 'usr_x', note: null },
        { threadId: message.threadId, linkId: link?.id ?? '' },
      ),
    );
    const mergeId = await merged();
    expect(await timelineOf(grace)).toEqual([]);
    expect(await taken(operationId)).toBe(202);
    expect(await timelineOf(grace)).toEqual([message.id]);
    await undone(mergeId);
    expect([await timelineOf(ada), await timelineOf(grace)]).toEqual([[message.id], []]);
  });

  test('stay where somebody has changed the link of the other record since', async () => {
    const message = await inThread();
    const operationId = await linked(message.threadId, ada);
    await merged();
    await linked(message.threadId, grace).catch(() => undefined);
    const [link] = await rows<{ id: string }>(`SELECT id FROM link WHERE record_id = $1`, [grace]);
    await worked((sql) =>
      beginThreadUnlink(
        sql,
        { reader: reader(), actor: 'usr_x', note: null },
        { threadId: message.threadId, linkId: link?.id ?? '' },
      ),
    );
    const before = await allLinks();
    expect(await taken(operationId)).toBe(202);
    expect(await allLinks()).toEqual(before);
  });

  test('wait while the records are being merged', async () => {
    const message = await inThread();
    const operationId = await linked(message.threadId, ada);
    await ask('POST', `/v1/records/${rec(ada)}/merge`, { into: rec(grace) });
    expect(await taken(operationId)).toBe(409);
  });
});
