import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import pg from 'pg';

import { mergeRecords } from '../../src/activities/merge-records';
import type { ActivityContext, ActivityRun } from '../../src/activities/context';
import { rematchHistory } from '../../src/activities/rematch-history';
import type { Sql } from '../../src/db/database';
import { mendLinks } from '../../src/db/link-check';
import { rematchOfMailbox } from '../../src/db/own-domains';
import { keysOfOurs, withNumberedAddresses } from '../../src/db/record-numbers';
import { queueRematch } from '../../src/db/records-rematch';
import { runRematch } from '../../src/db/rematch-job';
import { lockTenantForWriting } from '../../src/db/tenant-lock';
import { linkChunk } from '../../src/db/thread-links/link-chunk';
import { beginMessageLinks } from '../../src/db/thread-links/message-links';
import { publicId, uuidOf } from '../../src/domain/ids';
import type { PartDescriptor } from '../../src/domain/message';
import { issueKey, testApi, type IssuedKey, type TestApi } from '../support/api';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { aMailbox, aMessage, aRecord, aUser, type MessageOptions, type TestMailbox } from '../support/mail-rows';
import { mailboxPolicy } from '../support/mailbox-policy';

// Mail to `1001.sales@us.example` belongs to the project 1001, whenever that number, or that address, becomes ours.

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
  mailbox = await aMailbox(database.db, tenantId, { address: 'sales@us.example', visibility: 'full' });
});

const inTenant = <T>(work: (sql: Sql) => Promise<T>) => database.db.inTenant(tenantId, work);

function ask(
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
  url: string,
  { payload, headers = {}, as = key }: { payload?: object; headers?: Record<string, string>; as?: IssuedKey } = {},
) {
  return server.api.inject({
    method,
    url,
    headers: { ...as.headers, ...headers },
    ...(payload === undefined ? {} : { payload }),
  });
}

const mail = (options: MessageOptions = {}, into = mailbox) =>
  aMessage(database.db, into, { from: 'stan@out.example', to: ['1001.sales@us.example'], ...options });

async function made(values: object): Promise<string> {
  const answer = await ask('POST', '/v1/records', { payload: { name: 'A project', ...values } });
  expect(answer.json()).toMatchObject({ operationId: null });
  return answer.json<{ id: string }>().id;
}
const project = (number: string | null = '1001', type = 'project') =>
  made({ type, ...(number === null ? {} : { number }) });

async function changed(id: string, payload: object): Promise<void> {
  expect((await ask('PATCH', `/v1/records/${id}`, { payload })).statusCode).toBe(200);
}

interface Link {
  linkId: string;
  recordId: string;
  state: string;
  reasons: { kind: string; key: string; words: string }[];
}
async function linksOf(message: { id: string }, language = 'en', as = key): Promise<Link[]> {
  const url = `/v1/messages/${publicId('message', message.id)}/links`;
  return (await ask('GET', url, { headers: { 'accept-language': language }, as })).json<{ items: Link[] }>().items;
}

/** `record kind key` of each reason. */
const reasonsOf = async (message: { id: string }) =>
  (await linksOf(message))
    .filter(({ state }) => state === 'active')
    .flatMap(({ recordId, reasons }) => reasons.map(({ kind, key: at }) => `${recordId} ${kind} ${at}`))
    .sort();

async function timelineOf(recordId: string, as = key): Promise<string[]> {
  const answer = await ask('GET', `/v1/records/${recordId}/timeline?limit=200`, { as });
  return answer.json<{ items: { id: string }[] }>().items.map(({ id }) => id);
}

test.each([
  ['en', '1001.sales@us.example stands in To; it begins with the number of the record in its version 1.'],
  [
    'de',
    'Die Adresse 1001.sales@us.example steht in To; sie beginnt mit der Nummer des Datensatzes in seiner Version 1.',
  ],
  ['nl', '1001.sales@us.example staat in To; het begint met het nummer van het record in versie 1.'],
  ['ro', '1001.sales@us.example apare în To; începe cu numărul înregistrării în versiunea 1.'],
])('a project made later has the mail that names its number, and says why in %s', async (language, words) => {
  const message = await mail();
  expect(await linksOf(message)).toEqual([]);
  const id = await project();
  const reason = expect.objectContaining({
    kind: 'rule',
    key: 'to:1001.sales@us.example',
    words,
    actor: 'rule',
  }) as unknown;
  expect(await linksOf(message, language)).toMatchObject([{ recordId: id, reasons: [reason] }]);
  expect(await timelineOf(id)).toEqual([publicId('message', message.id)]);
});

test('its company has the mail too, and its files and activities follow', async () => {
  const asking = await mailboxPolicy(database.db, tenantId, {
    activity: { type: 'email', status: 'done', requireUser: false, requireSubject: false },
  });
  const parts: PartDescriptor[] = [
    {
      ...{ n: 1, section: '1', contentType: 'application/pdf', charset: null, encoding: 'base64', contentId: null },
      ...{ disposition: 'attachment', filename: 'plan.pdf', offset: 0, length: 9, role: 'attachment', kept: true },
    },
  ];
  const early = await mail({ parts, subject: 'Early' }, asking);
  const companyId = await made({ type: 'company' });
  const id = await made({ type: 'opportunity', number: '1001', companyId });
  const late = await mail({ subject: 'Late' }, asking);
  const both = [early, late].map((message) => publicId('message', message.id)).sort();
  expect((await timelineOf(id)).sort()).toEqual(both);
  expect((await timelineOf(companyId)).sort()).toEqual(both);
  const files = await ask('GET', `/v1/records/${id}/files`);
  expect(files.json()).toMatchObject({ items: [{ filename: 'plan.pdf', messageId: publicId('message', early.id) }] });
  const activities = await ask('GET', `/v1/records/${id}/activities`);
  expect(activities.json()).toMatchObject({ items: [{ projectIds: [id] }, { projectIds: [id] }] });
  await changed(id, { number: '1002' });
  expect((await ask('GET', '/v1/activities')).json()).toMatchObject({
    items: [{ projectIds: [] }, { projectIds: [] }],
  });
});

test.each<[string, MessageOptions]>([
  ['in the subject or the text', { to: ['sales@us.example'], subject: '[1001] Offer', text: '1001.sales' }],
  ['before an address that is not ours', { to: ['1001.sales@them.example', '1001@us.example'] }],
  ['in a header that says who wrote', { from: '1001.sales@us.example', to: ['sales@us.example'] }],
  ['within another', { to: ['x1001.sales@us.example', '10011.sales@us.example'] }],
])('a number counts not %s', async (_where, options) => {
  await project();
  const message = await mail(options);
  await project('2001');
  expect(await linksOf(message)).toEqual([]);
});

test('tickets have no mail by their number, nor has the very address of a user', async () => {
  await aUser(database.db, tenantId, { addresses: ['1001.sales@us.example'] });
  await made({ type: 'ticket', number: '1001' });
  await project();
  expect(await linksOf(await mail())).toEqual([]);
});

test('each number of a message counts, in any case and with dots; a project goes before an opportunity', async () => {
  const message = await mail({ to: ['1001.sales@us.example'], cc: ['p.7-A.sales@us.example'] });
  const deal = await project('1001', 'opportunity');
  const other = await project('P.7-a');
  expect(await reasonsOf(message)).toEqual(
    [`${deal} rule to:1001.sales@us.example`, `${other} rule cc:p.7-a.sales@us.example`].sort(),
  );
  const first = await project();
  expect((await linksOf(message)).map(({ recordId }) => recordId).sort()).toEqual([first, other].sort());
});

test('the mail goes and comes with the number, and with the record', async () => {
  const message = await mail();
  const id = await project(null);
  const is = async (...expected: string[]) =>
    expect((await linksOf(message)).map(({ recordId }) => recordId)).toEqual(expected);
  await is();
  await changed(id, { number: '1001' });
  await is(id);
  await changed(id, { type: 'ticket' });
  await is();
  await changed(id, { type: 'opportunity' });
  await is(id);
  expect((await ask('DELETE', `/v1/records/${id}`)).statusCode).toBeLessThan(300);
  await is();
  expect((await ask('POST', `/v1/records/${id}/restore`)).statusCode).toBe(200);
  await is(id);
  await changed(id, { number: null });
  await is();
});

test('an upload of many is picked up like one', async () => {
  const message = await mail();
  const line = JSON.stringify({ type: 'project', name: 'Uploaded', externalId: 'p1', number: '1001' });
  const headers = { ...key.headers, 'content-type': 'application/x-ndjson' };
  await server.api.inject({ method: 'POST', url: '/v1/records/bulk', headers, payload: `${line}\n` });
  expect(await reasonsOf(message)).toEqual([expect.stringContaining('rule to:1001.sales@us.example')]);
});

test('a link that a person took away stays away, and other reasons stay when the number goes', async () => {
  const message = await mail({ cc: ['crew@out.example'] });
  const id = await made({ type: 'project', number: '1001', addresses: [{ address: 'crew@out.example' }] });
  await changed(id, { number: '1002' });
  expect(await reasonsOf(message)).toEqual([`${id} address cc:crew@out.example`]);
  await changed(id, { number: '1001', addresses: [] });
  expect(await reasonsOf(message)).toEqual([`${id} rule to:1001.sales@us.example`]);
  await inTenant(async (sql) => {
    await lockTenantForWriting(sql, tenantId);
    const pairs = [{ messageId: message.id, recordId: uuidOf('record', id) ?? '' }];
    const begun = await beginMessageLinks(sql, tenantId, { does: 'unlink', actor: 'usr_x', pairs });
    return begun.operationId;
  }).then(async (operationId) => {
    while ((await linkChunk(database.db, { tenantId, operationId }, 10)).kind === 'more');
  });
  await changed(id, { number: '1002' });
  await changed(id, { number: '1001' });
  expect(await reasonsOf(message)).toEqual([]);
  expect(await timelineOf(id)).toEqual([]);
});

test('what only Bcc or a delivery header says is told to those alone who hold such a copy', async () => {
  const id = await project();
  const theirs = await issueKey(database.db, tenantId, { userId: (await aUser(database.db, tenantId)).id });
  const message = await mail({ to: ['sales@us.example'], deliveredTo: ['1001.sales@us.example'] });
  expect(await reasonsOf(message)).toEqual([`${id} rule delivered-to:1001.sales@us.example`]);
  expect(await timelineOf(id, theirs)).toEqual([]);
  await mail({ subject: 'Open' });
  expect((await timelineOf(id, theirs)).length).toBe(1);
});

describe('our addresses', () => {
  test('of users count from when they are theirs, until they are not', async () => {
    const id = await project();
    const message = await mail({ to: ['1001.desk@us.example'] });
    const user = { name: 'Ann', role: 'member', addresses: ['desk@us.example'] };
    const added = (await ask('POST', '/v1/users', { payload: user })).json<{ id: string }>();
    expect(await reasonsOf(message)).toEqual([`${id} rule to:1001.desk@us.example`]);
    await ask('PATCH', `/v1/users/${added.id}`, { payload: { addresses: [] } });
    expect(await reasonsOf(message)).toEqual([]);
    await ask('PATCH', `/v1/users/${added.id}`, { payload: { addresses: ['desk@us.example'] } });
    expect((await reasonsOf(message)).length).toBe(1);
    expect((await ask('DELETE', `/v1/users/${added.id}`)).statusCode).toBeLessThan(300);
    expect(await reasonsOf(message)).toEqual([]);
  });

  test('of mailboxes count too', async () => {
    const id = await project();
    const message = await mail({ to: ['1001.help@us.example'] });
    await aMailbox(database.db, tenantId, { address: 'help@us.example' });
    const job = await inTenant((sql) => rematchOfMailbox(sql, tenantId, 'help@us.example'));
    if (job !== null) await runRematch(database.db, { tenantId, operationId: job.operationId });
    expect(await reasonsOf(message)).toEqual([`${id} rule to:1001.help@us.example`]);
  });

  test('cost nothing where nobody uses numbers', async () => {
    await made({ type: 'ticket', number: '1001' });
    await mail();
    expect(await inTenant((sql) => keysOfOurs(sql, tenantId, ['sales@us.example']))).toEqual([]);
    await project();
    expect(await inTenant((sql) => keysOfOurs(sql, tenantId, ['sales@us.example']))).toEqual(['1001.sales@us.example']);
  });

  test('that read as another with a number are looked at themselves', async () => {
    await project('ann');
    const keys = await inTenant((sql) => keysOfOurs(sql, tenantId, ['ann.sales@us.example', 'bob.sales@us.example']));
    expect(keys).toEqual(['ann.sales@us.example']);
  });
});

test('where too many addresses would have to be looked for, all mail is walked through, once', async () => {
  const messages = [
    await mail(),
    await mail({ to: ['2002.sales@us.example'] }),
    await mail({ to: ['a.b@out.example'] }),
  ];
  const keysOf = (most: number) =>
    inTenant((sql) =>
      withNumberedAddresses(sql, tenantId, { keys: ['number:1001', 'number:2002', 'a@out.example'], most }),
    );
  expect((await keysOf(2)).sort()).toEqual(['1001.sales@us.example', '2002.sales@us.example', 'a@out.example']);
  expect(await keysOf(1)).toEqual(['a@out.example', '@#sales@us.example']);
  const ids = [await aRecord(database.db, tenantId, { type: 'project', number: '1001' })];
  ids.push(await aRecord(database.db, tenantId, { type: 'project', number: '2002' }));
  const walk = async () => {
    const job = await inTenant((sql) => queueRematch(sql, tenantId, ['@#sales@us.example']));
    expect(job?.messages).toBe(3);
    await runRematch(database.db, { tenantId, operationId: job?.operationId ?? '' });
    return Promise.all(messages.map(async (message) => (await linksOf(message)).map(({ recordId }) => recordId)));
  };
  const [first = '', second = ''] = ids.map((id) => publicId('record', id));
  expect(await walk()).toEqual([[first], [second], []]);
  await inTenant((sql) => sql.execute(`UPDATE record SET number = NULL WHERE id = $1`, [ids[0]]));
  expect(await walk()).toEqual([[], [second], []]);
});

test('merged, both numbers lead to the one that is left; apart again, each to its own', async () => {
  const messages = [await mail(), await mail({ to: ['1002.sales@us.example'] })];
  const [first, second] = [await project(), await project('1002')];
  const linked = async () =>
    Promise.all(messages.map(async (message) => (await linksOf(message)).map(({ recordId }) => recordId)));
  expect(await linked()).toEqual([[first], [second]]);
  const answer = await ask('POST', `/v1/records/${first}/merge`, { payload: { into: second } });
  await workOff();
  messages.push(await mail({ subject: 'Later' }));
  expect(await linked()).toEqual([[second], [second], [second]]);
  await changed(second, { number: '1003' });
  expect(await linked()).toEqual([[second], [], [second]]);
  expect((await ask('DELETE', `/v1/records/${second}`)).statusCode).toBeLessThan(300);
  expect(await linked()).toEqual([[], [], []]);
  await ask('POST', `/v1/records/${second}/restore`);
  expect(await linked()).toEqual([[second], [], [second]]);
  await ask('POST', `/v1/merges/${answer.json<{ mergeId: string }>().mergeId}/undo`);
  await workOff();
  expect(await linked()).toEqual([[first], [], [first]]);
});

/** As the engine works off the merges of the tenant, and what follows from them. */
async function workOff(): Promise<void> {
  const run: ActivityRun = { signal: new AbortController().signal, heartbeat: () => undefined };
  const started: { tenantId: string; operationId: string }[] = [];
  const startRematch = (job: { tenantId: string; operationId: string }) => Promise.resolve(void started.push(job));
  const context = { db: database.db, engine: { startRematch } } as unknown as ActivityContext;
  const open = await inTenant((sql) =>
    sql.query<{ id: string }>(`SELECT id FROM operation WHERE kind LIKE 'merge%' AND state IN ('waiting', 'running')`),
  );
  for (const { id } of open) while ((await mergeRecords(context, run, { tenantId, operationId: id })).kind === 'more');
  for (const job of started) while ((await rematchHistory(context, run, job)).kind === 'more');
}

test('a message that lacks the link is found by the check, and mended', async () => {
  const message = await mail();
  const id = await project();
  const share = { tenantId, sourceId: mailbox.sourceId, after: null, limit: 10 };
  expect(await mendLinks(database.db, share)).toMatchObject({ mended: 0 });
  await inTenant(async (sql) => {
    await sql.execute('DELETE FROM link_reason');
    await sql.execute('DELETE FROM link');
    await sql.execute('DELETE FROM timeline WHERE record_id = $1', [uuidOf('record', id)]);
  });
  expect(await mendLinks(database.db, share)).toMatchObject({ mended: 1 });
  expect(await reasonsOf(message)).toEqual([`${id} rule to:1001.sales@us.example`]);
  expect(await timelineOf(id)).toEqual([publicId('message', message.id)]);
});

test('mail to numbers that was recorded before numbers linked it is matched again by the job that a migration leaves', async () => {
  const project = await aRecord(database.db, tenantId, { type: 'project', number: '7007' });
  const { id } = await aMessage(database.db, mailbox, { to: ['7007.sales@us.example'] });
  const file = join(__dirname, '../../prisma/migrations/20261123000047_numbered_mail_again.sql');
  const [, up = ''] = readFileSync(file, 'utf8').split(/-- migrate:(?:up|down)/);
  const owner = new pg.Client({ connectionString: database.ownerUrl });
  await owner.connect();
  await owner.query(up).finally(() => owner.end());
  const jobs = await database.db.inTenant(tenantId, (sql) =>
    sql.query<{ id: string }>(
      `SELECT id FROM operation WHERE tenant_id = $1 AND kind = 'rematch' AND state = 'waiting'`,
      [tenantId],
    ),
  );
  expect(jobs).toHaveLength(1);
  const ref = { tenantId, operationId: jobs[0]?.id ?? '' };
  while ((await runRematch(database.db, ref)) === 'more');
  const links = await database.db.inTenant(tenantId, (sql) =>
    sql.query<{ record_id: string }>('SELECT record_id FROM link WHERE tenant_id = $1 AND message_id = $2', [
      tenantId,
      id,
    ]),
  );
  expect(links).toEqual([{ record_id: project }]);
});
