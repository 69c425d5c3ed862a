import { insertConnector } from '../../../src/db/connectors/connectors';
import { forgetTold, nextNews } from '../../../src/db/connectors/news';
import { removeReasons } from '../../../src/db/link-write';
import { lockTenantForWriting } from '../../../src/db/tenant-lock';
import { changeMessageLink } from '../../../src/db/thread-links/message-links';
import { sayVisibility } from '../../../src/db/thread-visibility';
import { refreshTimelines } from '../../../src/db/timeline-write';
import { applyVisibility, queueVisibility, runVisibility } from '../../../src/db/visibility-job';
import { createTestDatabase, type TestDatabase } from '../../support/database';
import { aMailbox, aMessage, aRecord, aUser, type MessageOptions, type TestMailbox } from '../../support/mail-rows';

/*
 * A CRM is told of a link again when what it may know of it changes: whether more than Bcc says it, and how far everybody reads the message. A record
 * of a CRM, a mailbox that is open to all, and its owner.
 */

let database: TestDatabase;
let tenantId: string;
let connectorId: string;
let recordId: string;
let mailbox: TestMailbox;
let owner: Awaited<ReturnType<typeof aUser>>;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  tenantId = await database.newTenant();
  owner = await aUser(database.db, tenantId);
  mailbox = await aMailbox(database.db, tenantId, { visibility: 'full', ownerUserId: owner.id });
  recordId = await aRecord(database.db, tenantId, { addresses: ['ada@customer.example'] });
  const secret = { bytes: Buffer.from('sealed'), keyId: 'test' };
  const connector = { kind: 'http', name: 'CRM', settings: {}, secret, pushes: true };
  connectorId = (await locked((sql) => insertConnector(sql, tenantId, connector))).id;
  await rows(`UPDATE record SET connector = $1, external_id = '7' WHERE id = $2`, [connectorId, recordId]);
});

function locked<T>(work: Parameters<typeof database.db.inTenant<T>>[1]): Promise<T> {
  return database.db.inTenant(tenantId, async (sql) => {
    await lockTenantForWriting(sql, tenantId);
    return work(sql);
  });
}

const rows = <Row extends object>(text: string, values: unknown[] = []) =>
  locked((sql) => sql.query<Row>(text, values));

const letter = (options: MessageOptions = {}, into = mailbox) =>
  aMessage(database.db, into, { from: 'ada@customer.example', subject: 'The offer', ...options });

/** What the CRM is told of links since the last time; each as its state, sender and subject. */
async function told(): Promise<(string | null)[][]> {
  const { news, told: known } = await nextNews(database.db, { tenantId, connectorId, limit: 100 });
  await forgetTold(database.db, { tenantId, connectorId, told: known });
  return news.flatMap((one) =>
    one.kind === 'link' ? [[one.state, one.message?.from ?? null, one.message?.subject ?? null]] : [],
  );
}

const byBcc = { from: 'somebody@else.example', bcc: ['ada@customer.example'] };
const removed = ['removed', null, null];
const open = ['active', 'ada@customer.example', 'The offer'];
const ofBcc = ['active', 'somebody@else.example', 'The offer'];

/** Runs the job that a change wrote. */
async function done(job: { operationId: string } | null): Promise<void> {
  await runVisibility(database.db, { tenantId, operationId: job?.operationId ?? '' });
}

const say = (threadId: string, level: number | null) =>
  locked((sql) => {
    const said = { threadId, sourceIds: [mailbox.sourceId], level, actor: 'a person' };
    return sayVisibility(sql, { tenantId, userId: owner.id, principal: owner.principal }, said);
  });

describe.each(['full', 'private'] as const)('of mail in a mailbox that is %s', (visibility) => {
  beforeEach(async () => {
    mailbox = await aMailbox(database.db, tenantId, { visibility, ownerUserId: owner.id });
  });
  const seen = visibility === 'full' ? ofBcc : ['active', null, null];

  test('a link that only Bcc says is told when a person makes it too, and taken back with that', async () => {
    const { id } = await letter(byBcc);
    expect(await told()).toEqual([removed]);
    const pair = { messageId: id, recordId };
    await locked((sql) => changeMessageLink(sql, tenantId, { does: 'link', actor: 'usr_1', pair }));
    expect(await told()).toEqual([seen]);
    const reasons = await rows<{ linkId: string; kind: string; key: string }>(
      `SELECT link_id AS "linkId", kind, key FROM link_reason WHERE kind = 'person'`,
    );
    await locked(async (sql) => {
      await removeReasons(sql, tenantId, reasons);
      await refreshTimelines(sql, tenantId, [id]);
    });
    expect(await told()).toEqual([removed]);
  });
});

test('a copy that says openly what Bcc said is told, and one more reason is not', async () => {
  const message = { ...byBcc, messageId: '<both@else.example>' };
  const { id } = await letter(message);
  expect(await told()).toEqual([removed]);
  const open = { kind: 'address', key: 'to:ada@customer.example' };
  const add = ({ kind, key }: { kind: string; key: string }) =>
    rows(
      `INSERT INTO link_reason (tenant_id, link_id, kind, key, actor, record_version) SELECT tenant_id, id, $2, $3, 'rule', 1 FROM link WHERE message_id = $1`,
      [id, kind, key],
    );
  await add(open);
  expect(await told()).toHaveLength(1);
  await add({ kind: 'address', key: 'cc:ada@customer.example' });
  await add({ kind: 'address', key: 'delivered-to:ada@customer.example' });
  expect(await told()).toEqual([]);
  await rows(`DELETE FROM link_reason WHERE key = 'cc:ada@customer.example'`);
  expect(await told()).toEqual([]);
});

test('what is said of a thread is told, when it narrows and when it is taken back', async () => {
  const { threadId } = await letter();
  expect(await told()).toEqual([open]);
  await done(await say(threadId, 0));
  expect(await told()).toEqual([['active', null, null]]);
  await done(await say(threadId, null));
  expect(await told()).toEqual([open]);
});

test('before the job has told it anew, the CRM hears no more than those who ask', async () => {
  const { threadId } = await letter();
  await told();
  const job = await say(threadId, 0);
  await rows('UPDATE link SET state = state');
  expect(await told()).toEqual([['active', null, null]]);
  await done(job);
});

test('a visibility that is applied to the past is told', async () => {
  await letter();
  await told();
  await done(await locked((sql) => applyVisibility(sql, tenantId, { sourceId: mailbox.sourceId, level: 1 })));
  expect(await told()).toEqual([['active', 'ada@customer.example', null]]);
});

test('a record that not everybody may see any more is told without sender and subject', async () => {
  await letter();
  await told();
  await rows('UPDATE record SET restricted = true WHERE id = $1', [recordId]);
  const mail = { of: 'records' as const, recordIds: [recordId] };
  await done(await locked((sql) => queueVisibility(sql, tenantId, { mail, narrowedUserIds: [] })));
  expect(await told()).toEqual([['active', null, null]]);
});

test('a copy that others may read further is told, and one that nobody reads further is not', async () => {
  mailbox = await aMailbox(database.db, tenantId, { visibility: 'metadata', ownerUserId: owner.id });
  const message = { messageId: '<both@customer.example>' };
  await letter(message);
  expect(await told()).toEqual([['active', 'ada@customer.example', null]]);
  await letter(message, await aMailbox(database.db, tenantId, { visibility: 'private' }));
  expect(await told()).toEqual([]);
  await letter(message, await aMailbox(database.db, tenantId, { visibility: 'full' }));
  expect(await told()).toEqual([open]);
});

test('what changes nothing for everybody is not told again', async () => {
  await letter();
  await told();
  const mail = { of: 'source' as const, sourceId: mailbox.sourceId };
  await done(await locked((sql) => queueVisibility(sql, tenantId, { mail, narrowedUserIds: [owner.id] })));
  expect(await told()).toEqual([]);
});

test('and of another tenant’s links, or without a connector that is told of links, nothing is noted', async () => {
  await rows('UPDATE connector SET pushes = false');
  const { threadId } = await letter(byBcc);
  await done(await say(threadId, 0));
  expect(await rows('SELECT FROM connector_change')).toEqual([]);
});
