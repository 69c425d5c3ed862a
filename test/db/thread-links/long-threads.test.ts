import type { Sql } from '../../../src/db/database';
import { lockTenantForWriting } from '../../../src/db/tenant-lock';
import { beginThreadLink, beginThreadUnlink, type LinkActor } from '../../../src/db/thread-links/begin';
import { linkChunk, type LinkStep } from '../../../src/db/thread-links/link-chunk';
import { linksOfThread } from '../../../src/db/thread-links/thread-links';
import { beginUndo } from '../../../src/db/thread-links/undo';
import type { Reader } from '../../../src/db/timeline-read';
import { createTestDatabase, type TestDatabase } from '../../support/database';
import { aLongThread } from '../../support/long-thread';
import { aMailbox, aMessage, aRecord, type TestMailbox } from '../../support/mail-rows';

/** More than is written down in one transaction. */
const long = 1_100;

let database: TestDatabase;
let mailbox: TestMailbox;
let recordId: string;
let who: LinkActor;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  mailbox = await aMailbox(database.db, await database.newTenant());
  recordId = await aRecord(database.db, mailbox.tenantId);
  const reader: Reader = { tenantId: mailbox.tenantId, userId: null, principal: -1 };
  who = { reader, actor: 'test', note: null };
});

const rows = <Row extends object>(text: string, values: unknown[] = []) =>
  database.db.inTenant(mailbox.tenantId, (sql) => sql.query<Row>(text, values));

/** Begins an operation; its id. */
async function begun(begin: (sql: Sql) => Promise<{ kind: string; operationId?: string; linkId?: string }>) {
  const answer = await database.db.inTenant(mailbox.tenantId, async (sql) => {
    await lockTenantForWriting(sql, mailbox.tenantId);
    return begin(sql);
  });
  expect(answer.kind).toBe('begun');
  return { operationId: answer.operationId ?? '', linkId: answer.linkId ?? '' };
}

/** One share in a transaction of its own. */
const share = (operationId: string) => linkChunk(database.db, { tenantId: mailbox.tenantId, operationId }, 400);

async function toTheEnd(operationId: string): Promise<LinkStep[]> {
  const steps: LinkStep[] = [];
  do steps.push(await share(operationId));
  while (steps.at(-1)?.kind === 'more');
  return steps;
}

const states = () =>
  rows<{ state: string; messages: number }>(
    'SELECT state, count(*) AS messages FROM link WHERE record_id = $1 GROUP BY state ORDER BY state',
    [recordId],
  );

const ofThread = { name: 'long', more: long };
const link = (threadId: string) => begun((sql) => beginThreadLink(sql, who, { threadId, recordId, mode: 'snapshot' }));

test('a snapshot has what was in the thread when it began, however long that takes to be written down', async () => {
  const threadId = await aLongThread(database.db, mailbox, ofThread);
  const { operationId } = await link(threadId);
  const staged = await rows('SELECT FROM link_change WHERE operation_id = $1', [operationId]);
  expect(staged.length).toBeLessThan(long);
  await aMessage(database.db, mailbox, { messageId: '<later@x>', references: ['<long@x>'] });
  const steps = await toTheEnd(operationId);
  expect(steps.at(-1)).toEqual({ kind: 'done', done: long + 1, total: long + 1 });
  expect(await states()).toEqual([{ state: 'active', messages: long + 1 }]);
  expect(await rows('SELECT FROM link_staging')).toEqual([]);
});

test('what a rule had linked anywhere in a long thread keeps all of it away', async () => {
  const threadId = await aLongThread(database.db, mailbox, ofThread);
  const { operationId: linking, linkId } = await link(threadId);
  await toTheEnd(linking);
  await rows(
    `INSERT INTO link_reason (tenant_id, link_id, kind, key, actor, record_version)
     SELECT l.tenant_id, l.id, 'address', 'from:x@y', 'rule', 1 FROM link l WHERE l.message_id = (
       SELECT c.message_id FROM link_change c WHERE c.operation_id = $1 ORDER BY c.message_id DESC LIMIT 1)`,
    [linking],
  );
  const { operationId } = await begun((sql) => beginThreadUnlink(sql, who, { threadId, linkId }));
  await toTheEnd(operationId);
  expect(await states()).toEqual([{ state: 'suppressed', messages: long + 1 }]);
});

test('undoing what was done to a long thread undoes all of it', async () => {
  const threadId = await aLongThread(database.db, mailbox, ofThread);
  const { operationId } = await link(threadId);
  await toTheEnd(operationId);
  const undo = await begun((sql) => beginUndo(sql, who, { operationId, keptMs: 60_000 }));
  await toTheEnd(undo.operationId);
  expect(await states()).toEqual([]);
});

test('a share that is killed leaves what the one before left', async () => {
  const threadId = await aLongThread(database.db, mailbox, ofThread);
  const { operationId } = await link(threadId);
  const killed = {
    ...database.db,
    inTenant: <T>(tenantId: string, work: (sql: Sql) => Promise<T>) =>
      database.db.inTenant<T>(tenantId, async (sql) => {
        await work(sql);
        throw new Error('killed');
      }),
  };
  for (const atShare of [0, 1, 2]) {
    const before = await rows('SELECT FROM link_change');
    await expect(linkChunk(killed, { tenantId: mailbox.tenantId, operationId }, 400)).rejects.toThrow('killed');
    expect(await rows('SELECT FROM link_change')).toHaveLength(before.length);
    if (atShare < 2) await share(operationId);
  }
  await toTheEnd(operationId);
  expect(await states()).toEqual([{ state: 'active', messages: long + 1 }]);
});

test('of a long thread the links of its newest messages are told, and that these are not all', async () => {
  const threadId = await aLongThread(database.db, mailbox, { ...ofThread, more: 10, recordId });
  const told = (newest: number) =>
    database.db.inTenant(mailbox.tenantId, (sql) => linksOfThread(sql, who.reader, { threadId, newest }));
  expect(await told(11)).toMatchObject({ isWhole: true, links: [{ recordId, messages: 10 }] });
  expect(await told(4)).toMatchObject({
    isWhole: false,
    links: [{ recordId, messages: expect.any(Number) as unknown }],
  });
  expect((await told(4)).links[0]?.messages).toBeLessThanOrEqual(4);
});
