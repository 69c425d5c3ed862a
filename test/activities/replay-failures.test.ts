import pg from 'pg';

import type { ActivityRun } from '../../src/activities/context';
import { replayFailures } from '../../src/activities/replay-failures';
import { defaultLimits } from '../../src/config/limits';
import { DatabaseUnavailable } from '../../src/db/database-error';
import { newUuid } from '../../src/db/new-id';
import { anyFailure, insertFetch, insertReplay, type ReplayFilter } from '../../src/db/replay/replay-select';
import { takeShare } from '../../src/db/replay/replay-share';
import { publicId } from '../../src/domain/ids';
import { outcomes } from '../../src/domain/ledger';
import { createParsePool } from '../../src/mail/parse/parse-pool';
import { issueKey, testApi } from '../support/api';
import { auditOf } from '../support/audit-of';
import { mail } from '../support/mail-factory';
import { aRecord } from '../support/mail-rows';
import { startScriptedServer, type Script, type ScriptedServer } from '../support/scripted-imap-server';
import { createSyncBench, type SyncBench, type TestMailbox } from '../support/sync-bench';

let bench: SyncBench;
let server: ScriptedServer;
/** The parser as it was, which reads no message of many parts, and as it is after the fix. */
let old: SyncBench['context']['parsePool'];
let fixed: SyncBench['context']['parsePool'];

beforeAll(async () => {
  bench = await createSyncBench(0, { maxParts: 3 });
  old = bench.context.parsePool;
  fixed = createParsePool({ threads: 1, timeoutMs: 20_000, heapMegabytes: 256, limits: defaultLimits });
});
afterAll(async () => {
  await fixed.close();
  bench.context.parsePool = old;
  await bench.close();
});
afterEach(async () => {
  bench.context.parsePool = old;
  bench.context.now = Date.now;
  await bench.context.connections.closeAll();
  await server.stop();
});

const runId = newUuid();
const run: ActivityRun = { signal: new AbortController().signal, runId, heartbeat: () => undefined };
// Within a day of the INTERNALDATE that the scripted server tells.
const date = new Date('2026-01-02T02:00:00Z');
const poison = (name: string, from = 'ada@customer.example') =>
  mail({
    from,
    subject: name,
    date,
    messageId: `${name}@customer.example`,
    attachments: [1, 2, 3, 4].map((n) => ({ filename: `${String(n)}.txt`, content: name })),
  });
const asMessages = (raws: Buffer[]) => raws.map((raw, at) => ({ uid: at + 1, raw }));

async function connect(raws: Buffer[], script: Script = {}, policy = {}): Promise<TestMailbox> {
  server = await startScriptedServer({
    folders: { INBOX: { uidValidity: '7', messages: asMessages(raws) } },
    ...script,
  });
  return bench.connect({ port: server.port, user: 'somebody', withoutPerson: true, policy });
}

/** A mailbox whose messages are all parked with their bytes. */
async function connectParked(raws: Buffer[], policy = {}): Promise<TestMailbox> {
  const mailbox = await connect(raws, {}, policy);
  await mailbox.syncAll();
  return mailbox;
}

const rows = <Row extends object>({ tenantId }: TestMailbox, text: string, values: unknown[] = []) =>
  bench.database.db.inTenant(tenantId, (sql) => sql.query<Row>(text, values));

interface Wanted {
  filter?: Partial<ReplayFilter>;
  mode?: 'for-good' | 'dry-run';
}

const write = ({ tenantId }: TestMailbox, { filter = {}, mode = 'for-good' }: Wanted = {}) =>
  bench.database.db.inTenant(tenantId, (sql) =>
    insertReplay(
      sql,
      { tenantId, userId: null },
      {
        filter: { ...anyFailure, ...filter },
        task: { mode, senderDomain: filter.senderDomain ?? null, actor: 'key_1' },
      },
    ),
  );

async function carryOut(mailbox: TestMailbox, operationId: string): Promise<{ outcome: string; reason: string }[]> {
  const ref = { tenantId: mailbox.tenantId, operationId };
  while ((await replayFailures(bench.context, run, ref)).kind === 'more');
  return rows(mailbox, 'SELECT outcome, reason FROM replay_item WHERE operation_id = $1 ORDER BY gen_id, uid', [
    operationId,
  ]);
}

const replay = async (mailbox: TestMailbox, wanted: Wanted = {}) => carryOut(mailbox, await write(mailbox, wanted));

const operation = async (mailbox: TestMailbox, id: string) =>
  (
    await rows<{ state: string; done: number; result: object }>(mailbox, 'SELECT * FROM operation WHERE id = $1', [id])
  )[0];

/** Everything that a replay could write, but its own job. */
const state = (mailbox: TestMailbox) =>
  rows(
    mailbox,
    `SELECT (SELECT jsonb_agg(p ORDER BY p.gen_id, p.uid) FROM placement p) AS placements, (SELECT jsonb_agg(x ORDER BY x.id) FROM failure x) AS failures,
       (SELECT count(*) FROM copy) AS copies, (SELECT count(*) FROM message) AS messages, (SELECT count(*) FROM outbox) AS events,
       (SELECT count(*) FROM blob) AS blobs, (SELECT count(*) FROM timeline) AS places`,
  );

const recordedEvents = (mailbox: TestMailbox) =>
  rows(mailbox, `SELECT seq FROM outbox WHERE type = 'message.recorded'`);

const inElevenMinutes = () => Date.now() + 660_000;

test('after a fix, parked mail stands once in its timeline, at its own date, with one event, from the bytes that were kept', async () => {
  const mailbox = await connectParked([poison('one'), mail({ subject: 'fine' })]);
  const recordId = await aRecord(bench.database.db, mailbox.tenantId, { addresses: ['ada@customer.example'] });
  const before = await recordedEvents(mailbox);
  const blobs = await rows(mailbox, 'SELECT id FROM blob');
  bench.context.parsePool = fixed;
  await server.stop();
  expect(await replay(mailbox)).toEqual([{ outcome: 'recorded', reason: null }]);
  const [row] = (await mailbox.ledger()).filter(({ uid }) => uid === 1);
  expect(row).toMatchObject({ outcome: outcomes.recorded, reason: null, presence: 1 });
  expect(await recordedEvents(mailbox)).toHaveLength(before.length + 1);
  const places = await rows<{ sort_at: Date }>(
    mailbox,
    'SELECT sort_at FROM timeline WHERE record_id = $1 AND principal = -1 AND message_id = $2',
    [recordId, row?.messageId],
  );
  expect(places.map((place) => place.sort_at)).toEqual([date]);
  expect(await rows(mailbox, 'SELECT id FROM blob')).toHaveLength(blobs.length);
  expect(await rows(mailbox, `SELECT state, attempts FROM failure WHERE replayed_at IS NOT NULL`)).toEqual([
    { state: 'replayed', attempts: 2 },
  ]);
});

test('a replay that fails again says so, counts the try, and tells nobody twice', async () => {
  const mailbox = await connectParked([poison('again')]);
  const events = await rows(mailbox, 'SELECT seq FROM outbox');
  const operationId = await write(mailbox);
  expect(await carryOut(mailbox, operationId)).toEqual([{ outcome: 'parked', reason: 'too-many-parts' }]);
  expect(await rows(mailbox, 'SELECT state, attempts, next_try_at FROM failure')).toEqual([
    { state: 'parked', attempts: 2, next_try_at: null },
  ]);
  expect(await rows(mailbox, 'SELECT seq FROM outbox')).toEqual(events);
  expect(await operation(mailbox, operationId)).toMatchObject({ state: 'done', done: 1, result: { parked: 1 } });
});

test('a dry run says what would happen for each, and writes nothing', async () => {
  const mailbox = await connectParked([poison('dry'), poison('wet')]);
  const before = await state(mailbox);
  expect(await replay(mailbox, { mode: 'dry-run' })).toEqual([
    { outcome: 'parked', reason: 'too-many-parts' },
    { outcome: 'parked', reason: 'too-many-parts' },
  ]);
  bench.context.parsePool = fixed;
  expect(await replay(mailbox, { mode: 'dry-run' })).toEqual([
    { outcome: 'recorded', reason: null },
    { outcome: 'recorded', reason: null },
  ]);
  expect(await state(mailbox)).toEqual(before);
});

test('two replays of the same messages at once record each once', async () => {
  const mailbox = await connectParked(['a', 'b', 'c', 'd'].map((name) => poison(name)));
  bench.context.parsePool = fixed;
  const jobs = await Promise.all([write(mailbox), write(mailbox)]);
  const reports = await Promise.all(jobs.map((job) => carryOut(mailbox, job)));
  expect(await recordedEvents(mailbox)).toHaveLength(4);
  expect(await rows(mailbox, 'SELECT id FROM message')).toHaveLength(4);
  const all = reports.flat();
  expect(all.filter(({ outcome }) => outcome === 'recorded')).toHaveLength(4);
  expect(all.filter(({ outcome, reason }) => outcome === 'healed' && reason === 'recorded')).toHaveLength(4);
});

test('a second replay finds nothing, and one that names the failure says that it is healed', async () => {
  const mailbox = await connectParked([poison('twice')]);
  bench.context.parsePool = fixed;
  await replay(mailbox);
  const before = await state(mailbox);
  expect(await replay(mailbox)).toEqual([]);
  const [failure] = await rows<{ id: string }>(mailbox, 'SELECT id FROM failure');
  expect(await replay(mailbox, { filter: { ids: [failure?.id ?? ''] } })).toEqual([
    { outcome: 'healed', reason: 'recorded' },
  ]);
  expect(await state(mailbox)).toEqual(before);
});

test('a filter takes what fits: sender, text of the error, parser version, kind, time', async () => {
  const mailbox = await connectParked([poison('a'), poison('b', 'bob@mail.other.example')]);
  const dry = (filter: Partial<ReplayFilter>) => replay(mailbox, { filter, mode: 'dry-run' });
  expect((await dry({ senderDomain: 'other.example' })).map(({ outcome }) => outcome)).toEqual(['left-out', 'parked']);
  expect(await dry({ text: 'PARTS' })).toHaveLength(2);
  expect(await dry({ text: 'timeout' })).toHaveLength(0);
  expect(await dry({ parserVersion: bench.context.parserVersion })).toHaveLength(2);
  expect(await dry({ parserVersion: 99_999 })).toHaveLength(0);
  expect(await dry({ kind: 'refused' })).toHaveLength(0);
  expect(await dry({ since: new Date(0), until: new Date(Date.now() + 60_000) })).toHaveLength(2);
  expect(await dry({ until: new Date(0) })).toHaveLength(0);
  expect(await dry({ mailboxId: mailbox.mailboxId })).toHaveLength(2);
});

test('a paused mailbox is replayed from what is stored', async () => {
  const mailbox = await connectParked([poison('paused')]);
  await rows(mailbox, `UPDATE source SET desired_state = 'paused', generation = generation + 1`);
  bench.context.parsePool = fixed;
  expect(await replay(mailbox)).toEqual([{ outcome: 'recorded', reason: null }]);
});

test('a mailbox that is being deleted is refused', async () => {
  const mailbox = await connectParked([poison('deleting')]);
  await rows(mailbox, `UPDATE source SET desired_state = 'stopped', deletion_id = gen_random_uuid()`);
  const before = await state(mailbox);
  bench.context.parsePool = fixed;
  expect(await replay(mailbox)).toEqual([{ outcome: 'refused', reason: 'mailbox-deleting' }]);
  expect(await state(mailbox)).toEqual(before);
});

test('with unmatched: drop, mail of nobody known is filtered, and its bytes are let go', async () => {
  const mailbox = await connectParked([poison('nobody')], { unmatched: 'drop' });
  bench.context.parsePool = fixed;
  expect(await replay(mailbox)).toEqual([{ outcome: 'filtered', reason: 'unmatched' }]);
  expect(await rows(mailbox, 'SELECT blob_id, raw_sha FROM placement')).toEqual([{ blob_id: null, raw_sha: null }]);
});

test('a message that a worker began with three times and never came back from is left alone, the others are read', async () => {
  const mailbox = await connectParked([poison('killer'), poison('good')]);
  bench.context.parsePool = fixed;
  const operationId = await write(mailbox);
  const ref = { tenantId: mailbox.tenantId, operationId };
  const limits = { messages: 50, bytes: 8_388_608 };
  const taken = async () => {
    const share = await takeShare(bench.database.db, ref, limits);
    return share.kind === 'work' ? share.items.map(({ uid }) => uid) : [];
  };
  expect(await taken()).toEqual([2, 1]);
  // Taken before and not noted: from now on alone.
  expect(await taken()).toHaveLength(1);
  await rows(mailbox, 'UPDATE replay_item SET tries = 3 WHERE uid = 1');
  expect(await carryOut(mailbox, operationId)).toEqual([
    { outcome: 'parked', reason: 'ended-its-worker' },
    { outcome: 'recorded', reason: null },
  ]);
});

/** The activity, as Temporal tries it again after an error; with the number of errors. */
async function carryOutInTheEnd(mailbox: TestMailbox, operationId: string) {
  for (let errors = 0; ; errors += 1) {
    try {
      return { errors, report: await carryOut(mailbox, operationId) };
    } catch (error) {
      if (errors === 10) throw error;
    }
  }
}

test('a message that the database does not take is left alone after three tries, and holds nobody up', async () => {
  const mailbox = await connectParked([poison('refused'), poison('good')]);
  const owner = new pg.Client(bench.database.ownerUrl);
  await owner.connect();
  await owner.query(`ALTER TABLE failure ADD CONSTRAINT breaks CHECK (uid <> 1 OR state <> 'replayed') NOT VALID`);
  bench.context.parsePool = fixed;
  const operationId = await write(mailbox);
  try {
    expect(await carryOutInTheEnd(mailbox, operationId)).toEqual({
      errors: 0,
      report: [
        { outcome: 'parked', reason: 'ended-its-worker' },
        { outcome: 'recorded', reason: null },
      ],
    });
  } finally {
    await owner.query('ALTER TABLE failure DROP CONSTRAINT breaks');
    await owner.end();
  }
  expect(await operation(mailbox, operationId)).toMatchObject({ state: 'done' });
  expect(await replay(mailbox)).toEqual([{ outcome: 'recorded', reason: null }]);
});

test('twelve messages that the database does not take cost no try of the activity, and each three of its own', async () => {
  const uids = Array.from({ length: 12 }, (_, at) => at + 1);
  const mailbox = await connectParked([...uids.map((uid) => poison(`refused-${String(uid)}`)), poison('good')]);
  const owner = new pg.Client(bench.database.ownerUrl);
  await owner.connect();
  await owner.query(`ALTER TABLE failure ADD CONSTRAINT breaks CHECK (uid = 13 OR state <> 'replayed') NOT VALID`);
  bench.context.parsePool = fixed;
  const operationId = await write(mailbox);
  const warned: Record<string, string>[] = [];
  const warn = (_: string, about: Record<string, string>) => void warned.push(about);
  try {
    const ref = { tenantId: mailbox.tenantId, operationId };
    // The first share holds all of them; then each good one has its turn, and each other one two more.
    expect(await replayFailures(bench.context, { ...run, warn }, ref)).toEqual({
      kind: 'done',
      looked: 13,
      progress: { done: 13, total: 13, counts: expect.any(Object) as unknown },
    });
  } finally {
    await owner.query('ALTER TABLE failure DROP CONSTRAINT breaks');
    await owner.end();
  }
  expect(warned).toHaveLength(1 + 2 * 12);
  expect(warned[0]).toEqual({ operationId, mailboxId: mailbox.mailboxId, error: '23514' });
  expect(await operation(mailbox, operationId)).toMatchObject({ done: 13, result: { parked: 12, recorded: 1 } });
});

test.each([
  ['40001', 'serialization'],
  ['08006', 'a connection that is lost'],
])('%s, %s, ends the activity and holds no try against the message', async (code) => {
  const mailbox = await connectParked([poison('one')]);
  const operationId = await write(mailbox);
  const error = Object.assign(new Error('of the database'), { code });
  bench.context.parsePool = {
    ...fixed,
    parse: () => Promise.reject(code === '08006' ? new DatabaseUnavailable(error) : error),
  };
  await expect(carryOut(mailbox, operationId)).rejects.toThrow();
  expect(await rows(mailbox, 'SELECT tries FROM replay_item')).toEqual([{ tries: 0 }]);
});

test('a disk that fails ends the activity: it is no fault of the message', async () => {
  const mailbox = await connectParked([poison('one')]);
  const operationId = await write(mailbox);
  const error = Object.assign(new Error('no space'), { code: 'ENOSPC' });
  bench.context.parsePool = { ...fixed, parse: () => Promise.reject(error) };
  await expect(carryOut(mailbox, operationId)).rejects.toThrow('no space');
});

test('a replay that was told to stop holds no try against its messages', async () => {
  const mailbox = await connectParked([poison('stopped')]);
  const operationId = await write(mailbox);
  const stop = new AbortController();
  bench.context.parsePool = {
    ...fixed,
    parse: () => {
      stop.abort();
      return Promise.reject(new Error('the worker ends'));
    },
  };
  const ref = { tenantId: mailbox.tenantId, operationId };
  await expect(replayFailures(bench.context, { ...run, signal: stop.signal }, ref)).rejects.toThrow();
  expect(await rows(mailbox, 'SELECT tries FROM replay_item')).toEqual([{ tries: 0 }]);
});

/** A mailbox of which the server delivers everything but the second message. */
async function connectUndelivered(): Promise<TestMailbox & { deliver: () => void }> {
  let delivers = false;
  const mailbox = await connect([mail({ subject: 'first' }), mail({ subject: 'second', date })]);
  server.on['UID FETCH'] = (context) => {
    if (!delivers && context.args.includes('BODY') && /^([\d,:]*,)?2(,|\s|$)|^1:/.test(context.args)) {
      context.no('[UNAVAILABLE] not this one');
    } else context.usual();
  };
  for (let tried = 0; tried < 3; tried += 1) await mailbox.syncAll().catch(() => undefined);
  bench.context.now = inElevenMinutes;
  await mailbox.syncAll();
  bench.context.now = Date.now;
  return { ...mailbox, deliver: () => (delivers = true) };
}

test('what the server did not deliver is fetched again, and says so before in a dry run', async () => {
  const mailbox = await connectUndelivered();
  expect(await replay(mailbox, { mode: 'dry-run' })).toEqual([{ outcome: 'fetch', reason: null }]);
  mailbox.deliver();
  expect(await replay(mailbox)).toEqual([{ outcome: 'recorded', reason: null }]);
  expect((await mailbox.ledger())[1]).toMatchObject({ uid: 2, outcome: outcomes.recorded });
});

test('a mailbox that lacked nothing but what is replayed is compared at once', async () => {
  const mailbox = await connectUndelivered();
  await auditOf(bench, mailbox);
  const due = () => rows(mailbox, 'SELECT flags, audit_due_at <= now() AS due FROM mailbox');
  expect(await due()).toEqual([{ flags: ['incomplete'], due: false }]);
  mailbox.deliver();
  await replay(mailbox, { mode: 'dry-run' });
  expect(await due()).toEqual([{ flags: ['incomplete'], due: false }]);
  await replay(mailbox);
  expect(await due()).toEqual([{ flags: ['incomplete'], due: true }]);
});

test('what is not delivered again is asked for ever more seldom', async () => {
  const mailbox = await connectUndelivered();
  expect(await nextTryInHours(mailbox)).toBe(1);
  expect(await replay(mailbox)).toEqual([{ outcome: 'parked', reason: 'not-delivered' }]);
  expect(await nextTryInHours(mailbox)).toBe(2);
  await replay(mailbox);
  expect(await nextTryInHours(mailbox)).toBe(4);
  await rows(mailbox, 'UPDATE failure SET attempts = 30');
  await replay(mailbox);
  expect(await nextTryInHours(mailbox)).toBeNull();
});

test('a paused mailbox is not asked, which is said, and is made up for later', async () => {
  const mailbox = await connectUndelivered();
  await rows(mailbox, `UPDATE source SET desired_state = 'paused', generation = generation + 1`);
  expect(await replay(mailbox)).toEqual([{ outcome: 'not-fetched', reason: 'mailbox-paused' }]);
  expect(await rows(mailbox, 'SELECT next_try_at IS NOT NULL AS planned FROM failure')).toEqual([{ planned: true }]);
});

/** In how many hours the server is asked again; null: no more. */
const nextTryInHours = async (mailbox: TestMailbox) =>
  (
    await rows<{ hours: number | null }>(
      mailbox,
      'SELECT round(extract(epoch FROM next_try_at - now()) / 3600)::integer AS hours FROM failure',
    )
  )[0]?.hours;

test('what the server does not list is gone, and is asked for ever more seldom: one listing can be wrong', async () => {
  const mailbox = await connectUndelivered();
  const hidden = server.folders.get('INBOX')?.messages.pop();
  expect(await replay(mailbox)).toEqual([{ outcome: 'gone', reason: 'not-on-server' }]);
  expect(await nextTryInHours(mailbox)).toBe(2);
  if (hidden !== undefined) server.folders.get('INBOX')?.messages.push(hidden);
  mailbox.deliver();
  expect(await replay(mailbox)).toEqual([{ outcome: 'recorded', reason: null }]);
});

test('what is in a folder that is gone is asked for ever more seldom, and in the end no more', async () => {
  const mailbox = await connectUndelivered();
  await rows(mailbox, 'UPDATE folder SET gone_at = now()');
  expect(await replay(mailbox)).toEqual([{ outcome: 'gone', reason: 'not-on-server' }]);
  expect(await nextTryInHours(mailbox)).toBe(2);
  await rows(mailbox, 'UPDATE failure SET attempts = 30');
  await replay(mailbox);
  expect(await nextTryInHours(mailbox)).toBeNull();
});

test('what was removed on a server that is mirrored is asked for no more', async () => {
  const mailbox = await connectUndelivered();
  await rows(mailbox, 'UPDATE placement SET presence = 2, presence_at = now() WHERE uid = 2');
  await rows(mailbox, `UPDATE source SET policy = policy || '{"removals": "mirror"}'`);
  expect(await replay(mailbox)).toEqual([{ outcome: 'gone', reason: 'removed-on-server' }]);
  expect(await nextTryInHours(mailbox)).toBeNull();
});

test('a deletion that is undone has changed no plan of asking the server again', async () => {
  const mailbox = await connectUndelivered();
  await rows(mailbox, `UPDATE source SET desired_state = 'stopped', deletion_id = gen_random_uuid()`);
  expect(await replay(mailbox)).toEqual([{ outcome: 'refused', reason: 'mailbox-deleting' }]);
  expect(await nextTryInHours(mailbox)).toBe(1);
});

test('a message that ends the connection is parked again, the next is fetched over a new one', async () => {
  const mailbox = await connectUndelivered();
  server.on['UID FETCH'] = (context) => {
    if (context.args.includes('BODY')) context.cut();
    else context.usual();
  };
  expect(await replay(mailbox)).toEqual([{ outcome: 'parked', reason: 'not-delivered' }]);
});

test('a server that cannot be reached is asked later', async () => {
  const mailbox = await connectUndelivered();
  await bench.context.connections.closeAll();
  await server.stop();
  expect(await replay(mailbox)).toEqual([{ outcome: 'not-fetched', reason: 'unreachable' }]);
});

test('a mailbox whose password cannot be read for want of its key is asked later, and a round says why', async () => {
  const mailbox = await connectUndelivered();
  await bench.context.connections.closeAll();
  await rows(mailbox, `UPDATE mailbox SET secret_key_id = 'lost'`);
  expect(await replay(mailbox)).toEqual([{ outcome: 'not-fetched', reason: 'refused' }]);
  expect(await mailbox.round()).toMatchObject({ failure: 'refused (password-unreadable)' });
});

test('the trail of a replayed message says that it was parked when it was seen, and recorded when it was replayed', async () => {
  const mailbox = await connectParked([poison('one')]);
  bench.context.parsePool = fixed;
  await replay(mailbox);
  const [row] = await mailbox.ledger();
  const { headers } = await issueKey(bench.database.db, mailbox.tenantId);
  const url = `/v1/messages/${publicId('message', row?.messageId ?? '')}/trail`;
  const told = await testApi(bench.database.db).api.inject({ url, headers });
  const { items } = told.json<{ items: { event: string; at: string; words: string }[] }>();
  const of = (event: string) => items.find((item) => item.event === event);
  expect(of('seen')?.words).toBe('Seen in the folder; parked.');
  expect(of('recorded')?.at).toBe(of('replayed')?.at);
  expect(of('seen')?.at).toBe(of('parked')?.at);
  expect(items.filter(({ at, words }) => at < (of('replayed')?.at ?? '') && words.includes('recorded'))).toEqual([]);
});

test('a message that is kept by its header alone is completed where it stands', async () => {
  const big = mail({ subject: 'big', date, text: 'needle '.repeat(2_000), attachments: [{ content: 'file' }] });
  const mailbox = await connect([big], {}, { maxMessageBytes: 5_000 });
  await mailbox.syncAll();
  const [before] = await mailbox.ledger();
  expect(before).toMatchObject({ outcome: outcomes['headers-only'] });
  const task = { mode: 'for-good' as const, senderDomain: null, actor: 'key_1' };
  const fetch = () =>
    bench.database.db.inTenant(mailbox.tenantId, (sql) =>
      insertFetch(sql, { tenantId: mailbox.tenantId, userId: null }, { messageId: before?.messageId ?? '', task }),
    );
  const operationId = await fetch();
  expect(await carryOut(mailbox, operationId ?? '')).toEqual([{ outcome: 'recorded', reason: null }]);
  const [after] = await mailbox.ledger();
  expect(after).toMatchObject({ outcome: outcomes.recorded, messageId: before?.messageId, copyId: before?.copyId });
  expect(await rows(mailbox, 'SELECT raw_state, raw_size FROM copy')).toEqual([
    { raw_state: 'full', raw_size: big.length },
  ]);
  const [message] = await rows(
    mailbox,
    `SELECT m.marks, m.has_attachments, b.text LIKE '%needle%' AS told FROM message m JOIN message_body b ON b.message_id = m.id`,
  );
  expect(message).toEqual({ marks: [], has_attachments: true, told: true });
  const { headers } = await issueKey(bench.database.db, mailbox.tenantId);
  const url = `/v1/messages/${publicId('message', before?.messageId ?? '')}/trail`;
  const told = await testApi(bench.database.db).api.inject({ url, headers });
  const { items } = told.json<{ items: { event: string; runId: string | null }[] }>();
  const ofFetch = items.filter((item) => item.runId === runId).map(({ event }) => event);
  expect(ofFetch.sort()).toEqual(['completed', 'fetched', 'stored']);
  expect(await fetch()).toBeNull();
});
