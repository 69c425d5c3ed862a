import { reprocess } from '../../src/activities/reprocess';
import type { ActivityRun } from '../../src/activities/context';
import { hashOfAddress } from '../../src/db/erasures/erased-people';
import { newUuid } from '../../src/db/new-id';
import { insertReprocess } from '../../src/db/reprocess/ask';
import { brokenTenant } from '../../src/db/verify/tenant-checks';
import { letter } from '../support/older-parser';
import { startScriptedServer, type ScriptedServer } from '../support/scripted-imap-server';
import { createSyncBench, type SyncBench, type TestMailbox } from '../support/sync-bench';
import { askForDeletion, carryOut as carryOutDeletion } from '../support/two-mailboxes';

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

async function imported(raws: Buffer[], { tenantId }: Partial<TestMailbox> = {}): Promise<TestMailbox> {
  const messages = raws.map((raw, at) => ({ uid: at + 1, raw }));
  const server = await startScriptedServer({ folders: { INBOX: { uidValidity: '7', messages } } });
  servers.push(server);
  const mailbox = await bench.connect({
    port: server.port,
    user: newUuid(),
    withoutPerson: true,
    tenantId: tenantId ?? (await bench.database.newTenant()),
  });
  await mailbox.syncAll();
  return mailbox;
}

const rows = <Row extends object>({ tenantId }: TestMailbox, text: string, values: unknown[] = []) =>
  bench.database.db.inTenant(tenantId, (sql) => sql.query<Row>(text, values));

interface Found {
  fields: string[];
  outcome: string | null;
  reason: string | null;
}

interface Wanted {
  mailboxId?: string;
  parserVersionBelow?: number;
  mode?: 'for-good' | 'dry-run';
}

async function reprocessed({ tenantId }: TestMailbox, wanted: Wanted = {}) {
  const { mode = 'for-good', mailboxId = null, parserVersionBelow = null } = wanted;
  const scope = { mailboxId, parserVersionBelow, from: null, to: null };
  const operationId = await bench.database.db.inTenant(tenantId, (sql) =>
    insertReprocess(sql, tenantId, { scope, mode, actor: 'key_1' }),
  );
  let kind = 'more';
  while (kind === 'more') ({ kind } = await reprocess(bench.context, run, { tenantId, operationId }));
  expect(kind).toBe('done');
  return bench.database.db.inTenant(tenantId, async (sql) => ({
    found: await sql.query<Found>(
      'SELECT fields, outcome, reason FROM reprocess_difference WHERE operation_id = $1 ORDER BY copy_id',
      [operationId],
    ),
    operation: (
      await sql.query<{ done: number; total: number }>('SELECT done, total FROM operation WHERE id = $1', [operationId])
    )[0],
  }));
}

/** Messages by the first words of their Message-ID, the oldest first. */
const messagesOf = (mailbox: TestMailbox) =>
  rows<{ id: string; name: string; key: string; threadId: string; mergedInto: string | null }>(
    mailbox,
    `SELECT m.id, split_part(substr(m.message_id_header, 2), '@', 1) AS name, encode(m.message_key, 'hex') AS key,
       m.thread_id AS "threadId", t.merged_into AS "mergedInto" FROM message m JOIN thread t ON t.id = m.thread_id ORDER BY m.created_at, m.id`,
  );

async function named(mailbox: TestMailbox, name: string) {
  const message = (await messagesOf(mailbox)).find((one) => one.name === name);
  if (message === undefined) throw new Error('there is no such message');
  return message;
}

/** What an older parser did that took two messages for one. */
async function hide(mailbox: TestMailbox, gone: string, under: string): Promise<void> {
  await rows(mailbox, 'UPDATE copy SET message_id = $1 WHERE message_id = $2', [under, gone]);
  for (const table of ['timeline', 'message_search', 'message_subject', 'message_body', 'search_pending']) {
    await rows(mailbox, `DELETE FROM ${table} WHERE message_id = $1`, [gone]);
  }
  await rows(mailbox, 'DELETE FROM link_reason x USING link l WHERE l.id = x.link_id AND l.message_id = $1', [gone]);
  await rows(mailbox, 'DELETE FROM link WHERE message_id = $1', [gone]);
  await rows(mailbox, 'DELETE FROM message WHERE id = $1', [gone]);
}

const violations = async ({ tenantId }: TestMailbox) =>
  (await brokenTenant(bench.database.db, tenantId)).map(({ invariant }) => invariant);

async function deleteMailbox({ tenantId, mailboxId }: TestMailbox): Promise<void> {
  const ref = { tenantId, mailboxId };
  await carryOutDeletion(bench.context, { ...ref, deletionId: await askForDeletion(bench.context, ref) });
}

const answer = letter('other', { text: 'The second.', references: ['root@customer.example'] });

test('a message set apart stands in the conversation it refers to, and what it lay under in its own', async () => {
  const anna = await imported([letter('root'), letter('same', { text: 'The first.' })]);
  const ben = await imported([answer], anna);
  const [root, same, other] = [await named(anna, 'root'), await named(anna, 'same'), await named(anna, 'other')];
  await hide(anna, other.id, same.id);
  await reprocessed(anna);
  const now = Object.fromEntries((await messagesOf(anna)).map(({ name, threadId }) => [name, threadId]));
  expect(now).toEqual({ root: root.threadId, same: same.threadId, other: root.threadId });
  expect(await violations(anna)).toEqual([]);
  await deleteMailbox(anna);
  await deleteMailbox(ben);
  expect(await messagesOf(anna)).toEqual([]);
});

test('a copy that moves to a message that is there already joins nothing with what it lay under', async () => {
  const anna = await imported([letter('root'), letter('same', { text: 'The first.' }), answer]);
  const ben = await imported([answer], anna);
  const [same, other] = [await named(anna, 'same'), await named(anna, 'other')];
  await rows(anna, 'UPDATE copy SET message_id = $1 WHERE source_id = $2', [same.id, ben.mailboxId]);
  await reprocessed(anna);
  expect(await named(anna, 'same')).toEqual(same);
  expect(await named(anna, 'other')).toEqual(other);
  expect(await rows(anna, 'SELECT FROM copy WHERE message_id = $1', [other.id])).toHaveLength(2);
  expect(await violations(anna)).toEqual([]);
});

test('a message left in a conversation that became part of another is told, and reading it again mends it', async () => {
  const anna = await imported([letter('root'), answer]);
  const root = await named(anna, 'root');
  const alias = newUuid();
  await rows(anna, 'INSERT INTO thread (tenant_id, id, merged_into) VALUES ($1, $2, $3)', [
    anna.tenantId,
    alias,
    root.threadId,
  ]);
  await rows(anna, 'UPDATE message SET thread_id = $1 WHERE id = $2', [alias, (await named(anna, 'other')).id]);
  expect(await violations(anna)).toEqual(['thread-merged']);
  await reprocessed(anna);
  expect((await named(anna, 'other')).threadId).toBe(root.threadId);
  expect(await violations(anna)).toEqual([]);
});

const versions = async (mailbox: TestMailbox) =>
  (await rows<{ parser_version: number }>(mailbox, 'SELECT parser_version FROM copy')).map((row) => row.parser_version);

/** Two messages of two mailboxes, of which the older parser read the first as the second, and took them for one. */
async function misread({ oldest }: { oldest: 'first-mailbox' | 'second-mailbox' | 'one-mailbox' }) {
  const [one, two] = [letter('same', { text: 'The first.' }), letter('same', { text: 'The second.' })];
  const anna = await imported(oldest === 'one-mailbox' ? [one, two] : [one]);
  const ben = await imported(oldest === 'one-mailbox' ? [] : [two], anna);
  const list = await messagesOf(anna);
  const [first, second] = oldest === 'second-mailbox' ? [list[1]!, list[0]!] : [list[0]!, list[1]!];
  if (oldest === 'second-mailbox') {
    await rows(anna, `UPDATE copy SET recorded_at = recorded_at - interval '1 hour' WHERE message_id = $1`, [first.id]);
  }
  await hide(anna, second.id, first.id);
  await rows(anna, `UPDATE message SET message_key = decode($2, 'hex') WHERE id = $1`, [first.id, second.key]);
  await rows(anna, 'UPDATE copy SET parser_version = 0');
  return { anna, ben, keys: [first.key, second.key].sort(), first };
}

describe('mail that lay under mail that was misread', () => {
  const orders = ['first-mailbox', 'second-mailbox', 'one-mailbox'] as const;

  test.each(orders)('becomes a message of its own, told from its oldest copy in %s', async (oldest) => {
    const { anna, keys, first } = await misread({ oldest });
    const dry = await reprocessed(anna, { mode: 'dry-run' });
    expect(dry.found.length).toBeGreaterThan(0);
    const { found, operation } = await reprocessed(anna);
    expect(found.map(({ fields, outcome }) => ({ fields, outcome }))).toEqual([
      { fields: ['identity'], outcome: 'changed' },
      { fields: ['identity'], outcome: 'changed' },
    ]);
    expect(operation?.done).toBe(operation?.total);
    expect((await messagesOf(anna)).map(({ key }) => key).sort()).toEqual(keys);
    expect((await messagesOf(anna)).map(({ id }) => id)).toContain(first.id);
    expect(new Set(await versions(anna))).toEqual(new Set([bench.context.parserVersion]));
    expect((await reprocessed(anna)).found).toEqual([]);
  });

  test('is found where only the mailbox is read again that was misread', async () => {
    const { anna, keys } = await misread({ oldest: 'first-mailbox' });
    const { operation } = await reprocessed(anna, { mailboxId: anna.mailboxId });
    expect(operation?.done).toBe(operation?.total);
    expect((await messagesOf(anna)).map(({ key }) => key).sort()).toEqual(keys);
  });

  test('is found later where its own mailbox was read again first', async () => {
    const { anna, ben, keys } = await misread({ oldest: 'first-mailbox' });
    await reprocessed(anna, { mailboxId: ben.mailboxId });
    await reprocessed(anna, { parserVersionBelow: bench.context.parserVersion });
    expect((await messagesOf(anna)).map(({ key }) => key).sort()).toEqual(keys);
  });
});

test('mail that was misread gives up the identity of other mail also where its own is taken by now', async () => {
  const third = letter('same', { text: 'The third.' });
  const [meant] = await messagesOf(await imported([third]));
  const anna = await imported([letter('same', { text: 'The first.' })]);
  const misreadOne = await named(anna, 'same');
  await rows(anna, `UPDATE message SET message_key = decode($1, 'hex')`, [meant?.key]);
  await imported([letter('same', { text: 'The first.', headers: { 'X-Way': 'another' } })], anna);
  expect((await messagesOf(anna)).map(({ key }) => key)).toEqual([meant?.key, misreadOne.key]);
  expect((await reprocessed(anna)).found).toEqual([{ fields: ['identity'], outcome: 'changed', reason: null }]);
  expect((await reprocessed(anna)).found).toEqual([]);
  await imported([third], anna);
  const keys = (await messagesOf(anna)).map(({ key }) => key);
  expect(new Set(keys).size).toBe(3);
  expect(keys.slice(1)).toEqual([misreadOne.key, meant?.key]);
});

test('mail of a person who was erased that lay hidden under other mail is erased, and the other stays', async () => {
  const hidden = letter('other', { cc: 'Grace <grace@customer.example>' });
  const anna = await imported([letter('same')]);
  const ben = await imported([hidden], anna);
  const [same, other] = [await named(anna, 'same'), await named(anna, 'other')];
  await rows(anna, `DELETE FROM copy_address WHERE role = 'cc'`);
  await hide(anna, other.id, same.id);
  await eraseGrace(anna, new Date());
  expect((await reprocessed(anna)).found).toEqual([expect.objectContaining({ outcome: 'gone', reason: 'erased' })]);
  expect((await messagesOf(anna)).map(({ name, id }) => [name, id])).toEqual([['same', same.id]]);
  expect(await rows(anna, 'SELECT source_id FROM copy')).toEqual([{ source_id: anna.mailboxId }]);
  expect(await rows(anna, 'SELECT outcome, reason FROM placement WHERE source_id = $1', [ben.mailboxId])).toEqual([
    { outcome: 3, reason: 'erased' },
  ]);
  expect(await rows(anna, `SELECT stream FROM outbox WHERE type = 'message.removed'`)).toEqual([
    { stream: ben.mailboxId },
  ]);
  expect(await violations(anna)).toEqual([]);
});

const eraseGrace = ({ tenantId }: TestMailbox, at: Date) =>
  bench.database.db.inTenant(tenantId, (sql) =>
    sql.execute(
      `INSERT INTO erasure (tenant_id, id, kind, address_hashes, actor, at) VALUES ($1, $2, 'person', ARRAY[$3], 'system', $4)`,
      [
        tenantId,
        newUuid(),
        hashOfAddress('grace@customer.example', (text) => bench.context.secretBox.fingerprintsOf(text)),
        at,
      ],
    ),
  );

test.each([
  ['before an erasure is erased although its date is later', '2025-12-31', 0],
  ['after an erasure, with a later date, stays', '2026-01-03', 1],
])('mail with an erased person that came %s', async (_, here, left) => {
  const anna = await imported([letter('people', { cc: 'Grace <grace@customer.example>' })]);
  await rows(anna, `DELETE FROM copy_address WHERE role = 'cc'`);
  await rows(anna, 'UPDATE message SET created_at = $1::timestamptz', [here]);
  await eraseGrace(anna, new Date('2026-01-01T00:00:00Z'));
  await reprocessed(anna);
  expect(await messagesOf(anna)).toHaveLength(left);
});
