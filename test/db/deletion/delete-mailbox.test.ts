import { newUuid } from '../../../src/db/new-id';
import { createByteBudget } from '../../../src/activities/byte-budget';
import type { ActivityContext } from '../../../src/activities/context';
import { defaultLimits } from '../../../src/config/limits';
import { createPostgresBlobStore } from '../../../src/db/blobs/postgres-blob-store';
import { nextContent } from '../../../src/db/deletion/content-chunk';
import { readCatalogue } from '../../../src/db/deletion/catalogue';
import { askForTenant } from '../../../src/db/deletion/cascade/ask';
import { deleteContent } from '../../../src/db/deletion/delete-content';
import { besideTables, contentTables, lastTables } from '../../../src/db/deletion/source-tables';
import { freeBytes } from '../../../src/db/deletion/free-bytes';
import { verifyGone } from '../../../src/db/deletion/verify';
import { queueRematch } from '../../../src/db/records-rematch';
import { runRematch } from '../../../src/db/rematch-job';
import { lockTenantForWriting } from '../../../src/db/tenant-lock';
import { fillSearch } from '../../../src/db/search-fill';
import { addAddress, insertRecord } from '../../support/correspondence';
import { createTestDatabase, type TestDatabase } from '../../support/database';
import { asOwner } from '../../support/database-copy';
import { aMailbox, aMessage, aRecord, type TestMailbox } from '../../support/mail-rows';
import { countsOf } from '../../support/tenant-content';
import { askForDeletion, carryOut } from '../../support/two-mailboxes';

let database: TestDatabase;
let context: ActivityContext;
let tenantId: string;
let anna: TestMailbox;
let ben: TestMailbox;

beforeAll(async () => {
  database = await createTestDatabase();
  const { db } = database;
  const played: Partial<ActivityContext> = {
    db,
    blobs: createPostgresBlobStore(db),
    budget: createByteBudget(1_000_000),
    erasures: { compare: () => Promise.resolve([]) },
    limits: { ...defaultLimits, deletionChunkRows: 3 },
  };
  // Nothing here has bytes, so nothing is parsed, and no mail server is asked.
  context = played as ActivityContext;
});
afterAll(() => database.drop());
beforeEach(async () => {
  tenantId = await database.newTenant();
  anna = await aMailbox(database.db, tenantId, { visibility: 'full' });
  ben = await aMailbox(database.db, tenantId, { visibility: 'metadata' });
});

const refOf = (mailbox: TestMailbox) => ({ tenantId, mailboxId: mailbox.sourceId });

async function deleteIt(mailbox: TestMailbox) {
  const deletionId = await askForDeletion(context, refOf(mailbox));
  return { deletionId, end: await carryOut(context, { ...refOf(mailbox), deletionId }) };
}

const rows = <Row extends object>(text: string, values: unknown[] = []) =>
  database.db.inTenant(tenantId, (sql) => sql.query<Row>(text, values));

test('the report counts by table, and names the tables that were verified', async () => {
  for (let n = 0; n < 7; n += 1) await aMessage(database.db, anna, { subject: `number ${String(n)}` });
  while ((await fillSearch(database.db, tenantId, 100)) > 0);
  const { deletionId, end } = await deleteIt(anna);
  expect(end).toMatchObject({ kind: 'done', messages: 7, kept: 0 });
  const [row] = await rows<{
    report: { tables: object; verifiedTables: string[] };
    done: number;
    total: number;
    state: string;
  }>('SELECT state, report, done, total FROM deletion WHERE id = $1', [deletionId]);
  expect(row).toMatchObject({ state: 'done', done: 7, total: 7 });
  expect(row?.report.tables).toMatchObject({
    placement: 7,
    copy: 7,
    message: 7,
    thread: 7,
    message_search: 21,
    outbox: 7,
    mailbox: 1,
    source: 1,
  });
  expect(row?.report.verifiedTables).toEqual(
    expect.arrayContaining(['copy', 'placement', 'folder', 'mailbox', 'outbox']),
  );
  expect(JSON.stringify(row)).not.toContain('@');
  expect(await carryOut(context, { ...refOf(anna), deletionId })).toEqual(end);
});

test('every table that carries a source is one that a deletion empties', async () => {
  const ref = { tenantId, sourceId: anna.sourceId, deletionId: newUuid() };
  const { tables } = await database.db.inTenant(tenantId, (sql) => verifyGone(sql, ref, []));
  const emptied = [...contentTables, ...besideTables.map(({ name }) => name), ...lastTables];
  expect(tables.filter((name) => !emptied.includes(name))).toEqual([]);
});

test('every table that is counted by the source can be counted without reading what belongs to others', async () => {
  const unindexed = await rows<{ name: string }>(
    `SELECT c.relname AS name FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'source_id' AND NOT a.attisdropped
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname <> 'placement'
       AND NOT EXISTS (
         SELECT FROM pg_index i LEFT JOIN pg_attribute first ON first.attrelid = c.oid AND first.attnum = i.indkey[0]
         WHERE i.indrelid = c.oid AND i.indpred IS NULL
           AND (first.attname = 'source_id' OR first.attname = 'tenant_id' AND i.indkey[1] = a.attnum))`,
  );
  // Of a ledger row its generation stands for the source.
  expect(unindexed).toEqual([]);
});

test('what the reconciler found of a mailbox goes with it', async () => {
  const id = newUuid();
  await database.db.inTenant(tenantId, async (sql) => {
    await sql.execute(
      `INSERT INTO reconciliation (tenant_id, id, started_at, finished_at, desired, running, started, reminded, ended, stuck, queues_without_workers)
       VALUES ($1, $2, now(), now(), 1, 1, 0, 0, 0, 1, '{}')`,
      [tenantId, id],
    );
    await sql.execute(
      `INSERT INTO reconciliation_finding (tenant_id, reconciliation_id, source_id, reason, action) VALUES ($1, $2, $3, 'stuck', 'none'), ($1, $2, $4, 'stuck', 'none')`,
      [tenantId, id, anna.sourceId, ben.sourceId],
    );
  });
  expect((await deleteIt(anna)).end).toMatchObject({ kind: 'done' });
  expect(await rows('SELECT source_id FROM reconciliation_finding')).toEqual([{ source_id: ben.sourceId }]);
});

test('a table that somebody added with the source in it stops the deletion, which names it, and goes on when the rows are gone', async () => {
  await aMessage(database.db, anna);
  await asOwner(database.ownerUrl, async (owner) => {
    await owner.query('CREATE TABLE planted (source_id uuid NOT NULL)');
    await owner.query('GRANT SELECT ON planted TO letterbook_app');
    await owner.query('INSERT INTO planted VALUES ($1)', [anna.sourceId]);
  });
  const { deletionId, end } = await deleteIt(anna);
  expect(end).toEqual({ kind: 'rows-left', tables: ['planted'] });
  expect(await rows('SELECT state, error FROM deletion WHERE id = $1', [deletionId])).toEqual([
    { state: 'verifying', error: { code: 'rows-left', tables: { planted: 1 } } },
  ]);
  expect(await rows('SELECT id FROM source WHERE id = $1', [anna.sourceId])).toHaveLength(1);
  await asOwner(database.ownerUrl, (owner) => owner.query('DROP TABLE planted'));
  expect(await carryOut(context, { ...refOf(anna), deletionId })).toMatchObject({ kind: 'done' });
});

test('a table that nobody may read stops the deletion too: what cannot be counted is not zero', async () => {
  await asOwner(database.ownerUrl, (owner) => owner.query('CREATE TABLE planted (source_id uuid NOT NULL)'));
  const { end } = await deleteIt(anna);
  await asOwner(database.ownerUrl, (owner) => owner.query('DROP TABLE planted'));
  expect(end).toEqual({ kind: 'rows-left', tables: ['planted'] });
});

test('what hangs on a message in a table that was added later goes with it', async () => {
  const { id } = await aMessage(database.db, anna);
  await asOwner(database.ownerUrl, async (owner) => {
    await owner.query('CREATE TABLE planted (tenant_id uuid NOT NULL, message_id uuid NOT NULL)');
    await owner.query('GRANT SELECT, DELETE ON planted TO letterbook_app');
    await owner.query('INSERT INTO planted VALUES ($1, $2)', [tenantId, id]);
  });
  const { end } = await deleteIt(anna);
  const left = await rows('SELECT FROM planted');
  await asOwner(database.ownerUrl, (owner) => owner.query('DROP TABLE planted'));
  expect([end.kind, left]).toEqual(['done', []]);
});

test('rows whose message is no more stop a deletion, with their table and column', async () => {
  await asOwner(database.ownerUrl, (owner) =>
    owner.query(`INSERT INTO message_subject (tenant_id, message_id, subject) VALUES ($1, $2, 'left')`, [
      tenantId,
      newUuid(),
    ]),
  );
  const { end } = await deleteIt(anna);
  expect(end).toEqual({ kind: 'rows-left', tables: ['message_subject.message_id'] });
});

test('a message that another mailbox holds without its bytes says nothing that only the deleted copy said', async () => {
  const shared = { messageId: '<both@mail.example>' };
  const hers = await aMessage(database.db, anna, { ...shared, subject: 'secret', text: 'secret' });
  // Another wording of the same message: written by hand, since a copy without bytes has no wording.
  const his = await aMessage(database.db, ben, { messageId: '<his@mail.example>', to: ['ben@company.example'] });
  await database.db.inTenant(tenantId, (sql) =>
    sql.execute('UPDATE copy SET message_id = $1 WHERE id = $2', [hers.id, his.copyId]),
  );
  await database.db.inTenant(tenantId, async (sql) => {
    for (const table of ['message_subject', 'message_body', 'search_pending', 'timeline']) {
      await sql.execute(`DELETE FROM ${table} WHERE message_id = $1`, [his.id]);
    }
    await sql.execute('DELETE FROM message WHERE id = $1', [his.id]);
  });
  const { end } = await deleteIt(anna);
  expect(end).toMatchObject({ kind: 'done', kept: 1 });
  const [message] = await rows<{ participants: { to: unknown }; subject: string; text: string }>(
    `SELECT m.participants, s.subject, b.text FROM message m JOIN message_subject s ON s.message_id = m.id JOIN message_body b ON b.message_id = m.id`,
  );
  expect(message).toMatchObject({
    subject: '',
    text: '',
    participants: { to: [{ name: '', address: 'ben@company.example' }] },
  });
  const levels = await rows<{ level: number }>('SELECT DISTINCT level FROM timeline WHERE principal = 0');
  expect(levels).toEqual([]);
});

test('a copy that arrives for the very message while it is deleted waits, and gets a message of its own', async () => {
  const shared = { messageId: '<both@mail.example>', subject: 'both' };
  const hers = await aMessage(database.db, anna, shared);
  const deletionId = await askForDeletion(context, refOf(anna));
  const ref = { tenantId, sourceId: anna.sourceId, deletionId };
  const chunk = await nextContent(database.db, ref, { after: null, limit: 10 });
  const catalogue = await database.db.inTenant(tenantId, readCatalogue);
  if (chunk === null) throw new Error('there is something to delete');
  const under: { deletion?: Promise<unknown>; recorded?: Promise<{ id: string }> } = {};
  await database.db.inTenant(tenantId, async (sql) => {
    // Both stand in the queue of the tenant's lock, the deletion first.
    await lockTenantForWriting(sql, tenantId);
    under.deletion = deleteContent(database.db, ref, { chunk, contents: new Map(), catalogue });
    await untilWaiting(1);
    under.recorded = aMessage(database.db, ben, shared);
    await untilWaiting(2);
  });
  await under.deletion;
  const his = await under.recorded;
  expect(his?.id).not.toBe(hers.id);
  expect(await rows('SELECT m.id FROM message m JOIN copy c ON c.message_id = m.id')).toEqual([{ id: his?.id }]);
});

test('a copy that arrives between the look and the deletion keeps its message, which is read again first', async () => {
  const shared = { messageId: '<both@mail.example>', subject: 'both' };
  const hers = await aMessage(database.db, anna, shared);
  const deletionId = await askForDeletion(context, refOf(anna));
  const ref = { tenantId, sourceId: anna.sourceId, deletionId };
  const chunk = await nextContent(database.db, ref, { after: null, limit: 10 });
  const catalogue = await database.db.inTenant(tenantId, readCatalogue);
  if (chunk === null) throw new Error('there is something to delete');
  await aMessage(database.db, ben, shared);
  await deleteContent(database.db, ref, { chunk, contents: new Map(), catalogue });
  // Nobody has read Ben's copy, so the message is not told from it yet, and Anna's copy stays until it is.
  expect(await rows('SELECT id FROM copy WHERE message_id = $1', [hers.id])).toHaveLength(2);
  expect(await carryOut(context, { ...refOf(anna), deletionId })).toMatchObject({ kind: 'done', kept: 1 });
  expect(await rows('SELECT source_id FROM copy WHERE message_id = $1', [hers.id])).toEqual([
    { source_id: ben.sourceId },
  ]);
});

/** Waits until so many wait for a lock that somebody takes for the tenant. */
async function untilWaiting(count: number): Promise<void> {
  for (;;) {
    const waiting = await asOwner(database.ownerUrl, (owner) =>
      owner.query(
        `SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database WHERE d.datname = current_database() AND l.locktype = 'advisory' AND NOT l.granted`,
      ),
    );
    if (waiting.rowCount === count) return;
  }
}

test('bytes that somebody refers to are not freed, whatever was noted', async () => {
  const raw = Buffer.from('Subject: x\r\n\r\nx');
  const [blob] = await context.blobs.putBatch(ben, [{ sha256: Buffer.alloc(32), bytes: raw }]);
  if (blob === undefined) throw new Error('there is a blob');
  await aMessage(database.db, ben, { bytes: { blobId: blob.blobId, raw } });
  const deletionId = await askForDeletion(context, refOf(anna));
  await database.db.inTenant(tenantId, (sql) =>
    sql.execute('INSERT INTO deletion_blob (tenant_id, source_id, blob_id) VALUES ($1, $2, $3)', [
      tenantId,
      anna.sourceId,
      blob.blobId,
    ]),
  );
  const ref = { tenantId, sourceId: anna.sourceId, deletionId };
  expect(await freeBytes(database.db, ref)).toBe(true);
  expect(await freeBytes(database.db, ref)).toBe(false);
  expect(await context.blobs.read(tenantId, blob.blobId)).toEqual(raw);
});

test('bytes that were stored when the stop came, and got no row, are freed and counted; those of other mailboxes stay', async () => {
  const raw = Buffer.from('Subject: x\r\n\r\nx');
  const blobOf = (n: number) => ({ sha256: Buffer.alloc(32, n), bytes: raw });
  await context.blobs.putBatch(anna, [blobOf(1), blobOf(2)]);
  const [his] = await context.blobs.putBatch(ben, [blobOf(3)]);
  const { deletionId, end } = await deleteIt(anna);
  expect(end).toMatchObject({ kind: 'done', bytes: 2 * raw.length });
  expect(await rows('SELECT id FROM blob')).toEqual([{ id: his?.blobId }]);
  const [row] = await rows<{ report: { tables: object; verifiedTables: string[] } }>(
    'SELECT report FROM deletion WHERE id = $1',
    [deletionId],
  );
  expect(row?.report).toMatchObject({
    tables: { blob: 2 },
    verifiedTables: expect.arrayContaining(['blob']) as object,
  });
});

test('two mailboxes that hold the same mail can be deleted at the same time', async () => {
  for (let n = 0; n < 9; n += 1) {
    const shared = { messageId: `<${String(n)}@mail.example>`, subject: 'both' };
    await aMessage(database.db, anna, shared);
    await aMessage(database.db, ben, shared);
  }
  const ends = await Promise.all([deleteIt(anna), deleteIt(ben)]);
  expect(ends.map(({ end }) => end.kind)).toEqual(['done', 'done']);
  const counts = await countsOf(database.ownerUrl, tenantId);
  expect(Object.entries(counts).filter(([, count]) => count > 0)).toEqual([['tenant', 1]]);
});

test('mail whose threads are being linked while it is deleted is gone, and the other mailbox keeps its links', async () => {
  const { db } = database;
  const addressKey = 'ada@customer.example';
  for (let n = 0; n < 12; n += 1) {
    const shared = { messageId: `<${String(n)}@mail.example>`, from: addressKey };
    await aMessage(db, anna, shared);
    if (n % 3 === 0) await aMessage(db, ben, shared);
  }
  await db.inTenant(tenantId, async (sql) => {
    const recordId = await insertRecord(sql, tenantId);
    await addAddress(sql, tenantId, { recordId, addressKey });
  });
  const deleting = deleteIt(anna);
  const linking = (async () => {
    for (let round = 0; round < 5; round += 1) {
      const job = await db.inTenant(tenantId, async (sql) => {
        await lockTenantForWriting(sql, tenantId);
        return queueRematch(sql, tenantId, [addressKey]);
      });
      if (job !== null) await runRematch(db, { tenantId, operationId: job.operationId });
    }
  })();
  const [{ end }] = await Promise.all([deleting, linking]);
  expect(end).toMatchObject({ kind: 'done', messages: 8, kept: 4 });
  expect(await rows('SELECT id FROM link')).toHaveLength(4);
  expect(await rows('SELECT FROM link l WHERE NOT EXISTS (SELECT FROM message m WHERE m.id = l.message_id)')).toEqual(
    [],
  );
});

test.each([
  ['message', 'thread'],
  ['copy', 'message'],
  ['placement', 'copy'],
])('a %s cannot be left behind by its %s, whoever deletes it', async (_child, parent) => {
  await aMessage(database.db, anna);
  const deletion = database.db.inTenant(tenantId, (sql) => sql.execute(`DELETE FROM ${parent}`));
  await expect(deletion).rejects.toThrow(/still refer to what is deleted/);
});

test('rows of another company that refer to the same ids are no reason to refuse a deletion, and stay', async () => {
  await aMessage(database.db, anna);
  const other = await database.newTenant();
  await asOwner(database.ownerUrl, async (owner) => {
    await owner.query('INSERT INTO thread (tenant_id, id) SELECT $2, id FROM thread WHERE tenant_id = $1', [
      tenantId,
      other,
    ]);
    await owner.query(
      'INSERT INTO thread_ref (tenant_id, ref_hash, thread_id) SELECT $2, ref_hash, thread_id FROM thread_ref WHERE tenant_id = $1',
      [tenantId, other],
    );
  });
  const before = await countsOf(database.ownerUrl, other);
  expect((await deleteIt(anna)).end).toMatchObject({ kind: 'done', messages: 1 });
  expect(before).toMatchObject({ thread: 1, thread_ref: 1 });
  expect(await countsOf(database.ownerUrl, other)).toEqual(before);
});

test.each([
  ['stays', 1],
  ['is being erased', 0],
])('mail to a deleted mailbox is matched again where its tenant %s: %i times', async (tenant, times) => {
  const { db } = database;
  const address = `${newUuid()}@company.example`;
  const gone = await aMailbox(db, tenantId, { address });
  await aRecord(db, tenantId, { addresses: ['ada@customer.example'] });
  const activity = { type: 'email', status: 'done', requireUser: false, requireSubject: false } as const;
  await aMessage(db, { ...ben, policy: { ...ben.policy, activity } }, { to: [address] });
  if (tenant === 'is being erased') {
    await db.inTenant(tenantId, async (sql) => {
      await lockTenantForWriting(sql, tenantId);
      await askForTenant(sql, tenantId, 'operator');
    });
  }
  expect((await deleteIt(gone)).end).toMatchObject({ kind: 'done' });
  expect(await rows(`SELECT FROM operation WHERE kind = 'rematch'`)).toHaveLength(times);
});

test('what a deletion leaves in the tables is cleared by the first vacuum, whatever runs beside it', async () => {
  for (let n = 0; n < 30; n += 1) await aMessage(database.db, anna);
  expect((await deleteIt(anna)).end).toMatchObject({ kind: 'done' });
  const tables = [
    'placement',
    'copy',
    'copy_address',
    'message',
    'message_subject',
    'message_body',
    'thread',
    'outbox',
  ];
  await asOwner(database.ownerUrl, async (owner) => {
    await owner.query('CREATE EXTENSION IF NOT EXISTS pgstattuple');
    for (const table of tables) {
      const dead = async () =>
        (await owner.query<{ dead: string }>(`SELECT dead_tuple_count AS dead FROM pgstattuple('${table}')`)).rows[0]
          ?.dead;
      await owner.query(`VACUUM ${table}`);
      expect([table, await dead()]).toEqual([table, '0']);
    }
  });
});
