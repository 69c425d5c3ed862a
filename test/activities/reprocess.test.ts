import { EventEmitter, once } from 'node:events';

import { reprocess } from '../../src/activities/reprocess';
import type { ActivityRun } from '../../src/activities/context';
import { newUuid } from '../../src/db/new-id';
import { insertReprocess } from '../../src/db/reprocess/ask';
import { takeShare } from '../../src/db/reprocess/next-share';
import { controlReplay } from '../../src/db/replay/replay-control';
import { hashOfAddress } from '../../src/db/erasures/erased-people';
import { fillSearch } from '../../src/db/search-fill';
import { refreshTimelines } from '../../src/db/timeline-write';
import type { ReprocessScope } from '../../src/domain/reprocess';
import { parserVersion } from '../../src/mail/parse/parse-message';
import { createParsePool } from '../../src/mail/parse/parse-pool';
import { defaultLimits } from '../../src/config/limits';
import { asOwner } from '../support/database-copy';
import { aRecord } from '../support/mail-rows';
import { copyOf, damages, expected, idOf, letter, letters, unlinked } from '../support/older-parser';
import { startScriptedServer, type ScriptedServer } from '../support/scripted-imap-server';
import { createSyncBench, type SyncBench, type TestMailbox } from '../support/sync-bench';
import { contentOf } from '../support/tenant-content';
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

const runId = newUuid();
const run: ActivityRun = { signal: new AbortController().signal, runId, heartbeat: () => undefined };
async function connect(raws: Buffer[], options: Partial<Parameters<SyncBench['connect']>[0]> = {}) {
  const messages = raws.map((raw, at) => ({ uid: at + 1, raw }));
  const server = await startScriptedServer({ folders: { INBOX: { uidValidity: '7', messages } } });
  servers.push(server);
  const mailbox = await bench.connect({ port: server.port, user: 'somebody', withoutPerson: true, ...options });
  return mailbox;
}

async function aTenantWithRecords(): Promise<string> {
  const tenantId = await bench.database.newTenant();
  for (const name of ['ada', 'grace']) {
    await aRecord(bench.database.db, tenantId, { name, addresses: [`${name}@customer.example`] });
  }
  return tenantId;
}

async function imported(
  raws = Object.values(letters),
  options: Parameters<typeof connect>[1] = {},
): Promise<TestMailbox> {
  const tenantId = options.tenantId ?? (await aTenantWithRecords());
  const mailbox = await connect(raws, { ...options, tenantId });
  await mailbox.syncAll();
  await fillAll(mailbox);
  return mailbox;
}

async function fillAll({ tenantId }: TestMailbox): Promise<void> {
  while ((await fillSearch(bench.database.db, tenantId, 100)) > 0);
}

const rows = <Row extends object>({ tenantId }: TestMailbox, text: string, values: unknown[] = []) =>
  bench.database.db.inTenant(tenantId, (sql) => sql.query<Row>(text, values));

async function damage(mailbox: TestMailbox, names: string[] = Object.keys(damages)): Promise<void> {
  await asOwner(bench.database.ownerUrl, async (owner) => {
    for (const statement of names.flatMap((name) => damages[name] ?? [])) {
      await owner.query(statement.replaceAll('%', mailbox.tenantId));
    }
    await owner.query('UPDATE copy SET parser_version = 0 WHERE tenant_id = $1', [mailbox.tenantId]);
  });
}

interface Wanted {
  scope?: Partial<ReprocessScope>;
  mode?: 'for-good' | 'dry-run';
}

const anything: ReprocessScope = { mailboxId: null, from: null, to: null, parserVersionBelow: null };

const ask = ({ tenantId }: TestMailbox, { scope = {}, mode = 'for-good' }: Wanted = {}) =>
  bench.database.db.inTenant(tenantId, (sql) =>
    insertReprocess(sql, tenantId, { scope: { ...anything, ...scope }, mode, actor: 'key_1' }),
  );

async function carryOut(mailbox: TestMailbox, operationId: string): Promise<string> {
  for (;;) {
    const { kind } = await reprocess(bench.context, run, { tenantId: mailbox.tenantId, operationId });
    if (kind !== 'more') return kind;
  }
}

interface Found {
  name: string | null;
  fields: string[];
  outcome: string | null;
  reason: string | null;
}

/** What a job found, by the first words of the Message-ID. */
const found = (mailbox: TestMailbox, operationId: string) =>
  rows<Found>(
    mailbox,
    `SELECT split_part(substr(m.message_id_header, 2), '@', 1) AS name, d.fields, d.outcome, d.reason
     FROM reprocess_difference d LEFT JOIN message m ON m.id = d.message_id WHERE d.operation_id = $1 ORDER BY 1`,
    [operationId],
  );

const plan = (list: Found[]) => list.map(({ name, fields }) => ({ name, fields }));

async function reprocessed(mailbox: TestMailbox, wanted: Wanted = {}): Promise<Found[]> {
  const operationId = await ask(mailbox, wanted);
  expect(await carryOut(mailbox, operationId)).toBe('done');
  return found(mailbox, operationId);
}

const operation = async (mailbox: TestMailbox, id: string) =>
  (
    await rows<{ state: string; done: number; total: number; result: object }>(
      mailbox,
      'SELECT * FROM operation WHERE id = $1',
      [id],
    )
  )[0];

/** Every row of a tenant as it lies on the disk, but those of jobs themselves. */
const tables = ({ tenantId }: TestMailbox) =>
  asOwner(bench.database.ownerUrl, async (owner) => {
    const { rows: names } = await owner.query<{ name: string }>(
      `SELECT c.relname AS name FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
       WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relname NOT IN ('operation', 'reprocess_difference') ORDER BY 1`,
    );
    const all: Record<string, string[]> = {};
    for (const { name } of names) {
      const { rows: kept } = await owner.query<{ row: string }>(
        `SELECT t.xmin::text || ' ' || t::text AS row FROM ${name} t WHERE tenant_id = $1 ORDER BY 1`,
        [tenantId],
      );
      all[name] = kept.map(({ row }) => row);
    }
    return all;
  });

const updates = (mailbox: TestMailbox) =>
  rows<{ name: string; run_id: string }>(
    mailbox,
    `SELECT split_part(substr(m.message_id_header, 2), '@', 1) AS name, o.run_id FROM outbox o JOIN message m ON m.id = o.about_message
     WHERE o.type = 'message.updated' ORDER BY 1`,
  );

const content = async (mailbox: TestMailbox) => {
  await fillAll(mailbox);
  return contentOf(bench.database.ownerUrl, mailbox.tenantId);
};

test('after an upgrade everything is as if the parser of today had read it, and just what differed is told', async () => {
  const mailbox = await imported();
  const asToday = await contentOf(bench.database.ownerUrl, mailbox.tenantId);
  await damage(mailbox);
  const list = await reprocessed(mailbox);
  expect(plan(list)).toEqual(expected);
  expect(new Set(list.map(({ outcome }) => outcome))).toEqual(new Set(['changed']));
  expect(await content(mailbox)).toEqual(asToday);
  const told = await updates(mailbox);
  expect(told.map(({ name }) => name)).toEqual(expected.map(({ name }) => name));
  expect(new Set(told.map(({ run_id }) => run_id))).toEqual(new Set([runId]));
  const versions = await rows<{ parser_version: number }>(mailbox, 'SELECT DISTINCT parser_version FROM copy');
  expect(versions).toEqual([{ parser_version: parserVersion }]);
});

test('a dry run lists what would be written, and writes nothing; after it has been written nothing is left', async () => {
  const mailbox = await imported();
  await damage(mailbox);
  const before = await tables(mailbox);
  const dry = await reprocessed(mailbox, { mode: 'dry-run' });
  expect(await tables(mailbox)).toEqual(before);
  expect(dry.map(({ outcome }) => outcome)).toEqual(expected.map(() => null));
  expect(plan(await reprocessed(mailbox))).toEqual(plan(dry));
  const after = await tables(mailbox);
  expect(await reprocessed(mailbox)).toEqual([]);
  expect(await tables(mailbox)).toEqual(after);
});

test('mail that is read as it stands only gets the version of its parser', async () => {
  const mailbox = await imported();
  await damage(mailbox, ['subject']);
  const before = await tables(mailbox);
  await reprocessed(mailbox);
  const after = await tables(mailbox);
  const touched = Object.keys(after).filter((name) => after[name]?.join() !== before[name]?.join());
  expect(touched.sort()).toEqual(['copy', 'message_search', 'message_subject', 'outbox', 'source']);
  const changed = (name: string) => after[name]?.filter((row) => !before[name]?.includes(row)).length;
  expect([changed('message_subject'), changed('message_search'), changed('outbox')]).toEqual([1, 3, 1]);
});

test('links by hand stay, and what a person took away stays away', async () => {
  const mailbox = await imported();
  const [other] = await Promise.all([aRecord(bench.database.db, mailbox.tenantId, { name: 'by hand' })]);
  await damage(mailbox, ['people']);
  await rows(
    mailbox,
    `INSERT INTO link (tenant_id, id, message_id, record_id, state) SELECT m.tenant_id, gen_random_uuid(), m.id, r.id,
       CASE r.name WHEN 'grace' THEN 'suppressed' ELSE 'active' END
     FROM message m, record r WHERE m.message_id_header = '<people@customer.example>' AND r.name IN ('grace', 'by hand')`,
  );
  await rows(
    mailbox,
    `INSERT INTO link_reason (tenant_id, link_id, kind, key, actor, record_version)
     SELECT tenant_id, id, 'person', 'usr_1', 'usr_1', 1 FROM link WHERE record_id = $1`,
    [other],
  );
  await reprocessed(mailbox);
  const links = await rows(
    mailbox,
    `SELECT r.name, l.state, array_agg(x.kind) FILTER (WHERE x.kind IS NOT NULL) AS kinds FROM link l JOIN record r ON r.id = l.record_id
     JOIN message m ON m.id = l.message_id AND m.message_id_header = '<people@customer.example>' LEFT JOIN link_reason x ON x.link_id = l.id
     GROUP BY 1, 2 ORDER BY 1`,
  );
  expect(links).toEqual([
    { name: 'ada', state: 'active', kinds: ['address'] },
    { name: 'by hand', state: 'active', kinds: ['person'] },
    { name: 'grace', state: 'suppressed', kinds: null },
  ]);
});

test('only the mailbox, the span and the versions that are asked for are read again', async () => {
  const mailbox = await imported();
  await damage(mailbox, ['subject', 'date']);
  const names = async (scope: Partial<ReprocessScope>) =>
    (await reprocessed(mailbox, { scope, mode: 'dry-run' })).map(({ name }) => name);
  expect(await names({ from: new Date('2026-01-02T02:00:00Z') })).toEqual(['subject']);
  expect(await names({ to: new Date('2026-01-02T02:00:00Z') })).toEqual(['date']);
  expect(await names({ parserVersionBelow: 0 })).toEqual([]);
  expect(await names({ parserVersionBelow: parserVersion })).toEqual(['date', 'subject']);
  expect(await names({ mailboxId: mailbox.mailboxId })).toEqual(['date', 'subject']);
  const [other] = [await imported([letters.subject], { tenantId: mailbox.tenantId, user: 'other' })];
  expect(await names({ mailboxId: other.mailboxId })).toEqual([]);
});

test('what cannot be read any more, and bytes that are damaged, stay as they are', async () => {
  const mailbox = await imported([letters.file, letters.subject]);
  await damage(mailbox, ['subject']);
  await rows(
    mailbox,
    `UPDATE copy SET raw_sha = sha256('x'::bytea) WHERE id = ${copyOf('subject').replaceAll('%', mailbox.tenantId)}`,
  );
  const before = await tables(mailbox);
  const { parsePool } = bench.context;
  const strict = createParsePool({
    threads: 1,
    timeoutMs: 20_000,
    heapMegabytes: 256,
    limits: { ...defaultLimits, maxParts: 1 },
  });
  bench.context.parsePool = strict;
  try {
    expect(await reprocessed(mailbox)).toEqual([
      { name: 'file', fields: [], outcome: 'kept', reason: 'too-many-parts' },
      { name: 'subject', fields: [], outcome: 'kept', reason: 'bytes-damaged' },
    ]);
  } finally {
    bench.context.parsePool = parsePool;
    await strict.close();
  }
  expect(await tables(mailbox)).toEqual(before);
});

test('bytes without attachments are read as what they are', async () => {
  for (const attachments of ['metadata', 'drop'] as const) {
    const policy = { attachments };
    const raws = [
      letter('file', { attachments: [{ filename: 'big.pdf', content: 'x'.repeat(5_000) }] }),
      letters.subject,
    ];
    const mailbox = await imported(raws, { policy });
    expect(await reprocessed(mailbox)).toEqual([]);
    const asToday = await contentOf(bench.database.ownerUrl, mailbox.tenantId);
    await damage(mailbox, ['subject']);
    expect(plan(await reprocessed(mailbox))).toEqual([{ name: 'subject', fields: ['subject'] }]);
    expect(await content(mailbox)).toEqual(asToday);
  }
});

test('a message of several mailboxes is told from its oldest copy, and told of whenever it changes', async () => {
  const hers = letter('people', { cc: 'Grace <grace@customer.example>', subject: 'As she has it' });
  const his = letter('people', { cc: 'Grace <grace@customer.example>', subject: '[EXT] As he has it' });
  const anna = await imported([hers]);
  const ben = await imported([his], { tenantId: anna.tenantId, user: 'ben' });
  const asToday = await contentOf(bench.database.ownerUrl, anna.tenantId);
  expect(await reprocessed(anna)).toEqual([]);
  await rows(anna, `DELETE FROM copy_address WHERE role = 'cc'`);
  await rows(anna, `UPDATE message_subject SET subject = ''`);
  for (const statement of unlinked('true')) await rows(anna, statement);
  const list = await reprocessed(ben);
  expect(list.map(({ fields }) => fields).sort()).toEqual([['addresses'], ['subject', 'addresses']]);
  expect(await content(anna)).toEqual(asToday);
  expect(await updates(anna)).toHaveLength(2);
});

test('mail that lay hidden under other mail becomes a message of its own, with the links that people made', async () => {
  const anna = await imported([letter('same', { text: 'The first.' })]);
  const byHand = await aRecord(bench.database.db, anna.tenantId, { name: 'by hand' });
  const ben = await imported([letter('same', { text: 'The second.' })], { tenantId: anna.tenantId, user: 'ben' });
  const linkByHand = async () => {
    await rows(
      anna,
      `INSERT INTO link (tenant_id, id, message_id, record_id) SELECT tenant_id, gen_random_uuid(), id, $1 FROM message`,
      [byHand],
    );
    await rows(
      anna,
      `INSERT INTO link_reason (tenant_id, link_id, kind, key, actor, record_version)
       SELECT tenant_id, id, 'person', 'usr_1', 'usr_1', 1 FROM link WHERE record_id = $1`,
      [byHand],
    );
    const ids = await rows<{ id: string }>(anna, 'SELECT id FROM message');
    await bench.database.db.inTenant(anna.tenantId, (sql) =>
      refreshTimelines(
        sql,
        anna.tenantId,
        ids.map(({ id }) => id),
      ),
    );
  };
  await linkByHand();
  const asToday = await contentOf(bench.database.ownerUrl, anna.tenantId);
  const [first, second] = await rows<{ id: string }>(anna, 'SELECT id FROM message ORDER BY created_at, id');
  await rows(anna, 'UPDATE copy SET message_id = $1', [first?.id]);
  for (const table of ['timeline', 'message_search', 'message_subject', 'message_body']) {
    await rows(anna, `DELETE FROM ${table} WHERE message_id = $1`, [second?.id]);
  }
  await rows(anna, 'DELETE FROM link_reason x USING link l WHERE l.id = x.link_id AND l.message_id = $1', [second?.id]);
  await rows(anna, 'DELETE FROM link WHERE message_id = $1', [second?.id]);
  await rows(anna, 'DELETE FROM message WHERE id = $1', [second?.id]);
  const dry = await reprocessed(anna, { mode: 'dry-run' });
  expect(plan(dry)).toEqual([{ name: 'same', fields: ['identity'] }]);
  expect(plan(await reprocessed(ben))).toEqual(plan(dry));
  expect(await content(anna)).toEqual(asToday);
  expect(await updates(anna)).toHaveLength(2);
  expect(await reprocessed(anna)).toEqual([]);
});

test('mail too big for memory is read from a file, and what has only its header is left alone', async () => {
  const policy = { maxMessageBytes: 2_000 };
  const mailbox = await imported([letters.subject, letters.file, letter('big', { text: 'x'.repeat(5_000) })], {
    policy,
  });
  const asToday = await contentOf(bench.database.ownerUrl, mailbox.tenantId);
  await damage(mailbox, ['subject', 'file']);
  const { limits } = bench.context;
  bench.context.limits = { ...limits, streamAboveBytes: 1 };
  const operationId = await ask(mailbox);
  await carryOut(mailbox, operationId).finally(() => {
    bench.context.limits = limits;
  });
  expect((await operation(mailbox, operationId))?.result).toMatchObject({ looked: 2, withoutBytes: 1, changed: 2 });
  expect(await content(mailbox)).toEqual(asToday);
  expect(await rows(mailbox, `SELECT parser_version FROM copy WHERE raw_state = 'none'`)).toEqual([
    { parser_version: 0 },
  ]);
});

test('a person who was erased and comes to light is erased, bytes and all, and told to be gone', async () => {
  const mailbox = await imported([letters.people]);
  await damage(mailbox, ['people']);
  const hash = hashOfAddress('grace@customer.example', (text) => bench.context.secretBox.fingerprintsOf(text));
  await rows(
    mailbox,
    `INSERT INTO erasure (tenant_id, id, kind, address_hashes, actor, at) VALUES ($1, gen_random_uuid(), 'person', ARRAY[$2], 'system', now())`,
    [mailbox.tenantId, hash],
  );
  expect(await reprocessed(mailbox)).toEqual([
    { name: null, fields: ['participants', 'addresses'], outcome: 'gone', reason: 'erased' },
  ]);
  const left = await tables(mailbox);
  for (const name of ['message', 'copy', 'message_body', 'timeline', 'blob', 'deletion_blob', 'thread']) {
    expect([name, left[name]]).toEqual([name, []]);
  }
  expect(await rows(mailbox, 'SELECT outcome, reason FROM placement')).toEqual([{ outcome: 3, reason: 'erased' }]);
  expect(await rows(mailbox, `SELECT FROM outbox WHERE type = 'message.removed'`)).toHaveLength(1);
  expect(await reprocessed(mailbox)).toEqual([]);
});

test('what is deleted meanwhile stays deleted', async () => {
  const mailbox = await imported();
  await damage(mailbox);
  const ref = { tenantId: mailbox.tenantId, operationId: await ask(mailbox) };
  await lookAtAll(ref);
  const target = { tenantId: mailbox.tenantId, mailboxId: mailbox.mailboxId };
  const deletionId = await askForDeletion(bench.context, target);
  await bench.database.db.inTenant(mailbox.tenantId, (sql) =>
    sql.execute('UPDATE source SET deletion_id = $1 WHERE id = $2', [deletionId, mailbox.mailboxId]),
  );
  expect(await carryOut(mailbox, ref.operationId)).toBe('done');
  const outcomes = (await found(mailbox, ref.operationId)).map(
    ({ outcome, reason }) => `${String(outcome)} ${String(reason)}`,
  );
  expect(new Set(outcomes)).toEqual(new Set(['refused mailbox-deleting']));
  await carryOutDeletion(bench.context, { ...target, deletionId });
  expect(
    await rows(
      mailbox,
      'SELECT FROM message UNION ALL SELECT FROM copy_structure UNION ALL SELECT FROM message_subject',
    ),
  ).toEqual([]);
});

/** The first half of a job, up to where it would begin to write: that of a dry run, which is then made one that writes. */
async function lookAtAll({ tenantId, operationId }: { tenantId: string; operationId: string }): Promise<void> {
  const change = (statement: string) =>
    bench.database.db.inTenant(tenantId, (sql) =>
      sql.execute(`UPDATE operation ${statement} WHERE id = $1`, [operationId]),
    );
  await change(`SET task = jsonb_set(task, '{mode}', '"dry-run"')`);
  await reprocess(bench.context, run, { tenantId, operationId });
  await change(`SET state = 'running', task = task || '{"mode": "for-good", "phase": "writing"}'`);
}

/** One message a share. */
async function oneByOne<Result>(work: () => Promise<Result>): Promise<Result> {
  const { limits } = bench.context;
  bench.context.limits = { ...limits, fetchBatchBytes: 1 };
  try {
    return await work();
  } finally {
    bench.context.limits = limits;
  }
}

/** No error that a message could be the cause of. */
const killed = Object.assign(new Error('killed'), { code: 'SIGKILL' });

/** The worker ends whenever it reads these bytes, or at the n-th read. */
async function dying<Result>(
  isFatal: (blobId: string, reads: number) => boolean,
  work: () => Promise<Result>,
): Promise<Result> {
  const { blobs } = bench.context;
  let reads = 0;
  bench.context.blobs = {
    ...blobs,
    read: (tenantId, blobId) => {
      reads += 1;
      return isFatal(blobId, reads) ? Promise.reject(killed) : blobs.read(tenantId, blobId);
    },
  };
  try {
    return await work();
  } finally {
    bench.context.blobs = blobs;
  }
}

/** As Temporal would: again, whatever it ended with. */
async function untilDone(mailbox: TestMailbox, operationId: string): Promise<number> {
  for (let deaths = 0; ; deaths += 1) {
    try {
      await carryOut(mailbox, operationId);
      return deaths;
    } catch (error) {
      if (error !== killed) throw error;
    }
  }
}

test('a worker that is killed anywhere leaves nothing undone and nothing twice', async () => {
  const mailbox = await imported();
  const asToday = await contentOf(bench.database.ownerUrl, mailbox.tenantId);
  await damage(mailbox);
  const operationId = await ask(mailbox);
  const deaths = await oneByOne(() =>
    dying(
      (_, reads) => reads % 3 === 0,
      () => untilDone(mailbox, operationId),
    ),
  );
  expect(deaths).toBeGreaterThan(4);
  expect(plan(await found(mailbox, operationId))).toEqual(expected);
  expect(await content(mailbox)).toEqual(asToday);
  expect(await updates(mailbox)).toHaveLength(expected.length);
  const { done, total, result } = (await operation(mailbox, operationId)) ?? {};
  const copies = Object.keys(letters).length;
  expect([done, total]).toEqual([copies + expected.length, copies + expected.length]);
  expect(result).toEqual({
    mode: 'for-good',
    looked: copies,
    same: copies - expected.length,
    withoutBytes: 0,
    changed: expected.length,
  });
});

test('a message that ends its worker again and again holds up no other', async () => {
  const mailbox = await imported();
  await damage(mailbox, ['subject']);
  const [fatal] = await rows<{ blob_id: string }>(
    mailbox,
    `SELECT blob_id FROM copy WHERE message_id = ${idOf('fine').replaceAll('%', mailbox.tenantId)}`,
  );
  const operationId = await ask(mailbox);
  await dying(
    (blobId) => blobId === fatal?.blob_id,
    () => untilDone(mailbox, operationId),
  );
  expect(await found(mailbox, operationId)).toEqual([
    { name: 'fine', fields: [], outcome: 'kept', reason: 'ended-its-worker' },
    { name: 'subject', fields: ['subject'], outcome: 'changed', reason: null },
  ]);
});

test('a message that the database does not take is left alone after three tries, and holds nobody up', async () => {
  const mailbox = await imported();
  await damage(mailbox);
  await asOwner(bench.database.ownerUrl, (owner) =>
    owner.query(`ALTER TABLE message_subject ADD CONSTRAINT breaks CHECK (subject <> 'Grüße') NOT VALID`),
  );
  const warned: Record<string, string>[] = [];
  const operationId = await ask(mailbox);
  try {
    const warn = (_: string, about: Record<string, string>) => void warned.push(about);
    const ref = { tenantId: mailbox.tenantId, operationId };
    expect((await reprocess(bench.context, { ...run, warn }, ref)).kind).toBe('done');
  } finally {
    await asOwner(bench.database.ownerUrl, (owner) =>
      owner.query('ALTER TABLE message_subject DROP CONSTRAINT breaks'),
    );
  }
  expect(warned).toHaveLength(3);
  expect(warned[0]).toEqual({ operationId, mailboxId: mailbox.mailboxId, error: '23514' });
  const became = new Map(
    (await found(mailbox, operationId)).map(({ name, outcome, reason }) => [name, [outcome, reason]]),
  );
  expect(became.get('subject')).toEqual(['kept', 'ended-its-worker']);
  became.delete('subject');
  expect([...became.values()]).toEqual(expected.slice(1).map(() => ['changed', null]));
  expect(await reprocessed(mailbox)).toEqual([expect.objectContaining({ name: 'subject', outcome: 'changed' })]);
});

test('who was late with a share that another has noted writes nothing', async () => {
  const mailbox = await imported();
  await damage(mailbox);
  const ref = { tenantId: mailbox.tenantId, operationId: await ask(mailbox) };
  const { blobs } = bench.context;
  const events = new EventEmitter();
  const begun = once(events, 'begun');
  const others = once(events, 'others-done');
  const waiting: typeof blobs.read = async (tenantId, blobId) => {
    events.emit('begun');
    await others;
    return blobs.read(tenantId, blobId);
  };
  const late = reprocess({ ...bench.context, blobs: { ...blobs, read: waiting } }, run, ref);
  await begun;
  await carryOut(mailbox, ref.operationId);
  events.emit('others-done');
  expect((await late).kind).toBe('held');
  expect(await updates(mailbox)).toHaveLength(expected.length);
  expect((await operation(mailbox, ref.operationId))?.state).toBe('done');
});

test('a job that is held stands still and goes on; one that is called off leaves the rest as it was', async () => {
  const mailbox = await imported();
  await damage(mailbox);
  const operationId = await ask(mailbox);
  const control = (what: 'pause' | 'resume' | 'cancel') =>
    bench.database.db.inTenant(mailbox.tenantId, (sql) =>
      controlReplay(sql, mailbox.tenantId, { id: operationId, control: what }),
    );
  const ref = { tenantId: mailbox.tenantId, operationId };
  await takeShare(bench.database.db, ref, { messages: 1, bytes: 1, tries: 3 });
  expect(await control('pause')).toBe(true);
  expect(await carryOut(mailbox, operationId)).toBe('held');
  expect(await control('resume')).toBe(true);
  await lookAtAll(ref);
  const before = await tables(mailbox);
  expect(await control('cancel')).toBe(true);
  expect(await carryOut(mailbox, operationId)).toBe('held');
  expect(await tables(mailbox)).toEqual(before);
  expect((await operation(mailbox, operationId))?.result).toMatchObject({ mode: 'for-good', differs: expected.length });
});
