import { erasePersonRows, type ErasureShare } from '../../src/activities/erase-person';
import type { ActivityRun } from '../../src/activities/context';
import { createPostgresBlobStore } from '../../src/db/blobs/postgres-blob-store';
import { newUuid } from '../../src/db/new-id';
import { beginErasure } from '../../src/db/people/begin-erasure';
import { previewErasure } from '../../src/db/people/preview-erasure';
import { beginDeletion } from '../../src/db/deletion/deletions';
import { fillSearch } from '../../src/db/search-fill';
import { addAddress, insertRecord } from '../support/correspondence';
import { asOwner, copyDatabase, killedDatabase } from '../support/database-copy';
import { sharedDovecot } from '../support/dovecot';
import { mail } from '../support/mail-factory';
import { createSyncBench, type SyncBench, type TestMailbox } from '../support/sync-bench';

const runId = newUuid();
const run: ActivityRun = { signal: new AbortController().signal, runId, heartbeat: () => undefined };
const ada = 'ada@customer.example';
const { imapPort } = sharedDovecot();

let bench: SyncBench;
let tenantId: string;
let anna: TestMailbox;
let ben: TestMailbox;

beforeAll(async () => {
  bench = await createSyncBench(imapPort, { deletionChunkRows: 2 });
});
afterAll(() => bench.close());

beforeEach(async () => {
  tenantId = await bench.database.newTenant();
  anna = await bench.connect({ tenantId });
  ben = await bench.connect({ tenantId });
  const alone = mail({
    from: `Ada <${ada}>`,
    to: anna.user,
    subject: 'alone',
    messageId: 'alone@x',
    attachments: [{ filename: 'a.pdf', content: 'x' }],
  });
  await anna.person.append('INBOX', alone);
  await anna.person.append(
    'INBOX',
    mail({ from: anna.user, to: 'ADA@Customer.Example', subject: 'answer', messageId: 'answer@x' }),
  );
  await anna.person.append(
    'INBOX',
    mail({ from: 'grace@customer.example', cc: ada, subject: 'three', messageId: 'three@x' }),
  );
  await anna.person.append(
    'INBOX',
    mail({ from: 'grace@customer.example', subject: 'about her', text: `Write to ${ada}.`, messageId: 'about@x' }),
  );
  await anna.person.append('INBOX', mail({ from: 'joan@customer.example', subject: 'other', messageId: 'other@x' }));
  await anna.person.append(
    'INBOX',
    Buffer.from(
      `From: ${ada}\r\nSubject: parked\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n${'--b\r\n\r\nx\r\n'.repeat(1_100)}--b--\r\n`,
    ),
  );
  await ben.person.append('INBOX', alone);
  await bench.database.db.inTenant(tenantId, async (sql) => {
    const recordId = await insertRecord(sql, tenantId);
    await sql.execute('UPDATE record SET name = $3 WHERE tenant_id = $1 AND id = $2', [
      tenantId,
      recordId,
      `Ada (${ada})`,
    ]);
    await addAddress(sql, tenantId, { recordId, addressKey: ada });
  });
  await anna.syncAll();
  await ben.syncAll();
  while ((await fillSearch(bench.database.db, tenantId, 100)) > 0);
});

async function begin(addressKeys = [ada]): Promise<string> {
  const { fingerprintsOf } = bench.context.secretBox;
  const begun = await bench.database.db.inTenant(tenantId, (sql) =>
    beginErasure(sql, { tenantId, addressKeys, actor: 'key_1', fingerprintsOf }),
  );
  if (begun.kind !== 'begun') throw new Error('the erasure was refused');
  return begun.deletionId;
}

async function carryOut(deletionId: string): Promise<ErasureShare> {
  for (;;) {
    const share = await erasePersonRows(bench.context, run, { tenantId, deletionId });
    if (share.kind !== 'more') return share;
  }
}

/** Every table of the database in which any row of the tenant holds a text; bytes of mail, which may be compressed, left out. */
async function tablesWith(text: string, ownerUrl = bench.database.ownerUrl): Promise<string[]> {
  return asOwner(ownerUrl, async (owner) => {
    const { rows: tables } = await owner.query<{ name: string }>(
      `SELECT c.relname AS name FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
       WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relname <> 'blob_chunk' ORDER BY 1`,
    );
    const found: string[] = [];
    for (const { name } of tables) {
      const { rows } = await owner.query(
        `SELECT FROM ${name} t WHERE tenant_id = $1 AND (t::text ILIKE '%' || $2 || '%' OR t::text ILIKE '%' || encode($2::bytea, 'hex') || '%') LIMIT 1`,
        [tenantId, text],
      );
      if (rows.length > 0) found.push(name);
    }
    return found;
  });
}

const outcomesOf = async (mailbox: TestMailbox) =>
  (await mailbox.ledger()).filter(({ folder }) => folder === 'INBOX').map(({ outcome, reason }) => [outcome, reason]);

test('nothing of a person is left in any table but what others wrote of them, and the report says so', async () => {
  expect(await tablesWith(ada)).toEqual(
    expect.arrayContaining(['copy_address', 'message', 'record', 'record_address']),
  );
  const deletionId = await begin();
  expect(await carryOut(deletionId)).toMatchObject({ kind: 'done', messages: 3 });
  expect(await tablesWith(ada)).toEqual(['message_body']);
  const [row] = await bench.database.db.inTenant(tenantId, (sql) =>
    sql.query<{ report: { tables: Record<string, number>; mentions: { messages: number; messageIds: string[] } } }>(
      'SELECT report FROM deletion WHERE id = $1',
      [deletionId],
    ),
  );
  expect(row?.report).toMatchObject({ tables: { message: 3, copy: 4, failure: 1 }, mentions: { messages: 1 } });
  expect(row?.report.mentions.messageIds[0]).toMatch(/^msg_/);
  expect(JSON.stringify(row)).not.toContain('@');
  const blobs = await bench.database.db.inTenant(tenantId, (sql) =>
    sql.query('SELECT FROM blob WHERE tenant_id = $1', [tenantId]),
  );
  expect(blobs).toHaveLength(2);
  expect(await carryOut(deletionId)).toMatchObject({ kind: 'done', messages: 3 });
});

test('a record that loses an address has another version, and one that has none of theirs keeps its own', async () => {
  const [named, unnamed, other] = await bench.database.db.inTenant(tenantId, async (sql) => {
    const ids = [await insertRecord(sql, tenantId), await insertRecord(sql, tenantId)];
    await addAddress(sql, tenantId, { recordId: ids[0] ?? '', addressKey: ada });
    await addAddress(sql, tenantId, { recordId: ids[1] ?? '', addressKey: 'grace@customer.example' });
    const [first] = await sql.query<{ id: string }>(`SELECT id FROM record WHERE tenant_id = $1 AND name LIKE 'Ada%'`, [
      tenantId,
    ]);
    return [first?.id ?? '', ...ids];
  });
  const versions = () =>
    bench.database.db.inTenant(tenantId, (sql) =>
      sql.query<{ version: number }>(
        'SELECT r.version FROM unnest($2::uuid[]) WITH ORDINALITY AS w(id, n) JOIN record r ON r.tenant_id = $1 AND r.id = w.id ORDER BY n',
        [tenantId, [named, unnamed, other]],
      ),
    );
  const before = await versions();
  expect(await carryOut(await begin())).toMatchObject({ kind: 'done' });
  expect(await versions()).toEqual(before.map(({ version }, n) => ({ version: n < 2 ? version + 1 : version })));
});

test('other systems are told once of each copy that went, in the stream of its mailbox and without a word of whose it was', async () => {
  const streamOf = ({ mailboxId }: TestMailbox) =>
    bench.database.db.inTenant(tenantId, (sql) =>
      sql.query<{ seq: number; type: string; ids: Record<string, string>; run_id: string; about_message: string }>(
        'SELECT seq, type, ids, run_id, about_message FROM outbox WHERE tenant_id = $1 AND stream = $2 ORDER BY seq',
        [tenantId, mailboxId],
      ),
    );
  const before = await bench.database.db.inTenant(tenantId, (sql) =>
    sql.query<{ id: string; message_id: string; source_id: string }>(
      `SELECT DISTINCT c.id, c.message_id, c.source_id FROM copy c JOIN copy_address a ON a.copy_id = c.id WHERE a.address_key = $1`,
      [ada],
    ),
  );
  const deletionId = await begin();
  await carryOut(deletionId);
  await carryOut(deletionId);
  for (const mailbox of [anna, ben]) {
    const events = await streamOf(mailbox);
    const mine = before.filter((copy) => copy.source_id === mailbox.mailboxId);
    const told = events.filter(({ type }) => type === 'message.removed');
    const removed = told.map(({ ids }) => ids);
    expect(told.map((event) => event.about_message)).toEqual(removed.map(({ messageId }) => messageId));
    expect(new Set(told.map((event) => event.run_id))).toEqual(new Set([runId]));
    expect(removed).toHaveLength(mine.length);
    expect(removed).toEqual(
      expect.arrayContaining(mine.map((copy) => ({ messageId: copy.message_id, copyId: copy.id }))),
    );
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
    expect(JSON.stringify(events)).not.toContain('@');
  }
  await ben.person.append('INBOX', mail({ from: 'joan@customer.example', subject: 'next', messageId: 'next@x' }));
  expect(await ben.round()).toMatchObject({ kind: 'done', recorded: 1 });
});

test('a mailbox whose deletion may still be taken back tells what went, and one whose deletion goes on does not', async () => {
  const deletionOf = ({ mailboxId: sourceId }: TestMailbox, state: string) =>
    bench.database.db.inTenant(tenantId, async (sql) => {
      const { id } = await beginDeletion(sql, { tenantId, sourceId, actor: 'key_1' });
      await sql.execute('UPDATE deletion SET state = $3 WHERE tenant_id = $1 AND id = $2', [tenantId, id, state]);
    });
  await deletionOf(anna, 'waiting');
  await deletionOf(ben, 'deleting');
  await carryOut(await begin());
  const told = await bench.database.db.inTenant(tenantId, (sql) =>
    sql.query<{ stream: string }>(
      `SELECT DISTINCT stream FROM outbox WHERE tenant_id = $1 AND type = 'message.removed'`,
      [tenantId],
    ),
  );
  expect(told).toEqual([{ stream: anna.mailboxId }]);
});

test('links that are kept of removed mail go too, where their reasons hold the address', async () => {
  const kept = (key: string) =>
    bench.database.db.inTenant(tenantId, (sql) =>
      sql.execute(
        `INSERT INTO removed_link (tenant_id, source_id, message_key, record_id, state, reasons)
         VALUES ($1, $2, sha256(convert_to($3::text, 'UTF8')), gen_random_uuid(), 'active', jsonb_build_array(jsonb_build_object('kind', 'address', 'key', $3::text)))`,
        [tenantId, anna.mailboxId, key],
      ),
    );
  await kept(ada);
  await kept('grace@customer.example');
  expect(await carryOut(await begin())).toMatchObject({ kind: 'done' });
  expect(await tablesWith(ada)).toEqual(['message_body']);
  expect(await tablesWith('grace@customer.example')).toContain('removed_link');
});

test('what stands in words beside the mail goes too: ids and numbers of records, what a connector keeps, what people wrote', async () => {
  const connectorId = newUuid();
  const records = await bench.database.db.inTenant(tenantId, async (sql) => {
    await sql.execute(
      `INSERT INTO connector (tenant_id, id, kind, name, settings, secret, secret_key_id, pushes, refused, last_refused)
       VALUES ($1, $2, 'http', 'CRM', '{}', '', 'test', true, 2, $3)`,
      [
        tenantId,
        connectorId,
        JSON.stringify([
          { externalId: 'Ada@customer.example', reasons: ['x'] },
          { externalId: 'joada@customer.example', reasons: ['x'] },
        ]),
      ],
    );
    const ids = [await insertRecord(sql, tenantId), await insertRecord(sql, tenantId)];
    await sql.execute(
      `UPDATE record SET connector = $3, external_id = CASE WHEN id = $4 THEN $5 ELSE 'jo' || $5 END, number = CASE WHEN id = $4 THEN 'N ' || $5 END
       WHERE tenant_id = $1 AND id = ANY ($2::uuid[])`,
      [tenantId, ids, connectorId, ids[0], ada],
    );
    await sql.execute(
      `INSERT INTO connector_change (tenant_id, connector_id, kind, about, ids) VALUES ($1, $2, 'link', gen_random_uuid(), jsonb_build_object('externalId', $3::text))`,
      [tenantId, connectorId, ada],
    );
    await sql.execute(
      `INSERT INTO idempotency_key (tenant_id, key, request_hash, response) VALUES ($1, 'k', '', jsonb_build_object('note', E'as told:\\n' || $2::text))`,
      [tenantId, ada],
    );
    await sql.execute(
      `INSERT INTO failure (tenant_id, id, source_id, gen_id, uid, kind, code, versions, state, accepted_reason)
       SELECT tenant_id, gen_random_uuid(), source_id, gen_id, uid, 'unreadable', 'x', '{}', 'accepted', 'from ' || $3::text || ', spam'
       FROM placement WHERE tenant_id = $1 AND source_id = $2 AND outcome = 2 ORDER BY uid DESC LIMIT 1`,
      [tenantId, anna.mailboxId, ada],
    );
    return ids;
  });
  expect(await tablesWith(ada)).toEqual(
    expect.arrayContaining(['connector', 'connector_change', 'failure', 'idempotency_key']),
  );
  expect(await carryOut(await begin())).toMatchObject({ kind: 'done' });
  const left = await bench.database.db.inTenant(tenantId, async (sql) => ({
    records: await sql.query(
      'SELECT external_id, number FROM unnest($2::uuid[]) WITH ORDINALITY AS w(id, n) JOIN record r ON r.tenant_id = $1 AND r.id = w.id ORDER BY n',
      [tenantId, records],
    ),
    connectors: await sql.query('SELECT refused, last_refused FROM connector WHERE tenant_id = $1', [tenantId]),
    reasons: await sql.query('SELECT accepted_reason FROM failure WHERE tenant_id = $1', [tenantId]),
    kept: await sql.query(
      'SELECT FROM connector_change WHERE tenant_id = $1 UNION ALL SELECT FROM idempotency_key WHERE tenant_id = $1',
      [tenantId],
    ),
  }));
  expect(left).toEqual({
    records: [
      { external_id: null, number: null },
      { external_id: `jo${ada}`, number: null },
    ],
    connectors: [{ refused: 2, last_refused: [{ externalId: 'joada@customer.example', reasons: ['x'] }] }],
    reasons: [{ accepted_reason: 'erased' }],
    kept: [],
  });
});

test('each UID keeps its row, and no round fetches the mail again, wherever it turns up', async () => {
  await carryOut(await begin());
  const erased = [3, 'erased'];
  expect(await outcomesOf(anna)).toEqual([erased, erased, erased, [2, null], [2, null], erased]);
  expect(await outcomesOf(ben)).toEqual([erased]);
  expect(await anna.round()).toMatchObject({ recorded: 0 });
  await anna.person.move('INBOX', 1, 'Archive').catch(() => undefined);
  await anna.person.append('Archive', mail({ from: ada, subject: 'old', messageId: 'old@x' }), {
    date: new Date('2026-01-05T10:00:00Z'),
  });
  await anna.syncAll();
  const archived = (await anna.ledger()).filter(({ folder }) => folder === 'Archive');
  expect(archived.length).toBeGreaterThan(0);
  expect(archived.map(({ outcome, reason }) => [outcome, reason])).toEqual(archived.map(() => erased));
  expect(await tablesWith('old@x')).toEqual([]);
});

test('what the person writes afterwards comes in as usual', async () => {
  await carryOut(await begin());
  const later = new Date(Date.now() + 60_000);
  await anna.person.append('INBOX', mail({ from: ada, subject: 'again', messageId: 'again@x', date: later }), {
    date: later,
  });
  expect(await anna.round()).toMatchObject({ kind: 'done' });
  expect((await outcomesOf(anna)).at(-1)).toEqual([2, null]);
});

test('mail that the person writes while the erasure runs stays, and does not hold it up', async () => {
  const deletionId = await begin();
  const later = new Date(Date.now() + 60_000);
  await anna.person.append('INBOX', mail({ from: ada, subject: 'again', messageId: 'again@x', date: later }), {
    date: later,
  });
  const parked = `From: ${ada}\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n${'--b\r\n\r\nx\r\n'.repeat(1_100)}--b--\r\n`;
  await anna.person.append('INBOX', Buffer.from(parked), { date: later });
  expect(await anna.round()).toMatchObject({ kind: 'done' });
  await bench.database.db.inTenant(tenantId, (sql) =>
    sql.execute(`UPDATE placement SET recorded_at = $2 WHERE tenant_id = $1 AND internal_date > now()`, [
      tenantId,
      later,
    ]),
  );
  expect(await carryOut(deletionId)).toMatchObject({ kind: 'done', messages: 3 });
  expect((await outcomesOf(anna)).slice(-2)).toEqual([
    [2, null],
    [5, expect.anything()],
  ]);
  expect(await tablesWith(ada)).toEqual(expect.arrayContaining(['copy_address', 'message']));
});

test('mail that was here before the erasure goes, also where its date is later', async () => {
  const later = new Date(Date.now() + 3_600_000);
  await anna.person.append('INBOX', mail({ from: ada, subject: 'ahead', messageId: 'ahead@x', date: later }), {
    date: later,
  });
  await anna.round();
  expect(await carryOut(await begin())).toMatchObject({ kind: 'done', messages: 4 });
  expect((await outcomesOf(anna)).at(-1)).toEqual([3, 'erased']);
});

test('an address in the name of another, or within the address of another, is not the person and holds nothing up', async () => {
  await anna.person.append(
    'INBOX',
    Buffer.from(
      `From: "${ada} via Group" <group@y.example>\r\nTo: <"${ada}"@y.example>\r\n` +
        'Message-ID: <named@y.example>\r\nSubject: named\r\n\r\nx\r\n',
    ),
  );
  await anna.person.append(
    'INBOX',
    Buffer.from(
      `From: ${anna.user}\r\nTo: joan@y.example\r\nBcc: "${ada}" <hidden@y.example>\r\nMessage-ID: <bcc@y.example>\r\n\r\nx\r\n`,
    ),
  );
  await anna.round();
  while ((await fillSearch(bench.database.db, tenantId, 100)) > 0);
  const deletionId = await begin();
  expect(await carryOut(deletionId)).toMatchObject({ kind: 'done', messages: 3 });
  expect((await outcomesOf(anna)).at(-1)).toEqual([2, null]);
  const [row] = await bench.database.db.inTenant(tenantId, (sql) =>
    sql.query<{ mentions: { messages: number } }>(
      `SELECT report -> 'mentions' AS mentions FROM deletion WHERE id = $1`,
      [deletionId],
    ),
  );
  expect(row?.mentions).toMatchObject({ messages: 3 });
});

test('a count says what would go and what stays, and erases nothing', async () => {
  const before = await tablesWith(ada);
  const counted = await previewErasure(bench.database.db, tenantId, [ada]);
  expect(counted).toMatchObject({
    kind: 'counted',
    preview: {
      messages: 3,
      messagesWithOthers: 1,
      copies: 4,
      ledgerRows: 4,
      attachments: 2,
      parkedToLookThrough: 1,
      mentions: { messages: 1 },
    },
  });
  expect(await tablesWith(ada)).toEqual(before);
});

test('the address of a user or a mailbox is refused, and a second call is the erasure that is under way', async () => {
  const { fingerprintsOf } = bench.context.secretBox;
  const asked = (addressKeys: string[]) =>
    bench.database.db.inTenant(tenantId, (sql) =>
      beginErasure(sql, { tenantId, addressKeys, actor: 'system', fingerprintsOf }),
    );
  expect(await asked([ada, anna.user])).toMatchObject({ kind: 'own', mailboxIds: [anna.mailboxId] });
  const begun = await begin([ada, 'ada@home.example']);
  expect(await asked(['ada@home.example', ada])).toEqual({ kind: 'begun', deletionId: begun });
});

test('killed under any statement, it goes on with what is there and comes to the same end', async () => {
  const deletionId = await begin();
  const copy = await copyDatabase(bench.database);
  let [statements, killed] = [0, 0];
  const db = killedDatabase(copy, () => (statements += 1) === killed);
  const context = { ...bench.context, db, blobs: createPostgresBlobStore(copy.db) };
  const ended: ErasureShare[] = [];
  // Each try is killed some statements later than the one before, until one comes to the end.
  for (killed = 1; ended.length === 0 && killed < 400; killed += 4) {
    statements = 0;
    const share = await erasePersonRows(context, run, { tenantId, deletionId }).catch(() => null);
    if (share?.kind === 'done') ended.push(share);
  }
  expect(ended).toMatchObject([{ messages: 3 }]);
  expect(await tablesWith(ada, copy.ownerUrl)).toEqual(['message_body']);
  await copy.drop();
});
