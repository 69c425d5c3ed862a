import { createHmac, randomBytes } from 'node:crypto';

import { createByteBudget } from '../../src/activities/byte-budget';
import { connectorTurn, type ConnectorTurn } from '../../src/activities/connector-turn';
import { crmReachOf } from '../../src/activities/crm-reach';
import type { ActivityContext } from '../../src/activities/context';
import { connectorHabits, openDirectory } from '../../src/activities/open-directory';
import { mergeRecords } from '../../src/activities/merge-records';
import { rematchHistory } from '../../src/activities/rematch-history';
import { defaultLimits } from '../../src/config/limits';
import { askConnectorNow, insertConnector, readConnector, setConnectorState } from '../../src/db/connectors/connectors';
import { takeOver } from '../../src/db/connectors/take-over';
import { lockTenantForWriting } from '../../src/db/tenant-lock';
import { linkChunk } from '../../src/db/thread-links/link-chunk';
import { beginMessageLinks, changeMessageLink } from '../../src/db/thread-links/message-links';
import { createPostgresBlobStore } from '../../src/db/blobs/postgres-blob-store';
import { createSecretBox } from '../../src/db/secret-box';
import { publicId } from '../../src/domain/ids';
import { CrmServer, type CrmObject } from '../support/crm-server';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { aMailbox, aMessage, aUser, type TestMailbox } from '../support/mail-rows';
import { mailboxPolicy } from '../support/mailbox-policy';
import { askForDeletion, carryOut } from '../support/two-mailboxes';

let database: TestDatabase;
let crm: CrmServer;
let tenantId: string;
let connectorId: string;
let mailbox: TestMailbox;

const secretBox = createSecretBox([{ id: 'test', key: randomBytes(32) }]);

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

beforeEach(async () => {
  crm = await CrmServer.start();
  tenantId = await database.newTenant();
  mailbox = await aMailbox(database.db, tenantId, { visibility: 'subject' });
  connectorId = await aConnector();
});
afterEach(() => crm.close());

async function aConnector(settings: object = {}): Promise<string> {
  const { connector } = crm;
  const made = await database.db.inTenant(tenantId, (sql) =>
    insertConnector(sql, tenantId, {
      kind: 'http',
      name: connector.name,
      settings: { ...connector.settings, ...settings },
      secret: secretBox.seal(JSON.stringify(connector.secrets)),
      pushes: true,
    }),
  );
  return made.id;
}

interface JobRef {
  tenantId: string;
  operationId: string;
}

async function workThrough(job: JobRef): Promise<void> {
  while ((await rematchHistory(contextOf([]), run, job)).kind === 'more');
}

async function mergeThrough(job: JobRef): Promise<void> {
  while ((await mergeRecords(contextOf([]), run, job)).kind === 'more');
}

/** What a worker hands to the activity, as far as it is used; jobs over stored mail are done at once. */
function contextOf(allowedNetworks: string[]): ActivityContext {
  const reach = crmReachOf({ limits: { ...defaultLimits, crmTimeoutMs: 20_000 }, allowedNetworks });
  const context: Partial<ActivityContext> = {
    db: database.db,
    limits: defaultLimits,
    now: Date.now,
    openDirectory: (connector) => openDirectory({ secretBox, reach }, connector),
    connectorHabits,
    engine: { startRematch: workThrough, startMerge: mergeThrough } as Partial<
      ActivityContext['engine']
    > as ActivityContext['engine'],
  };
  return context as ActivityContext;
}

const run = { signal: new AbortController().signal, heartbeat: () => undefined };

/** A turn, as if the time for it had come. */
async function turn(allowedNetworks = ['127.0.0.0/8']): Promise<ConnectorTurn> {
  await database.db.inTenant(tenantId, (sql) => askConnectorNow(sql, tenantId, connectorId));
  return connectorTurn(contextOf(allowedNetworks), run, { tenantId, connectorId });
}

async function stored() {
  const connector = await database.db.inTenant(tenantId, (sql) => readConnector(sql, tenantId, connectorId));
  if (connector === null) throw new Error('no connector');
  return connector;
}

async function names(): Promise<string[]> {
  const rows = await database.db.inTenant(tenantId, (sql) =>
    sql.query<{ name: string }>(
      'SELECT name FROM record WHERE tenant_id = $1 AND connector = $2 AND deleted_at IS NULL ORDER BY name',
      [tenantId, connectorId],
    ),
  );
  return rows.map(({ name }) => name);
}

async function linksOf(messageId: string): Promise<string[]> {
  const rows = await database.db.inTenant(tenantId, (sql) =>
    sql.query<{ name: string }>(
      `SELECT r.name FROM link l JOIN record r ON r.tenant_id = $1 AND r.id = l.record_id AND r.deleted_at IS NULL
       WHERE l.tenant_id = $1 AND l.message_id = $2 AND l.state = 'active' ORDER BY 1`,
      [tenantId, messageId],
    ),
  );
  return rows.map(({ name }) => name);
}

const person = (id: string, name: string, more: Partial<CrmObject> = {}): CrmObject => ({
  id,
  kind: 'Person',
  name,
  ...more,
});
const reachedAt = (value: string) => ({ emails: [{ value }] });

describe('fetching', () => {
  test('all records come over pages, with their companies and addresses, and the mail that is there is linked', async () => {
    const message = await aMessage(database.db, mailbox, { from: 'anna@acme.example' });
    crm.change(
      { id: 'c1', kind: 'Organisation', name: 'Acme' },
      person('1', 'Anna', { company: 'c1', ...reachedAt('Anna@Acme.example') }),
    );
    crm.change(...['2', '3', '4', '5', '6'].map((id) => person(id, `Somebody ${id}`)));
    expect(await turn()).toMatchObject({ kind: 'worked', taken: 7 });
    expect(await names()).toHaveLength(7);
    expect(await linksOf(message.id)).toEqual(['Anna']);
    expect((await stored()).lastError).toBeNull();
  });

  test('the next turn asks for what changed since, and a field that is not sent stays', async () => {
    crm.change(person('1', 'Anna', reachedAt('anna@acme.example')));
    await turn();
    crm.change(person('1', 'Anna Beck'));
    await turn();
    expect(await names()).toEqual(['Anna Beck']);
    expect(crm.requests.at(-1)?.query['cursor']).toBe('1');
    const message = await aMessage(database.db, mailbox, { from: 'anna@acme.example' });
    expect(await linksOf(message.id)).toEqual(['Anna Beck']);
  });

  test('what is sent twice is taken over once', async () => {
    crm.sendsTwice = true;
    crm.change(...['1', '2', '3', '4', '5'].map((id) => person(id, `Somebody ${id}`)));
    await turn();
    await turn();
    expect(await names()).toHaveLength(5);
  });

  test('a record that the CRM has deleted is no longer here, and its mail is unassigned', async () => {
    crm.change(person('1', 'Anna', reachedAt('anna@acme.example')));
    await turn();
    const message = await aMessage(database.db, mailbox, { from: 'anna@acme.example' });
    expect(await linksOf(message.id)).toEqual(['Anna']);
    crm.change(person('1', 'Anna', { deleted: true }));
    await turn();
    expect(await names()).toEqual([]);
    expect(await linksOf(message.id)).toEqual([]);
  });

  test('of two records that the CRM has merged the mail is at the one that is left', async () => {
    crm.change(person('1', 'Anna', reachedAt('anna@acme.example')), person('2', 'Anna Beck'));
    await turn();
    const message = await aMessage(database.db, mailbox, { from: 'anna@acme.example' });
    crm.change(person('1', 'Anna', { mergedInto: '2' }), person('2', 'Anna Beck', reachedAt('anna@acme.example')));
    await turn();
    expect(await names()).toEqual(['Anna Beck']);
    expect(await linksOf(message.id)).toEqual(['Anna Beck']);
  });

  test('what a person linked to a record is at the one that it was merged with', async () => {
    crm.change(person('1', 'Anna'), person('2', 'Anna Beck'));
    await turn();
    const message = await aMessage(database.db, mailbox, { from: 'unknown@acme.example' });
    await database.db.inTenant(tenantId, async (sql) => {
      await lockTenantForWriting(sql, tenantId);
      const [record] = await sql.query<{ id: string }>(`SELECT id FROM record WHERE tenant_id = $1 AND name = 'Anna'`, [
        tenantId,
      ]);
      const pair = { messageId: message.id, recordId: record?.id ?? '' };
      await changeMessageLink(sql, tenantId, { does: 'link', actor: 'usr_1', pair });
    });
    expect(await linksOf(message.id)).toEqual(['Anna']);
    crm.change(person('1', 'Anna', { mergedInto: '2' }));
    await turn();
    expect(await linksOf(message.id)).toEqual(['Anna Beck']);
  });

  test('several records that were merged with one, over one another, and with one that is deleted then, all go their way', async () => {
    const addressed = (n: string) => person(n, `Anna ${n}`, reachedAt(`anna${n}@acme.example`));
    crm.change(...['1', '2', '3', '4', '5'].map(addressed));
    await turn();
    const messages: string[] = [];
    for (const n of ['1', '2', '3', '4']) {
      messages.push((await aMessage(database.db, mailbox, { from: `anna${n}@acme.example` })).id);
    }
    crm.pageSize = 10;
    // 1 and 2 by way of each other into 3, which is its own master; 4 into 5, which goes.
    crm.change(
      { ...addressed('1'), mergedInto: '2' },
      { ...addressed('2'), mergedInto: '3' },
      { ...addressed('3'), mergedInto: '3' },
      { ...addressed('4'), mergedInto: '5' },
      { ...addressed('5'), deleted: true },
    );
    expect(await turn()).toMatchObject({ kind: 'worked', code: null });
    expect(await names()).toEqual(['Anna 3']);
    const links = [];
    for (const message of messages) links.push(await linksOf(message));
    expect(links).toEqual([['Anna 3'], ['Anna 3'], ['Anna 3'], []]);
  });

  test('a page waits for a person’s link that is still being made, and the link goes where the record goes', async () => {
    crm.change(person('1', 'Anna'), person('2', 'Anna Beck'));
    await turn();
    const message = await aMessage(database.db, mailbox, { from: 'unknown@acme.example' });
    const operationId = await database.db.inTenant(tenantId, async (sql) => {
      await lockTenantForWriting(sql, tenantId);
      const [record] = await sql.query<{ id: string }>(`SELECT id FROM record WHERE tenant_id = $1 AND name = 'Anna'`, [
        tenantId,
      ]);
      const pairs = [{ messageId: message.id, recordId: record?.id ?? '' }];
      return (await beginMessageLinks(sql, tenantId, { does: 'link', actor: 'usr_1', pairs })).operationId;
    });
    crm.change(person('1', 'Anna', { mergedInto: '2' }));
    expect(await turn()).toMatchObject({ kind: 'worked', taken: 0, waitMs: 5_000 });
    expect(await names()).toEqual(['Anna', 'Anna Beck']);
    await linkChunk(database.db, { tenantId, operationId }, 10);
    await turn();
    expect([await names(), await linksOf(message.id)]).toEqual([['Anna Beck'], ['Anna Beck']]);
  });

  test('what cannot be a record is told, and keeps no other from coming', async () => {
    crm.change(
      { id: '1', kind: 'Robot', name: 'R2' },
      person('2', 'Anna', reachedAt('not an address')),
      person('3', 'Ben', { company: 'nobody' }),
      person('', 'Without an id'),
      person('4', 'Carl'),
    );
    await turn();
    expect(await names()).toEqual(['Anna', 'Ben', 'Carl']);
    const { refused, lastRefused } = await stored();
    expect(refused).toBe(4);
    expect(lastRefused.flatMap(({ reasons }) => reasons).sort()).toEqual([
      'no-address',
      'no-external-id',
      'no-such-company-external-id',
      'no-such-type',
    ]);
  });

  test('a page that somebody else has taken over meanwhile changes nothing', async () => {
    crm.change(person('1', 'Anna'));
    await turn();
    const ref = { tenantId, connectorId, version: (await stored()).version };
    const page = {
      changes: [{ kind: 'upsert' as const, record: { type: 'contact', externalId: '1', name: 'Older' } }],
      unreadable: [],
      cursor: '1',
      more: false,
    };
    expect(await takeOver(database.db, ref, { before: null, page, mergeUndoMs: 1 })).toEqual({ kind: 'overtaken' });
    expect(await names()).toEqual(['Anna']);
  });
});

describe('telling', () => {
  /** A record of the CRM and a message that is linked to it. */
  async function linked() {
    crm.change(person('1', 'Anna', reachedAt('anna@acme.example')));
    await turn();
    return aMessage(database.db, mailbox, { from: 'anna@acme.example', subject: 'The offer' });
  }

  test('the CRM hears of a link once, signed, with no more of the message than all who see the record may read', async () => {
    const message = await linked();
    expect(await turn()).toMatchObject({ told: 1 });
    expect(await turn()).toMatchObject({ told: 0 });
    const [item] = crm.tellings;
    expect(item).toMatchObject({
      kind: 'link',
      state: 'active',
      record: { externalId: '1', type: 'contact' },
      message: { id: `msg_${message.id.replaceAll('-', '')}`, subject: 'The offer' },
    });
    const push = crm.requests.find(({ method }) => method === 'POST');
    const [, moment = '', signature] =
      /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(push?.headers['letterbook-signature'])) ?? [];
    const expected = createHmac('sha256', crm.signingSecret)
      .update(`${moment}.${push?.body ?? ''}`)
      .digest('hex');
    expect(signature).toBe(expected);
  });

  test('of a private message the CRM hears that there is one', async () => {
    mailbox = await aMailbox(database.db, tenantId, { visibility: 'private' });
    await linked();
    await turn();
    expect(crm.tellings).toMatchObject([{ state: 'active', message: { subject: null, from: null } }]);
  });

  test('of a message that came by Bcc alone the CRM hears nothing', async () => {
    crm.change(person('1', 'Anna', reachedAt('anna@acme.example')));
    await turn();
    const { id } = await aMessage(database.db, mailbox, { from: 'a@else.example', bcc: ['anna@acme.example'] });
    expect(await linksOf(id)).toEqual(['Anna']);
    await turn();
    expect(crm.tellings).toMatchObject([{ state: 'removed', message: null }]);
  });

  test('an activity is told with its type and status, and again when a person changes it', async () => {
    const activity = { type: 'email', status: 'done', requireUser: false, requireSubject: false };
    mailbox = { ...mailbox, policy: { ...mailbox.policy, activity } };
    const message = await linked();
    await turn();
    const of = () => crm.tellings.filter(({ kind }) => kind === 'activity');
    expect(of()).toMatchObject([
      { state: 'active', activity: { type: 'email', status: 'done' }, records: [{ externalId: '1', type: 'contact' }] },
    ]);
    await database.db.inTenant(tenantId, (sql) =>
      sql.execute(`UPDATE activity SET status = 'open' WHERE tenant_id = $1 AND message_id = $2`, [
        tenantId,
        message.id,
      ]),
    );
    await turn();
    expect(of()).toMatchObject([{ activity: { status: 'done' } }, { activity: { status: 'open' } }]);
    expect(new Set(of().map(({ id }) => id)).size).toBe(1);
  });

  test('an activity whose mail is gone is told as the note that is left, and as removed when that goes too', async () => {
    const activity = { type: 'email', status: 'done', requireUser: false, requireSubject: false };
    const { id: owner } = await aUser(database.db, tenantId, { addresses: ['ben@us.example'] });
    mailbox = await mailboxPolicy(database.db, tenantId, { activity, activityOnDelete: 'note' }, owner);
    const message = await linked();
    await turn();
    const context: Partial<ActivityContext> = {
      ...contextOf([]),
      blobs: createPostgresBlobStore(database.db),
      budget: createByteBudget(1_000_000),
      erasures: { compare: () => Promise.resolve([]) },
    };
    const ref = { tenantId, mailboxId: mailbox.sourceId };
    const deletionId = await askForDeletion(context as ActivityContext, ref);
    await carryOut(context as ActivityContext, { ...ref, deletionId });
    await turn();
    const of = () =>
      crm.tellings.filter(({ kind }) => kind === 'activity') as unknown as { activity: { id: string } }[];
    const records = [{ externalId: '1', type: 'contact' }];
    const id = publicId('message', message.id);
    const told = { id: of()[0]?.activity.id, type: 'email', status: 'done' };
    expect(of()).toMatchObject([
      { id, state: 'active', activity: { ...told, messageId: id }, records },
      { id, state: 'noted', activity: { ...told, messageId: null }, records },
    ]);
    expect([...crm.told.values()].map(({ kind, state }) => [kind, state]).sort()).toEqual([
      ['activity', 'noted'],
      ['link', 'removed'],
    ]);
    expect(JSON.stringify(crm.tellings.slice(2))).not.toMatch(/offer|anna@/);

    const { id: heir } = await aUser(database.db, tenantId, { addresses: ['carl@us.example'] });
    const onNotes = (text: string, values: unknown[]) =>
      database.db.inTenant(tenantId, (sql) => sql.execute(text, [tenantId, ...values]));
    await onNotes('UPDATE activity_note SET owner_user_id = $2 WHERE tenant_id = $1', [heir]);
    await turn();
    expect(of().at(-1)).toMatchObject({ id, state: 'noted', activity: { ownerUserId: publicId('user', heir) } });
    await onNotes('DELETE FROM activity_note WHERE tenant_id = $1', []);
    await turn();
    expect(of().at(-1)).toMatchObject({ id, state: 'removed', activity: null, records: [] });
    expect(await turn()).toMatchObject({ told: 0 });
    const revisions = of().map((item) => (item as unknown as { revision: number }).revision);
    expect(revisions).toEqual([...new Set(revisions)].sort((one, other) => one - other));
    const left = await database.db.inTenant(tenantId, (sql) => sql.query('SELECT FROM connector_note'));
    expect(left).toEqual([]);
  });

  test('a link that ends is told under the same id', async () => {
    await linked();
    await turn();
    crm.change(person('1', 'Anna', { emails: [] }));
    await turn();
    await turn();
    expect(crm.tellings.map(({ state }) => state)).toEqual(['active', 'removed']);
    expect(new Set(crm.tellings.map(({ id }) => id)).size).toBe(1);
  });

  test('after a push that was taken and not answered, the same comes again and counts once', async () => {
    await linked();
    crm.misbehave((request) => {
      if (request.method !== 'POST') return null;
      for (const item of (JSON.parse(request.body) as { items: never[] }).items) crm.tellings.push(item);
      return 'hang up';
    });
    expect(await turn()).toMatchObject({ kind: 'failed', code: 'connection-failed' });
    expect(await turn()).toMatchObject({ kind: 'worked', told: 1 });
    expect(crm.tellings).toHaveLength(2);
    expect(crm.told.size).toBe(1);
  });

  test('what happens while the CRM is away is told when it is back, each link as it is then', async () => {
    await linked();
    crm.misbehave(() => ({ status: 502 }));
    expect(await turn()).toMatchObject({ kind: 'failed', code: 'server-error' });
    for (let n = 0; n < 4; n += 1)
      await aMessage(database.db, mailbox, { from: 'anna@acme.example', text: `No. ${String(n)}` });
    await turn();
    expect(crm.told.size).toBe(5);
    const revisions = crm.tellings.map(({ revision }) => revision);
    expect(revisions).toEqual([...revisions].sort((one, other) => one - other));
  });

  test('of records that are not the CRM’s it hears nothing', async () => {
    await turn();
    await database.db.inTenant(tenantId, (sql) =>
      sql.execute(`INSERT INTO record (tenant_id, id, type, name) VALUES ($1, gen_random_uuid(), 'contact', 'Own')`, [
        tenantId,
      ]),
    );
    await database.db.inTenant(tenantId, (sql) =>
      sql.execute(
        `INSERT INTO record_address (tenant_id, address_key, record_id, kind, address)
         SELECT $1, 'own@acme.example', id, 'business', 'own@acme.example' FROM record WHERE tenant_id = $1`,
        [tenantId],
      ),
    );
    await aMessage(database.db, mailbox, { from: 'own@acme.example' });
    expect(await turn()).toMatchObject({ told: 0 });
  });
});

describe('a CRM that is not well', () => {
  test('that limits its rate is left alone for as long as it says', async () => {
    crm.misbehave(() => ({ status: 429, headers: { 'retry-after': '120' } }));
    const failed = await turn();
    expect(failed).toMatchObject({ kind: 'failed', code: 'too-many-requests', waitMs: 120_000 });
    const asked = crm.requests.length;
    // Without being asked by a person.
    const again = await connectorTurn(contextOf(['127.0.0.0/8']), run, { tenantId, connectorId });
    expect(again).toMatchObject({ kind: 'failed', code: 'too-many-requests' });
    expect(crm.requests).toHaveLength(asked);
  });

  test.each([
    ['server-error', { status: 500 }],
    ['token-refused', { status: 401 }],
    ['redirected', { status: 302, headers: { location: 'http://169.254.169.254/' } }],
    ['answer-not-json', { status: 200, body: '<html>' }],
    ['answer-unexpected', { status: 200, body: '{"data": {}}' }],
    ['request-refused', { status: 404 }],
  ])('is said to be so: %s', async (code, fault) => {
    crm.misbehave(() => fault);
    expect(await turn()).toMatchObject({ kind: 'failed', code });
    const { lastError, failedTries, pullCursor } = await stored();
    expect(lastError).toMatchObject({ code, operation: 'pull' });
    expect(failedTries).toBe(1);
    expect(pullCursor).toBeNull();
    expect(await turn()).toMatchObject({ kind: 'worked' });
    expect((await stored()).failedTries).toBe(0);
  });

  test('and refuses what it is told is asked for its changes all the same', async () => {
    crm.change(person('1', 'Anna', reachedAt('anna@acme.example')));
    await turn();
    await aMessage(database.db, mailbox, { from: 'anna@acme.example' });
    crm.change(person('2', 'Ben'));
    crm.misbehave(() => ({ status: 422 }));
    expect(await turn()).toMatchObject({ kind: 'failed', code: 'request-refused', taken: 1 });
    expect(await names()).toEqual(['Anna', 'Ben']);
    expect((await stored()).lastError).toMatchObject({ code: 'request-refused', operation: 'push' });
    expect(await turn()).toMatchObject({ kind: 'worked', told: 1 });
    expect((await stored()).lastError).toBeNull();
  });

  test('fails more and more seldom, and goes on at its page', async () => {
    crm.change(...['1', '2', '3', '4', '5'].map((id) => person(id, `Somebody ${id}`)));
    crm.misbehave(
      () => null,
      () => 'hang up',
    );
    expect(await turn()).toMatchObject({ kind: 'failed', taken: 3 });
    expect((await stored()).pullCursor).toBe('3');
    await turn();
    expect(await names()).toHaveLength(5);
  });

  test('in our own network is not asked, unless that is allowed', async () => {
    expect(await turn([])).toMatchObject({ kind: 'failed', code: 'host-not-allowed' });
    expect(crm.requests).toHaveLength(0);
  });
});

test('a connector that is paused asks and tells nothing', async () => {
  await database.db.inTenant(tenantId, (sql) => setConnectorState(sql, tenantId, { id: connectorId, state: 'paused' }));
  expect(await turn()).toMatchObject({ kind: 'paused' });
  expect(crm.requests).toHaveLength(0);
});

test('a connector that is no more is said to be gone', async () => {
  await database.db.inTenant(tenantId, (sql) => sql.execute('DELETE FROM connector WHERE tenant_id = $1', [tenantId]));
  expect(await turn()).toMatchObject({ kind: 'gone' });
});
