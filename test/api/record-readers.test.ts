import { newUuid } from '../../src/db/new-id';
import { nextPrincipal } from '../../src/db/principals';
import { queueRetelling } from '../../src/db/retelling';
import { queueVisibility, runVisibility, visibilityChunk } from '../../src/db/visibility-job';
import { lockTenantForWriting } from '../../src/db/tenant-lock';
import { publicId } from '../../src/domain/ids';
import { issueKey, testApi, type TestApi } from '../support/api';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { aMailbox, aMessage, aRecord, aUser, type MessageOptions, type TestMailbox } from '../support/mail-rows';

/*
 * Who reads the mail of a record: at its company and its intermediary, while its scope changes, and after something was said of a thread. A mailbox
 * that is open to all; what a colleague sees, they see through records.
 */

let database: TestDatabase;
let server: TestApi;
let tenantId: string;
let mailbox: TestMailbox;
let tenant: Record<string, string>;
let owner: Person;
let colleague: Person;

type Person = Awaited<ReturnType<typeof aUser>>;

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
  tenant = (await issueKey(database.db, tenantId)).headers;
  owner = await aUser(database.db, tenantId);
  colleague = await aUser(database.db, tenantId);
  mailbox = await aMailbox(database.db, tenantId, { visibility: 'full', ownerUserId: owner.id });
});

const as = (person: Person) => ({ ...tenant, 'letterbook-user': publicId('user', person.id) });

async function ask(method: 'GET' | 'POST' | 'PATCH', url: string, headers: Record<string, string>, payload?: object) {
  return server.api.inject({ method, url, headers, ...(payload === undefined ? {} : { payload }) });
}

/** The messages that a list shows; null where it answers 404. */
async function shown(url: string, headers: Record<string, string>): Promise<string[] | null> {
  const answer = await ask('GET', url, headers);
  if (answer.statusCode === 404) return null;
  return answer.json<{ items: { id: string }[] }>().items.map((item) => item.id);
}

const timelineOf = (recordId: string) => `/v1/records/${publicId('record', recordId)}/timeline`;

async function letter(options: MessageOptions = {}, into: TestMailbox = mailbox) {
  const { id, threadId } = await aMessage(database.db, into, { from: 'ada@customer.example', ...options });
  return { message: publicId('message', id), thread: publicId('thread', threadId), id, threadId };
}

/** Changes a record, and queues the job for its mail in the same transaction. */
function changeRecord(recordId: string, change: { restrictedTo?: number[]; set?: string }) {
  return database.db.inTenant(tenantId, async (sql) => {
    await lockTenantForWriting(sql, tenantId);
    if (change.set !== undefined) await sql.execute(`UPDATE record SET ${change.set} WHERE id = $1`, [recordId]);
    if (change.restrictedTo !== undefined) {
      await sql.execute('UPDATE record SET restricted = true WHERE id = $1', [recordId]);
      await sql.execute('DELETE FROM record_scope WHERE record_id = $1', [recordId]);
      await sql.execute(
        'INSERT INTO record_scope (tenant_id, record_id, principal) SELECT $1, $2, unnest($3::integer[])',
        [tenantId, recordId, change.restrictedTo],
      );
    }
    const job = await queueVisibility(sql, tenantId, {
      mail: { of: 'records', recordIds: [recordId] },
      narrowedUserIds: [],
    });
    return { tenantId, operationId: job?.operationId ?? '' };
  });
}

const rows = <Row extends object>(text: string, values: unknown[] = []) =>
  database.db.inTenant(tenantId, (sql) => sql.query<Row>(text, values));

test('a contact’s mail stands at its company and at its intermediary, until it has another', async () => {
  const company = await aRecord(database.db, tenantId, { type: 'company' });
  const broker = await aRecord(database.db, tenantId, { type: 'intermediary' });
  const contact = await aRecord(database.db, tenantId, {
    addresses: ['ada@customer.example'],
    companyId: company,
    intermediaryId: broker,
  });
  const { message } = await letter();
  for (const place of [contact, company, broker])
    expect(await shown(timelineOf(place), as(colleague))).toEqual([message]);
  const other = await aRecord(database.db, tenantId, { type: 'company' });
  await runVisibility(
    database.db,
    await changeRecord(contact, { set: `company_id = '${other}', intermediary_id = NULL` }),
  );
  expect(await shown(timelineOf(other), as(colleague))).toEqual([message]);
  for (const place of [company, broker]) expect(await shown(timelineOf(place), as(colleague))).toEqual([]);
});

test('two contacts of a company: their mail stands there once', async () => {
  const company = await aRecord(database.db, tenantId, { type: 'company' });
  await aRecord(database.db, tenantId, { addresses: ['ada@customer.example'], companyId: company });
  await aRecord(database.db, tenantId, { addresses: ['bob@customer.example'], companyId: company });
  const { message } = await letter({ cc: ['bob@customer.example'] });
  expect(await shown(timelineOf(company), as(colleague))).toEqual([message]);
});

describe('a record that becomes restricted', () => {
  test('is closed from the commit on: at itself, at its company and in all mail; those in its scope read on', async () => {
    const company = await aRecord(database.db, tenantId, { type: 'company' });
    const contact = await aRecord(database.db, tenantId, { addresses: ['ada@customer.example'], companyId: company });
    const inScope = await aUser(database.db, tenantId);
    const { message, thread } = await letter();
    const places = [timelineOf(company), '/v1/messages', '/v1/messages?query=subject', `/v1/threads/${thread}`];
    const job = await changeRecord(contact, { restrictedTo: [inScope.principal] });
    for (const when of ['before the job', 'after it']) {
      for (const url of places) expect([when, url, (await shown(url, as(colleague))) ?? []]).toEqual([when, url, []]);
      expect([when, await shown(timelineOf(contact), as(colleague))]).toEqual([when, null]);
      expect((await ask('GET', `/v1/messages/${message}`, as(colleague))).statusCode).toBe(404);
      expect([when, await shown('/v1/messages', as(owner))]).toEqual([when, [message]]);
      await runVisibility(database.db, job);
    }
    for (const url of [timelineOf(contact), timelineOf(company), '/v1/messages']) {
      expect([url, await shown(url, as(inScope))]).toEqual([url, [message]]);
    }
    expect(await rows('SELECT FROM narrowed_reader')).toEqual([]);
    expect(await rows('SELECT FROM timeline WHERE principal = 0')).toEqual([]);
  });

  test('whoever is taken out of its scope reads nothing of it from the commit on', async () => {
    const [before, after] = [await aUser(database.db, tenantId), await aUser(database.db, tenantId)];
    const contact = await aRecord(database.db, tenantId, { addresses: ['ada@customer.example'] });
    const { message } = await letter();
    await runVisibility(database.db, await changeRecord(contact, { restrictedTo: [before.principal] }));
    expect(await shown('/v1/messages', as(before))).toEqual([message]);
    const job = await changeRecord(contact, { restrictedTo: [after.principal] });
    expect(await shown('/v1/messages', as(before))).toEqual([]);
    await runVisibility(database.db, job);
    expect([await shown('/v1/messages', as(before)), await shown('/v1/messages', as(after))]).toEqual([[], [message]]);
  });

  test('is read by a team, and by nobody longer than they are in it, without any row being written', async () => {
    const principal = await database.db.inTenant(tenantId, async (sql) => {
      const number = await nextPrincipal(sql, tenantId);
      await sql.execute(`INSERT INTO team (tenant_id, id, principal, name) VALUES ($1, $2, $3, 'North')`, [
        tenantId,
        newUuid(),
        number,
      ]);
      return number;
    });
    const contact = await aRecord(database.db, tenantId, { addresses: ['ada@customer.example'] });
    const { message } = await letter();
    await runVisibility(database.db, await changeRecord(contact, { restrictedTo: [principal] }));
    expect(await shown(timelineOf(contact), as(colleague))).toBeNull();
    await rows('INSERT INTO team_member (tenant_id, team_id, user_id) SELECT tenant_id, id, $1 FROM team', [
      colleague.id,
    ]);
    expect(await shown(timelineOf(contact), as(colleague))).toEqual([message]);
    await rows('DELETE FROM team_member');
    expect(await shown(timelineOf(contact), as(colleague))).toBeNull();
    expect(await shown('/v1/messages', as(colleague))).toEqual([]);
  });

  test('is closed from the commit on also where a job that waits takes it too', async () => {
    const open = await aRecord(database.db, tenantId, { addresses: ['ada@customer.example'] });
    const closing = await aRecord(database.db, tenantId, { addresses: ['bea@customer.example'] });
    const { message } = await letter();
    await letter({ from: 'bea@customer.example' });
    const retell = (recordIds: string[], job: Awaited<ReturnType<typeof queueRetelling>>) =>
      database.db.inTenant(tenantId, async (sql) => {
        await lockTenantForWriting(sql, tenantId);
        await sql.execute('UPDATE record SET restricted = true WHERE id = ANY ($1::uuid[]) AND id <> $2', [
          recordIds,
          open,
        ]);
        return queueRetelling(sql, tenantId, { recordIds, job });
      });
    const waiting = await retell([open], null);
    const joined = await retell([closing], waiting);
    expect([joined?.operationId, joined?.messages]).toEqual([waiting?.operationId, 2]);
    expect(await shown('/v1/messages', as(colleague))).toEqual([message]);
    await runVisibility(database.db, { tenantId, operationId: joined?.operationId ?? '' });
    expect(await shown('/v1/messages', as(colleague))).toEqual([message]);
  });

  test('keeps its mail in chunks that go on where the one before ended', async () => {
    const contact = await aRecord(database.db, tenantId, { addresses: ['ada@customer.example'] });
    for (let n = 0; n < 5; n += 1) await letter({ subject: `Number ${String(n)}` });
    const job = await changeRecord(contact, { restrictedTo: [] });
    let chunks = 1;
    while ((await visibilityChunk(database.db, job, 2)) === 'more') chunks += 1;
    expect(chunks).toBe(3);
    expect(await rows('SELECT FROM timeline WHERE principal = 0')).toEqual([]);
    expect(await rows<{ done: number }>('SELECT done FROM operation WHERE id = $1', [job.operationId])).toEqual([
      { done: 5 },
    ]);
  });
});

test('a record that is deleted is a reason to read its mail for nobody, from the commit on', async () => {
  const contact = await aRecord(database.db, tenantId, { addresses: ['ada@customer.example'] });
  await aRecord(database.db, tenantId, { addresses: ['bea@customer.example'] });
  const { message } = await letter();
  const { message: other } = await letter({ from: 'bea@customer.example' });
  expect(await shown('/v1/messages', as(colleague))).toHaveLength(2);
  const job = await changeRecord(contact, { set: 'deleted_at = now()' });
  for (const when of ['before the job', 'after it']) {
    expect([when, await shown('/v1/messages', as(colleague))]).toEqual([when, [other]]);
    expect((await ask('GET', `/v1/messages/${message}`, as(colleague))).statusCode).toBe(404);
    await runVisibility(database.db, job);
  }
});

describe('what is said of a thread', () => {
  const say = (thread: string, who: Person, visibility: string | null) =>
    ask('PATCH', `/v1/threads/${thread}`, as(who), { visibility });

  test('closes and opens it at once, is shown, audited and taken back', async () => {
    await aRecord(database.db, tenantId, { addresses: ['ada@customer.example'] });
    const { message, thread, threadId } = await letter();
    expect((await say(thread, owner, 'private')).json()).toEqual({ id: thread, visibility: 'private' });
    expect(await shown('/v1/messages', as(colleague))).toEqual([]);
    expect((await ask('GET', `/v1/threads/${thread}`, as(owner))).json()).toMatchObject({ visibility: 'private' });
    expect((await say(thread, owner, 'subject')).statusCode).toBe(200);
    expect((await ask('GET', `/v1/messages/${message}`, as(colleague))).json()).toMatchObject({
      level: 'subject',
      text: null,
    });
    await say(thread, owner, null);
    expect((await ask('GET', `/v1/messages/${message}`, as(colleague))).json()).toMatchObject({ level: 'full' });
    const audits = await rows<{ ids: object }>(
      `SELECT ids FROM audit WHERE action = 'thread visibility said' ORDER BY at`,
    );
    expect(audits.map(({ ids }) => ids)).toMatchObject([
      { threadId: thread, visibility: 'private' },
      { visibility: 'subject' },
      {},
    ]);
    await say(thread, owner, null);
    const told = await rows<{ seq: number; ids: object }>(
      `SELECT seq, ids FROM outbox WHERE stream = $1 AND type = 'thread.visibility-changed' ORDER BY seq`,
      [tenantId],
    );
    expect(told).toEqual([1, 2, 3].map((seq) => ({ seq, ids: { threadId } })));
  });

  test('is not for those who hold no copy to say, nor for those who see nothing of it', async () => {
    const { thread } = await letter();
    expect((await say(thread, colleague, 'private')).statusCode).toBe(404);
    await aRecord(database.db, tenantId, { addresses: ['bea@customer.example'] });
    const { thread: open } = await letter({ from: 'bea@customer.example' });
    expect((await say(open, colleague, 'private')).statusCode).toBe(403);
  });

  test('with a stale ETag nothing is said', async () => {
    const { thread } = await letter();
    const etag = String((await ask('GET', `/v1/threads/${thread}`, as(owner))).headers.etag);
    await say(thread, owner, 'private');
    const stale = await server.api.inject({
      method: 'PATCH',
      url: `/v1/threads/${thread}`,
      headers: { ...as(owner), 'if-match': etag },
      payload: { visibility: 'full' },
    });
    expect(stale.statusCode).toBe(412);
  });

  test('opens no mail of another mailbox, and none of a stranger whose References claim the thread', async () => {
    const own = await aMailbox(database.db, tenantId, { visibility: 'private', ownerUserId: owner.id });
    const others = await aMailbox(database.db, tenantId, {
      visibility: 'private',
      ownerUserId: (await aUser(database.db, tenantId)).id,
    });
    for (const address of ['ada@customer.example', 'mallory@evil.example'])
      await aRecord(database.db, tenantId, { addresses: [address] });
    const root = await letter({ messageId: '<root@customer.example>', to: [owner.address] }, own);
    const elsewhere = await letter({ references: ['<root@customer.example>'], subject: 'to another' }, others);
    await say(root.thread, owner, 'full');
    const forged = await letter({ from: 'mallory@evil.example', references: ['<root@customer.example>'] }, own);
    const answer = await letter(
      { from: owner.address, to: ['ada@customer.example'], references: ['<root@customer.example>'] },
      own,
    );
    const reply = await letter({ references: ['<root@customer.example>'], subject: 'and back' }, own);
    expect(new Set([root.thread, elsewhere.thread, forged.thread, answer.thread, reply.thread]).size).toBe(1);
    const open = await shown('/v1/messages', as(colleague));
    expect(open?.sort()).toEqual([root.message, answer.message, reply.message].sort());
  });

  test('is told of its mail although the thread has become a part of another since the job was written', async () => {
    const { id, threadId } = await letter();
    const job = await database.db.inTenant(tenantId, (sql) =>
      queueVisibility(sql, tenantId, { mail: { of: 'thread', threadId }, narrowedUserIds: [] }),
    );
    const other = newUuid();
    await rows('INSERT INTO thread (tenant_id, id) VALUES ($1, $2)', [tenantId, other]);
    await rows('UPDATE message SET thread_id = $2 WHERE id = $1', [id, other]);
    await rows('UPDATE thread SET merged_into = $2 WHERE id = $1', [threadId, other]);
    await rows('DELETE FROM timeline WHERE message_id = $1', [id]);
    await runVisibility(database.db, { tenantId, operationId: job?.operationId ?? '' });
    expect(await rows('SELECT FROM timeline WHERE message_id = $1', [id])).not.toEqual([]);
  });

  test('is said of the thread that it becomes a part of', async () => {
    await aRecord(database.db, tenantId, { addresses: ['ada@customer.example'] });
    const first = await letter({ messageId: '<one@customer.example>' });
    const second = await letter({ messageId: '<two@customer.example>', subject: 'second' });
    await say(second.thread, owner, 'private');
    await letter({ references: ['<one@customer.example>', '<two@customer.example>'], subject: 'both' });
    expect(await shown('/v1/messages', as(colleague))).toEqual([]);
    expect(await shown(`/v1/threads/${first.thread}`, as(owner))).toHaveLength(3);
  });
});

test('a mailbox’s visibility is applied to the past by those who hold it, and audited', async () => {
  await aRecord(database.db, tenantId, { addresses: ['ada@customer.example'] });
  const { message } = await letter();
  const id = publicId('mailbox', mailbox.sourceId);
  await rows(`UPDATE source SET policy = policy || '{"visibility": "metadata"}' WHERE id = $1`, [mailbox.sourceId]);
  expect((await ask('GET', `/v1/messages/${message}`, as(colleague))).json()).toMatchObject({ level: 'full' });
  const admin = await aUser(database.db, tenantId, { role: 'admin' });
  expect((await ask('POST', `/v1/mailboxes/${id}/apply-visibility`, as(admin))).statusCode).toBe(403);
  expect((await ask('POST', `/v1/mailboxes/${id}/apply-visibility`, as(colleague))).statusCode).toBe(404);
  const applied = await ask('POST', `/v1/mailboxes/${id}/apply-visibility`, as(owner));
  expect([applied.statusCode, applied.json<{ state: string }>().state]).toEqual([202, 'done']);
  expect((await ask('GET', `/v1/messages/${message}`, as(colleague))).json()).toMatchObject({
    level: 'metadata',
    subject: null,
  });
  expect(await rows(`SELECT FROM audit WHERE action = 'visibility applied'`)).toHaveLength(1);
});

test('an admin breaks the glass for a reason, which is kept before anything is shown; nobody else can', async () => {
  const { message, id } = await letter({ text: 'The words' });
  const admin = await aUser(database.db, tenantId, { role: 'admin' });
  const url = `/v1/messages/${message}/break-glass`;
  const reason = 'A court has asked for it, case 4711.';
  const { headers: writing } = await issueKey(database.db, tenantId, { userId: admin.id, scopes: ['write'] });
  expect((await ask('POST', url, writing, { reason })).statusCode).toBe(403);
  expect((await ask('GET', `/v1/messages/${message}`, as(admin))).statusCode).toBe(404);
  expect((await ask('POST', url, as(colleague), { reason })).statusCode).toBe(403);
  expect((await ask('POST', url, as(admin), { reason: ' short ' })).statusCode).toBe(400);
  expect(
    (await ask('POST', `/v1/messages/${publicId('message', newUuid())}/break-glass`, as(admin), { reason })).statusCode,
  ).toBe(404);
  expect(await rows(`SELECT FROM audit WHERE action = 'glass broken'`)).toEqual([]);
  expect((await ask('POST', url, as(admin), { reason })).json()).toMatchObject({
    id: publicId('message', id),
    text: 'The words',
  });
  const kept = await rows<{ actor: string; ids: object }>(`SELECT actor, ids FROM audit WHERE action = 'glass broken'`);
  expect(kept).toEqual([{ actor: publicId('user', admin.id), ids: { messageId: message, reason } }]);
  expect((await ask('GET', `/v1/messages/${message}`, as(admin))).statusCode).toBe(404);
});
