import type { ActivityContext, ActivityRun } from '../../src/activities/context';
import { rematchHistory } from '../../src/activities/rematch-history';
import { unfinishedRematches } from '../../src/db/records-rematch';
import { fillSearch } from '../../src/db/search-fill';
import { refreshTimelines } from '../../src/db/timeline-write';
import { visibilityChunk } from '../../src/db/visibility-job';
import { publicId, uuidOf } from '../../src/domain/ids';
import { issueKey, testApi, type IssuedKey, type TestApi } from '../support/api';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { aMailbox, aMessage, aRecord, aUser, type TestMailbox } from '../support/mail-rows';

/*
 * Who may read stored mail changes with the owner and members of a mailbox, and with the addresses of users. The change is made at once; the
 * timelines of much mail are told anew by a job, and until it has ended nobody reads what was taken away.
 */

const run: ActivityRun = { signal: new AbortController().signal, heartbeat: () => undefined };

let database: TestDatabase;
let server: TestApi;
let tenantId: string;
let key: IssuedKey;

beforeAll(async () => {
  database = await createTestDatabase();
  server = testApi(database.db, { rematchAtOnceMessages: 2 });
});
afterAll(async () => {
  await server.api.close();
  await database.drop();
});
beforeEach(async () => {
  tenantId = await database.newTenant();
  key = await issueKey(database.db, tenantId);
  server.engine.asked.length = 0;
});

interface Person {
  id: string;
  principal: number;
  headers: IssuedKey['headers'];
}

async function aPerson(addresses?: string[]): Promise<Person> {
  const user = await aUser(database.db, tenantId, addresses === undefined ? {} : { addresses });
  const { headers } = await issueKey(database.db, tenantId, { userId: user.id });
  return { ...user, headers };
}

async function fill(mailbox: TestMailbox, count: number, options: Parameters<typeof aMessage>[2] = {}) {
  const messages = [];
  for (let n = 0; n < count; n += 1) {
    messages.push(await aMessage(database.db, mailbox, { subject: `word ${String(n)}`, ...options }));
  }
  while ((await fillSearch(database.db, tenantId, 100)) > 0);
  return messages;
}

const ask = (method: 'GET' | 'PATCH', url: string, headers = key.headers, payload?: object) =>
  server.api.inject({ method, url, headers, ...(payload === undefined ? {} : { payload }) });

const change = (mailbox: TestMailbox, body: object) =>
  ask('PATCH', `/v1/mailboxes/${publicId('mailbox', mailbox.sourceId)}`, key.headers, body);

/** Ids of the messages that a person is shown by a list. */
async function shown(person: Person, url: string): Promise<string[]> {
  const answer = await ask('GET', url, person.headers);
  if (answer.statusCode !== 200) return [];
  return answer.json<{ items: { id: string }[] }>().items.map(({ id }) => id);
}

const everywhere = (message: { id: string; threadId: string }, recordId: string) => [
  '/v1/messages',
  '/v1/messages?query=word',
  `/v1/records/${publicId('record', recordId)}/timeline`,
  `/v1/threads/${publicId('thread', message.threadId)}`,
];

const inTenant = <Row extends object>(text: string, values: unknown[] = []) =>
  database.db.inTenant(tenantId, (sql) => sql.query<Row>(text, values));

/** The job of an answer, worked off as its workflow would. */
async function workOff(operationId: string): Promise<void> {
  const input = { tenantId, operationId: uuidOf('operation', operationId) ?? '' };
  while ((await rematchHistory({ db: database.db } as ActivityContext, run, input)).kind === 'more');
}

describe('the owner of a mailbox with much mail', () => {
  test('who loses it reads nothing of it from the answer on, anywhere; who gets it reads it when the job is done', async () => {
    const [before, after] = [await aPerson(), await aPerson()];
    const record = await aRecord(database.db, tenantId, { addresses: ['ada@customer.example'] });
    const mailbox = await aMailbox(database.db, tenantId, { ownerUserId: before.id });
    const [message = { id: '', threadId: '' }] = await fill(mailbox, 4);
    const url = `/v1/messages/${publicId('message', message.id)}`;
    for (const list of everywhere(message, record)) expect(await shown(before, list)).toContain(url.slice(13));

    const answer = await change(mailbox, { ownerUserId: publicId('user', after.id) });
    expect(answer.statusCode).toBe(202);
    const { operationId, ownerUserId } = answer.json<{ operationId: string; ownerUserId: string }>();
    expect(ownerUserId).toBe(publicId('user', after.id));
    const uuid = uuidOf('operation', operationId);
    expect(server.engine.asked).toEqual([{ what: 'startRematch', input: { tenantId, operationId: uuid } }]);
    expect((await ask('GET', `/v1/operations/${operationId}`)).json()).toMatchObject({
      kind: 'visibility',
      state: 'waiting',
      total: 4,
      mailboxId: publicId('mailbox', mailbox.sourceId),
    });
    for (const list of everywhere(message, record)) expect(await shown(before, list)).toEqual([]);
    expect((await ask('GET', url, before.headers)).statusCode).toBe(404);

    await workOff(operationId);
    expect((await ask('GET', `/v1/operations/${operationId}`)).json()).toMatchObject({ state: 'done', done: 4 });
    for (const list of everywhere(message, record)) {
      expect(await shown(before, list)).toEqual([]);
      expect(await shown(after, list)).toContain(url.slice(13));
    }
    expect(await inTenant('SELECT FROM timeline WHERE principal = $1', [before.principal])).toEqual([]);
    expect(await inTenant('SELECT FROM narrowed_reader')).toEqual([]);
  });

  test('what they read for another reason they go on reading meanwhile: a mailbox of theirs, an address, a copy', async () => {
    const person = await aPerson(['me@company.example']);
    const mailbox = await aMailbox(database.db, tenantId, { ownerUserId: person.id });
    const own = await aMailbox(database.db, tenantId, { memberUserIds: [person.id] });
    await fill(mailbox, 3);
    const [mine] = await fill(own, 1, { subject: 'mine' });
    const [addressed] = await fill(mailbox, 1, { subject: 'to me', cc: ['me@company.example'] });
    const [both] = await fill(mailbox, 1, { subject: 'both' });
    await fill(own, 1, { subject: 'both' });
    expect((await change(mailbox, { ownerUserId: null })).statusCode).toBe(202);
    const expected = [mine, addressed, both].map((message) => publicId('message', message?.id ?? ''));
    expect((await shown(person, '/v1/messages')).sort()).toEqual(expected.sort());
  });

  test('a record that only a hidden header explains is hidden with the copy that has it', async () => {
    const person = await aPerson();
    const record = await aRecord(database.db, tenantId, { addresses: ['hidden@customer.example'] });
    const mailbox = await aMailbox(database.db, tenantId, { ownerUserId: person.id });
    const own = await aMailbox(database.db, tenantId, { ownerUserId: person.id });
    const [message = { id: '', copyId: '' }] = await fill(mailbox, 3);
    await fill(own, 3);
    await database.db.inTenant(tenantId, async (sql) => {
      const values = [tenantId, message.copyId];
      await sql.execute(`INSERT INTO copy_address VALUES ($1, 'hidden@customer.example', $2, 'bcc')`, values);
      await sql.execute(
        `WITH l AS (INSERT INTO link (tenant_id, id, message_id, record_id) VALUES ($1, gen_random_uuid(), $2, $3) RETURNING id)
         INSERT INTO link_reason (tenant_id, link_id, kind, key, actor, record_version) SELECT $1, id, 'address', 'bcc:hidden@customer.example', 'rule', 1 FROM l`,
        [tenantId, message.id, record],
      );
      await refreshTimelines(sql, tenantId, [message.id]);
    });
    const timeline = `/v1/records/${publicId('record', record)}/timeline`;
    expect(await shown(person, timeline)).toEqual([publicId('message', message.id)]);
    const answer = await change(mailbox, { ownerUserId: null });
    expect(answer.statusCode).toBe(202);
    expect(await shown(person, timeline)).toEqual([]);
    expect(await shown(person, '/v1/messages')).toContain(publicId('message', message.id));
    await workOff(answer.json<{ operationId: string }>().operationId);
    expect(await shown(person, timeline)).toEqual([]);
    expect(await shown(person, '/v1/messages')).toContain(publicId('message', message.id));
  });

  test('a job whose worker dies after any chunk is found by the reconciler, and goes on', async () => {
    const [before, after] = [await aPerson(), await aPerson()];
    const mailbox = await aMailbox(database.db, tenantId, { ownerUserId: before.id });
    await fill(mailbox, 5);
    server.engine.down = true;
    const answer = await change(mailbox, { ownerUserId: null, memberUserIds: [publicId('user', after.id)] }).finally(
      () => (server.engine.down = false),
    );
    expect(answer.statusCode).toBe(202);
    const operationId = uuidOf('operation', answer.json<{ operationId: string }>().operationId) ?? '';
    const ref = { tenantId, operationId };
    expect(await unfinishedRematches(database.db, 0)).toContainEqual(ref);
    expect(await visibilityChunk(database.db, ref, 2)).toBe('more');
    expect(await inTenant('SELECT state, done FROM operation WHERE id = $1', [operationId])).toEqual([
      { state: 'running', done: 2 },
    ]);
    expect(await shown(before, '/v1/messages')).toEqual([]);
    const steps = [];
    for (let n = 0; n < 3; n += 1) steps.push(await visibilityChunk(database.db, ref, 2));
    expect(steps).toEqual(['more', 'done', 'none']);
    expect(await shown(after, '/v1/messages')).toHaveLength(5);
    expect(await unfinishedRematches(database.db, 0)).not.toContainEqual(ref);
  });

  test('little mail is told at once, and a change that leaves the readers as they are makes no job', async () => {
    const [before, after] = [await aPerson(), await aPerson()];
    const mailbox = await aMailbox(database.db, tenantId, { ownerUserId: before.id });
    await fill(mailbox, 2);
    const answer = await change(mailbox, { ownerUserId: publicId('user', after.id) });
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).not.toHaveProperty('operationId');
    expect(await shown(after, '/v1/messages')).toHaveLength(2);
    const jobs = () => inTenant(`SELECT state FROM operation WHERE kind = 'visibility'`);
    expect(await jobs()).toEqual([{ state: 'done' }]);
    await change(mailbox, { ownerUserId: publicId('user', after.id), displayName: 'Sales' });
    expect(await jobs()).toHaveLength(1);
  });
});

describe('an address of a user in much mail', () => {
  test('taken away it opens nothing from the answer on; given it opens the mail when the job is done', async () => {
    const [before, after] = [await aPerson(['shared@company.example']), await aPerson([])];
    await fill(await aMailbox(database.db, tenantId), 3, { cc: ['shared@company.example'] });
    expect(await shown(before, '/v1/messages')).toHaveLength(3);

    const url = (person: Person) => `/v1/users/${publicId('user', person.id)}`;
    const taken = await ask('PATCH', url(before), key.headers, { addresses: [] });
    expect(taken.statusCode).toBe(202);
    expect(await shown(before, '/v1/messages')).toEqual([]);
    await workOff(taken.json<{ operationId: string }>().operationId);
    expect(await inTenant('SELECT FROM timeline WHERE principal = $1', [before.principal])).toEqual([]);

    const given = await ask('PATCH', url(after), key.headers, { addresses: ['shared@company.example'] });
    expect(given.statusCode).toBe(202);
    expect(given.json()).toMatchObject({ addresses: ['shared@company.example'] });
    expect(await inTenant('SELECT FROM narrowed_reader')).toEqual([]);
    await workOff(given.json<{ operationId: string }>().operationId);
    expect(await shown(after, '/v1/messages')).toHaveLength(3);
  });

  test('a new user with an address that stands in much mail is told of the job in a header', async () => {
    await fill(await aMailbox(database.db, tenantId), 3, { cc: ['new@company.example'] });
    const made = await server.api.inject({
      method: 'POST',
      url: '/v1/users',
      headers: key.headers,
      payload: { name: 'New', addresses: ['new@company.example'] },
    });
    expect(made.statusCode).toBe(201);
    expect(made.headers['letterbook-operation']).toMatch(/^opn_/);
  });
});
