import type { ActivityRun } from '../../src/activities/context';
import { housekeep } from '../../src/activities/housekeep';
import { replayFailures } from '../../src/activities/replay-failures';
import { noteJoined } from '../../src/db/header-only/joined-message';
import { newUuid } from '../../src/db/new-id';
import { insertFetch } from '../../src/db/replay/replay-select';
import { publicId } from '../../src/domain/ids';
import { brokenTenant } from '../../src/db/verify/tenant-checks';
import { issueKey, testApi } from '../support/api';
import { mail } from '../support/mail-factory';
import { aRecord, aUser } from '../support/mail-rows';
import { startScriptedServer, type ScriptedServer } from '../support/scripted-imap-server';
import { createSyncBench, type SyncBench, type TestMailbox } from '../support/sync-bench';
import { askForDeletion, carryOut as carryOutDeletion } from '../support/two-mailboxes';

/* Anna's mailbox takes mail whole; Ben's takes just the header of what is longer than 3,000 bytes. */

let bench: SyncBench;
const servers: ScriptedServer[] = [];

beforeAll(async () => {
  bench = await createSyncBench(0);
});
afterAll(async () => {
  await bench.close();
});
afterEach(async () => {
  await bench.context.connections.closeAll();
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

const run: ActivityRun = { signal: new AbortController().signal, runId: newUuid(), heartbeat: () => undefined };
const date = new Date('2026-01-02T02:00:00Z');

/** A long letter. `traces`: what a server adds on the way. Its parts have the same delimiter, whatever it says. */
function letter(
  says: string,
  { traces = 'anna', delimiter = 'drawn-by-chance-0815', subject = 'The plans', more = {} } = {},
): Buffer {
  const headers = {
    'MIME-Version': '1.0',
    'Content-Type': `multipart/mixed; boundary="${delimiter}"`,
    Received: `from mx by ${traces}.example`,
    'X-Trace': traces,
    ...more,
  };
  const text = `--${delimiter}\r\nContent-Type: text/plain\r\n\r\n${says} ${'line '.repeat(1_000)}\r\n`;
  return mail({ messageId: 'plans@customer.example', subject, date, headers, body: `${text}--${delimiter}--\r\n` });
}

async function connect(tenantId: string, raws: Buffer[], takes: 'whole' | 'header'): Promise<TestMailbox> {
  const messages = raws.map((raw, at) => ({ uid: at + 1, raw }));
  const server = await startScriptedServer({ folders: { INBOX: { uidValidity: '7', messages } } });
  servers.push(server);
  const policy = takes === 'header' ? { maxMessageBytes: 3_000 } : {};
  const mailbox = await bench.connect({ tenantId, port: server.port, user: newUuid(), withoutPerson: true, policy });
  await mailbox.syncAll();
  return mailbox;
}

const newTenant = () => bench.database.newTenant();
const rows = <Row extends object>(tenantId: string, text: string, values: unknown[] = []) =>
  bench.database.db.inTenant(tenantId, (sql) => sql.query<Row>(text, values));

/** Each message: what its text begins with, whether it is known by its header alone, and how many copies it has. */
const shown = async (tenantId: string) =>
  (
    await rows<{ line: string }>(
      tenantId,
      `SELECT concat_ws(' ', nullif(split_part(b.text, ' ', 1), ''), nullif(array_to_string(m.marks, ' '), ''), (SELECT count(*) FROM copy WHERE message_id = m.id)) AS line
       FROM message m JOIN message_body b ON b.message_id = m.id ORDER BY 1`,
    )
  ).map(({ line }) => line);

async function fetchWhole(mailbox: TestMailbox): Promise<unknown> {
  const { tenantId } = mailbox;
  const [row] = await mailbox.ledger();
  const task = { mode: 'for-good' as const, senderDomain: null, actor: 'key_1' };
  const operationId = await bench.database.db.inTenant(tenantId, (sql) =>
    insertFetch(sql, { tenantId, userId: null }, { messageId: row?.messageId ?? '', task }),
  );
  if (operationId === null) return null;
  while ((await replayFailures(bench.context, run, { tenantId, operationId })).kind === 'more');
  return (await rows(tenantId, 'SELECT outcome FROM replay_item WHERE operation_id = $1', [operationId]))[0];
}

const expectSound = async (tenantId: string) => expect(await brokenTenant(bench.database.db, tenantId)).toEqual([]);

test.each([
  ['the whole one first', ['whole', 'header']],
  ['its header first', ['header', 'whole']],
] as const)('mail that one mailbox has whole and another by its header is one message: %s', async (_what, order) => {
  const tenantId = await newTenant();
  await aRecord(bench.database.db, tenantId, { addresses: ['ada@customer.example'] });
  for (const takes of order) await connect(tenantId, [letter('whole', { traces: takes })], takes);
  await housekeep(bench.context, run);
  expect(await shown(tenantId)).toEqual(['whole 2']);
  expect(await rows(tenantId, `SELECT DISTINCT message_id FROM timeline`)).toHaveLength(1);
  expect(await rows(tenantId, `SELECT FROM link`)).toHaveLength(1);
  expect(
    await rows(tenantId, `SELECT ids ? 'joinedMessageId' AS told FROM outbox WHERE type = 'message.joined'`),
  ).toEqual([{ told: true }]);
  await expectSound(tenantId);
});

test('a batch that brings a header joins it at once, and so does one that brings large mail whole', async () => {
  const large = letter('whole '.repeat(220_000));
  const [tenantId, another] = [await newTenant(), await newTenant()];
  await connect(tenantId, [letter('whole')], 'whole');
  await connect(tenantId, [letter('whole')], 'header');
  expect(await shown(tenantId)).toEqual(['whole 2']);
  await connect(another, [large], 'header');
  await connect(another, [large], 'whole');
  expect(await shown(another)).toEqual(['whole 2']);
});

test('what a person linked stays linked where another took the link by rules away from the whole', async () => {
  const tenantId = await newTenant();
  const { db } = bench.database;
  const record = await aRecord(db, tenantId, { addresses: ['ada@customer.example'] });
  await connect(tenantId, [letter('whole')], 'header');
  const reason = (key: string) =>
    rows(
      tenantId,
      `INSERT INTO link_reason (tenant_id, link_id, kind, key, actor, record_version)
       SELECT $1, id, 'person', $2, 'usr_1', 1 FROM link ORDER BY message_id DESC LIMIT 1 RETURNING link_id`,
      [tenantId, key],
    );
  await reason('by-hand');
  await connect(tenantId, [letter('whole')], 'whole');
  const [taken] = await reason('taken-away');
  await rows(tenantId, `UPDATE link SET state = 'suppressed' WHERE id = $1 RETURNING 1`, [
    (taken as { link_id: string }).link_id,
  ]);
  await housekeep(bench.context, run);
  expect(await shown(tenantId)).toEqual(['whole 2']);
  expect(await rows(tenantId, 'SELECT record_id, state FROM link')).toEqual([{ record_id: record, state: 'active' }]);
  expect(await rows(tenantId, `SELECT FROM link_reason WHERE key = 'taken-away'`)).toEqual([]);
  await expectSound(tenantId);
});

test('what people did to the header alone is kept by the message: links, what they took away, and its status', async () => {
  const tenantId = await newTenant();
  const { db } = bench.database;
  const [byHand, refused] = [
    await aRecord(db, tenantId, { addresses: ['hand@elsewhere.example'] }),
    await aRecord(db, tenantId, { addresses: ['ada@customer.example'] }),
  ];
  const ben = await connect(tenantId, [letter('whole')], 'header');
  const [row] = await ben.ledger();
  await db.inTenant(tenantId, async (sql) => {
    await sql.execute(`UPDATE message SET status = 'closed' WHERE id = $1`, [row?.messageId]);
    await sql.execute(`UPDATE link SET state = 'suppressed' WHERE message_id = $1`, [row?.messageId]);
    const linkId = newUuid();
    await sql.execute(
      `INSERT INTO link (tenant_id, id, message_id, record_id, state) VALUES ($1, $2, $3, $4, 'active')`,
      [...[tenantId, linkId, row?.messageId, byHand]],
    );
    await sql.execute(
      `INSERT INTO link_reason (tenant_id, link_id, kind, key, actor, record_version) VALUES ($1, $2, 'person', 'by-hand', 'usr_1', 1)`,
      [tenantId, linkId],
    );
  });
  await connect(tenantId, [letter('whole')], 'whole');
  await housekeep(bench.context, run);
  expect(await rows(tenantId, 'SELECT status FROM message')).toEqual([{ status: 'closed' }]);
  expect(await rows(tenantId, 'SELECT record_id, state FROM link ORDER BY state')).toEqual([
    { record_id: byHand, state: 'active' },
    { record_id: refused, state: 'suppressed' },
  ]);
  await expectSound(tenantId);
});

test.each([
  ['another delimiter', { delimiter: 'drawn-by-chance-4711' }],
  ['a delimiter that anybody could name', { delimiter: 'b' }],
  ['another subject', { subject: 'Other plans' }],
])('a header with %s joins nothing: who sends one to themselves reads nobody else’s mail', async (_what, other) => {
  const tenantId = await newTenant();
  await connect(tenantId, [letter('whole', 'delimiter' in other && other.delimiter === 'b' ? other : {})], 'whole');
  await connect(tenantId, [letter('whole', other)], 'header');
  await housekeep(bench.context, run);
  expect(await shown(tenantId)).toEqual(['headers-only 1', 'whole 1']);
});

test('where two messages have the header, it joins neither until it is fetched whole', async () => {
  const tenantId = await newTenant();
  await connect(tenantId, [letter('one'), letter('two')], 'whole');
  const ben = await connect(tenantId, [letter('two', { traces: 'ben' })], 'header');
  expect(await shown(tenantId)).toEqual(['headers-only 1', 'one 1', 'two 1']);
  expect(await fetchWhole(ben)).toEqual({ outcome: 'recorded' });
  expect(await shown(tenantId)).toEqual(['one 1', 'two 2']);
  await expectSound(tenantId);
});

test('a header that was joined stands apart again where it is fetched whole and says something else', async () => {
  const tenantId = await newTenant();
  await connect(tenantId, [letter('one')], 'whole');
  const ben = await connect(tenantId, [letter('two', { traces: 'ben' })], 'header');
  expect(await shown(tenantId)).toEqual(['one 2']);
  expect(await fetchWhole(ben)).toEqual({ outcome: 'recorded' });
  expect(await shown(tenantId)).toEqual(['one 1', 'two 1']);
  await expectSound(tenantId);
});

test('one that is fetched whole and says the same stays, with its own bytes', async () => {
  const tenantId = await newTenant();
  await connect(tenantId, [letter('whole')], 'whole');
  const ben = await connect(tenantId, [letter('whole', { traces: 'ben' })], 'header');
  expect(await fetchWhole(ben)).toEqual({ outcome: 'recorded' });
  expect(await shown(tenantId)).toEqual(['whole 2']);
  expect(await rows(tenantId, `SELECT DISTINCT raw_state FROM copy`)).toEqual([{ raw_state: 'full' }]);
});

test('of two headers that are one, each fetched whole is shown, also where they differ', async () => {
  const tenantId = await newTenant();
  const anna = await connect(tenantId, [letter('one')], 'header');
  await connect(tenantId, [letter('two', { traces: 'ben' })], 'header');
  expect(await shown(tenantId)).toEqual(['headers-only 2']);
  await fetchWhole(anna); // all copies of the message
  expect(await shown(tenantId)).toEqual(['one 1', 'two 1']);
  await expectSound(tenantId);
});

test('a message without text is not taken for one of which only the header is known', async () => {
  const tenantId = await newTenant();
  const empty = mail({ messageId: 'plans@customer.example', subject: 'The plans', date, text: '' });
  const headers = { 'X-Long': Array.from({ length: 100 }, () => 'x'.repeat(60)) };
  await connect(tenantId, [empty], 'whole');
  await connect(
    tenantId,
    [mail({ messageId: 'plans@customer.example', subject: 'The plans', date, text: 'something', headers })],
    'header',
  );
  expect(await shown(tenantId)).toHaveLength(2);
});

async function deleteAll({ tenantId, mailboxId }: TestMailbox): Promise<void> {
  const ref = { tenantId, mailboxId };
  await carryOutDeletion(bench.context, { ...ref, deletionId: await askForDeletion(bench.context, ref) });
}

/** Subject, senders and whom answers go to of the messages. */
const told = (tenantId: string) =>
  rows(
    tenantId,
    `SELECT s.subject, m.participants -> 'from' AS from, m.participants -> 'replyTo' AS answers
     FROM message m JOIN message_subject s ON s.message_id = m.id`,
  );
const ada = { name: 'Ada Lovelace', address: 'ada@customer.example' };

test('when the mailbox that has it whole is deleted, what the other’s header says stays, and the whole is shown when it comes again', async () => {
  const tenantId = await newTenant();
  const ben = await connect(tenantId, [letter('whole', { traces: 'ben' })], 'header');
  const before = await told(tenantId);
  expect(before).toEqual([{ subject: 'The plans', from: [ada], answers: [] }]);
  const anna = await connect(tenantId, [letter('whole')], 'whole');
  await housekeep(bench.context, run);
  expect(await shown(tenantId)).toEqual(['whole 2']);
  await deleteAll(anna);
  expect(await shown(tenantId)).toEqual(['headers-only 1']);
  expect(await told(tenantId)).toEqual(before);
  await connect(tenantId, [letter('whole')], 'whole');
  expect(await shown(tenantId)).toContain('whole 1');
  await fetchWhole(ben);
  expect(await shown(tenantId)).toEqual(['whole 2']);
  await expectSound(tenantId);
});

test('of what a header says otherwise than the deleted copy nothing is told', async () => {
  const tenantId = await newTenant();
  await connect(tenantId, [letter('whole', { traces: 'ben' })], 'header');
  const more = { 'Reply-To': 'Secret Name <secret@customer.example>' };
  const anna = await connect(tenantId, [letter('whole', { more })], 'whole');
  await housekeep(bench.context, run);
  expect(await shown(tenantId)).toEqual(['whole 2']);
  await deleteAll(anna);
  expect(await told(tenantId)).toEqual([{ subject: '', from: [{ ...ada, name: '' }], answers: [] }]);
});

test('a message that two mailboxes know by its header alone is told as before when one is deleted', async () => {
  const tenantId = await newTenant();
  const anna = await connect(tenantId, [letter('whole')], 'header');
  await connect(tenantId, [letter('whole', { traces: 'ben' })], 'header');
  const before = await told(tenantId);
  await deleteAll(anna);
  expect(await shown(tenantId)).toEqual(['headers-only 1']);
  expect(await told(tenantId)).toEqual(before);
  await connect(tenantId, [letter('whole', { traces: 'anna again' })], 'whole');
  await housekeep(bench.context, run);
  expect(await shown(tenantId)).toEqual(['whole 2']);
});

test('the trail of the message says that it was known by its header alone', async () => {
  const tenantId = await newTenant();
  await connect(tenantId, [letter('whole')], 'whole');
  const ben = await connect(tenantId, [letter('whole')], 'header');
  const [row] = await ben.ledger();
  const { headers } = await issueKey(bench.database.db, tenantId);
  const url = `/v1/messages/${publicId('message', row?.messageId ?? '')}/trail`;
  const { items } = (await testApi(bench.database.db).api.inject({ url, headers })).json<{
    items: { event: string }[];
  }>();
  expect(items.map(({ event }) => event)).toContain('joined');
});

test('the id of a header that was joined leads to the message that it is, for those who may know of that one', async () => {
  const tenantId = await newTenant();
  const { db } = bench.database;
  const record = await aRecord(db, tenantId, { addresses: ['ada@customer.example'] });
  const ben = await connect(tenantId, [letter('whole', { traces: 'ben' })], 'header');
  const joined = publicId('message', (await ben.ledger())[0]?.messageId ?? '');
  const { headers } = await issueKey(db, tenantId);
  const { api } = testApi(db);
  const page = `/v1/records/${publicId('record', record)}/timeline`;
  await connect(tenantId, [letter('whole')], 'whole');
  await housekeep(bench.context, run);
  const into = publicId('message', (await ben.ledger())[0]?.messageId ?? '');
  expect(into).not.toBe(joined);
  for (const path of ['', '?html=true', '/links', '/trail', '/raw', '/attachments/1']) {
    const url = `/v1/messages/${joined}${path}`;
    const answer = await api.inject({ url, headers });
    expect([url, answer.statusCode, answer.json()]).toEqual([url, 301, { id: joined, joinedInto: into }]);
    expect(answer.headers.location).toBe(`/v1/messages/${into}${path}`);
  }
  expect((await api.inject({ url: page, headers })).json()).toMatchObject({ items: [{ id: into }] });
  const change = { url: `/v1/messages/${joined}`, headers, method: 'PATCH' as const, payload: { status: 'closed' } };
  expect((await api.inject(change)).json()).toMatchObject({
    status: 409,
    detail: expect.stringContaining(into) as unknown,
  });
  const link = { url: `/v1/messages/${joined}/links`, headers, payload: { recordId: publicId('record', record) } };
  expect((await api.inject({ ...link, method: 'POST' })).statusCode).toBe(409);
  const recordId = publicId('record', record);
  const many = { headers, method: 'POST' as const };
  for (const [url, payload, field] of [
    ['/v1/links/bulk', { links: [{ messageId: joined, recordId }] }, 'links[0].messageId'],
    ['/v1/unassigned/assign', { messageIds: [joined], recordId }, 'messageIds[0]'],
  ] as const) {
    expect((await api.inject({ ...many, url, payload })).json()).toMatchObject({
      status: 400,
      errors: [{ field, reason: `is ${into} now.`, remedy: 'Name that one.' }],
    });
  }
  const { id } = await aUser(db, tenantId, { addresses: ['stranger@own.example'] });
  const stranger = await issueKey(db, tenantId, { userId: id });
  await rows(tenantId, 'DELETE FROM timeline WHERE principal <> -1 RETURNING 1');
  expect((await api.inject({ url: `/v1/messages/${joined}`, headers: stranger.headers })).statusCode).toBe(404);
  const elsewhere = await issueKey(db, await newTenant());
  expect((await api.inject({ url: `/v1/messages/${joined}`, headers: elsewhere.headers })).statusCode).toBe(404);
});

test('over several joins an id leads to the last, and where that is deleted to nothing', async () => {
  const tenantId = await newTenant();
  const ben = await connect(tenantId, [letter('whole')], 'header');
  const [first, between] = [(await ben.ledger())[0]?.messageId ?? '', newUuid()];
  await bench.database.db.inTenant(tenantId, (sql) => noteJoined(sql, tenantId, { from: between, to: first }));
  const anna = await connect(tenantId, [letter('whole')], 'whole');
  await housekeep(bench.context, run);
  const last = (await ben.ledger())[0]?.messageId;
  expect(new Set([first, between, last]).size).toBe(3);
  const joins = () => rows(tenantId, 'SELECT joined_id, message_id FROM message_join ORDER BY joined_id = $1', [first]);
  expect(await joins()).toEqual([
    { joined_id: between, message_id: last },
    { joined_id: first, message_id: last },
  ]);
  for (const { mailboxId } of [anna, ben]) {
    const ref = { tenantId, mailboxId };
    await carryOutDeletion(bench.context, { ...ref, deletionId: await askForDeletion(bench.context, ref) });
  }
  expect(await joins()).toEqual([]);
});
