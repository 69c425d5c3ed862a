import { verifyMailbox } from '../../src/activities/verify/verify-mailbox';
import { auditFolders } from '../../src/activities/audit-folders';
import { beginDueAudit, dueAudits } from '../../src/db/sync/audits-due';
import { replayFailures } from '../../src/activities/replay-failures';
import { mailboxesWithDueTries } from '../../src/db/replay/replay-control';
import { insertDueReplay } from '../../src/db/replay/replay-select';
import { readCompleteness } from '../../src/db/completeness';
import { readOnly } from '../../src/db/verify/read-only';
import { auditOf } from '../support/audit-of';
import { mail } from '../support/mail-factory';
import { folderOf } from '../support/scripted-imap-folder';
import { startScriptedServer, type Handler, type ScriptedServer } from '../support/scripted-imap-server';
import { createSyncBench, type SyncBench, type TestMailbox } from '../support/sync-bench';

let bench: SyncBench;
let server: ScriptedServer;

beforeAll(async () => {
  bench = await createSyncBench(0, { socketTimeoutMs: 3_000 });
});

afterAll(async () => {
  await bench.close();
});

afterEach(async () => {
  await bench.context.connections.closeAll();
  await server.stop();
});

const run = { signal: new AbortController().signal, heartbeat: () => undefined };

const messagesOf = (...uids: number[]) => uids.map((uid) => ({ uid, raw: mail({ subject: `number ${String(uid)}` }) }));

const rowsOf = <Row extends object>({ tenantId }: TestMailbox, text: string) =>
  bench.database.db.inTenant(tenantId, (sql) => sql.query<Row>(text));

/** Two folders, read and proven; from then on opening `Closed` is answered by these words. */
async function withClosedFolder(words: string, status: 'unchanged' | 'changed' = 'changed'): Promise<TestMailbox> {
  const folders = {
    INBOX: { uidValidity: '7', messages: messagesOf(1, 2) },
    Closed: { uidValidity: '9', messages: messagesOf(3, 4) },
  };
  server = await startScriptedServer({ folders });
  const mailbox = await bench.connect({ port: server.port, user: 'somebody', withoutPerson: true });
  await mailbox.syncAll();
  await mailbox.round();
  await auditOf(bench, mailbox);
  expect(await verdictsOf(mailbox)).toEqual({ INBOX: ['complete', null], Closed: ['complete', null] });
  const refuse: Handler = ({ args, no, usual }) => {
    if (args.includes('Closed')) no(words);
    else usual();
  };
  server.on = { EXAMINE: refuse };
  if (status === 'changed') receive('Closed', [3, 4, 5]);
  return mailbox;
}

function receive(path: string, uids: number[]): void {
  const folder = server.folders.get(path);
  if (folder === undefined) throw new Error('no such folder');
  Object.assign(folder, folderOf({ uidValidity: folder.uidValidity, messages: messagesOf(...uids) }));
}

async function verdictsOf({ tenantId, mailboxId }: TestMailbox): Promise<Record<string, (string | null)[]>> {
  const folders = await readCompleteness(bench.database.db, tenantId, mailboxId);
  return Object.fromEntries(folders.map(({ folder, verdict, reason }) => [folder, [verdict, reason]]));
}

const dueNow = async ({ mailboxId }: TestMailbox) =>
  (await dueAudits(bench.database.db, 1_000)).some((due) => due.mailboxId === mailboxId);

const triesNow = async ({ mailboxId }: TestMailbox) =>
  (await mailboxesWithDueTries(bench.database.db)).some((due) => due.mailboxId === mailboxId);

const refusals: [string, string, string][] = [
  ['[NOPERM] Not yours', 'no-permission', 'needs-attention'],
  ['[CORRUPTION] The index is broken', 'folder-corrupt', 'needs-attention'],
  ['[INUSE] Locked', 'in-use', 'backing-off'],
  ['[SERVERBUG] Internal error occurred. Refer to server log for more information.', 'unavailable', 'backing-off'],
];

describe.each(refusals)('a folder that is not opened any more, for %s,', (words, code, state) => {
  test('is not provable, and the other is complete all the same', async () => {
    const mailbox = await withClosedFolder(words);
    await mailbox.round();
    expect(await rowsOf(mailbox, 'SELECT state, state_reason FROM mailbox')).toEqual([{ state, state_reason: code }]);
    await rowsOf(mailbox, `UPDATE folder_audit SET checked_at = now() - interval '1 day' RETURNING 1`);
    expect(await auditOf(bench, mailbox)).toMatchObject({ kind: 'done', state: 'done' });
    expect(await verdictsOf(mailbox)).toEqual({ INBOX: ['complete', null], Closed: ['not-provable', code] });
    expect(await rowsOf(mailbox, 'SELECT flags FROM mailbox')).toEqual([{ flags: ['incomplete'] }]);
    const late = `SELECT 1 FROM folder_audit WHERE checked_at < now() - interval '1 hour'`;
    expect(await rowsOf(mailbox, late)).toEqual([]);
  });

  test('keeps the mailbox from no audit and from no further try', async () => {
    const mailbox = await withClosedFolder(words);
    await mailbox.round();
    await rowsOf(
      mailbox,
      `INSERT INTO failure (tenant_id, id, source_id, gen_id, uid, kind, code, versions, next_try_at)
       SELECT tenant_id, gen_random_uuid(), source_id, gen_id, uid, 'unreadable', 'not-delivered', '{}', now() FROM placement WHERE uid = 2 RETURNING 1`,
    );
    await rowsOf(mailbox, `UPDATE mailbox SET audit_due_at = now() RETURNING 1`);
    expect(await dueNow(mailbox)).toBe(true);
    expect(await triesNow(mailbox)).toBe(true);
    await rowsOf(mailbox, `UPDATE source SET desired_state = 'paused' RETURNING 1`);
    expect(await dueNow(mailbox)).toBe(false);
    expect(await triesNow(mailbox)).toBe(false);
  });
});

test('a folder that is opened again is compared at once, and complete', async () => {
  const mailbox = await withClosedFolder('[NOPERM] Not yours');
  await mailbox.round();
  await auditOf(bench, mailbox);
  server.on = {};
  await mailbox.syncAll();
  expect(await dueNow(mailbox)).toBe(true);
  await auditOf(bench, mailbox);
  expect(await verdictsOf(mailbox)).toEqual({ INBOX: ['complete', null], Closed: ['complete', null] });
  expect(await rowsOf(mailbox, 'SELECT flags, state FROM mailbox')).toEqual([{ flags: [], state: 'live' }]);
});

test('an import that a closed folder keeps from its end keeps the mailbox from its audits for a day', async () => {
  const mailbox = await withClosedFolder('[NOPERM] Not yours');
  await mailbox.round();
  await rowsOf(mailbox, 'UPDATE mailbox SET audit_due_at = now() RETURNING 1');
  await rowsOf(
    mailbox,
    `INSERT INTO operation (tenant_id, id, kind, source_id, state) SELECT tenant_id, gen_random_uuid(), 'import', source_id, 'running' FROM mailbox RETURNING 1`,
  );
  expect(await dueNow(mailbox)).toBe(false);
  await rowsOf(
    mailbox,
    `UPDATE operation SET created_at = now() - interval '25 hours' WHERE kind = 'import' RETURNING 1`,
  );
  expect(await dueNow(mailbox)).toBe(true);
});

test('what was missing in a folder that is closed now has not healed', async () => {
  const mailbox = await withClosedFolder('[NOPERM] Not yours', 'unchanged');
  const { on } = server;
  server.on = {};
  await rowsOf(mailbox, 'DELETE FROM placement WHERE uid = 4 RETURNING 1');
  await auditOf(bench, mailbox);
  server.on = on;
  await auditOf(bench, mailbox);
  expect(await verdictsOf(mailbox)).toMatchObject({ Closed: ['not-provable', 'no-permission'] });
  const findings = await rowsOf(mailbox, 'SELECT kind, uids FROM audit_finding WHERE healed_at IS NULL ORDER BY kind');
  expect(findings).toEqual([
    { kind: 'missing', uids: [4] },
    { kind: 'not-provable', uids: [] },
  ]);
  expect(await rowsOf(mailbox, `SELECT missing FROM folder_audit WHERE verdict <> 'complete'`)).toEqual([
    { missing: [4] },
  ]);
  server.on = {};
  await mailbox.round();
  await auditOf(bench, mailbox);
  expect(await verdictsOf(mailbox)).toMatchObject({ Closed: ['complete', null] });
});

test.each([
  ['BAD Request is throttled', 'throttled'],
  ['NO Server busy, try again in 5 minutes', 'unavailable'],
])('a server that asks to be left alone, with %s, is, and no folder is blamed', async (answer, code) => {
  const mailbox = await withClosedFolder('unused');
  server.on = {
    EXAMINE: ({ tag, args, send, usual }) => {
      if (args.includes('Closed')) send(`${tag} ${answer}`);
      else usual();
    },
  };
  await mailbox.round();
  expect(await rowsOf(mailbox, 'SELECT state_reason FROM mailbox')).toEqual([{ state_reason: code }]);
  await rowsOf(mailbox, `UPDATE mailbox SET audit_due_at = now() RETURNING 1`);
  expect(await dueNow(mailbox)).toBe(false);
  expect(await auditOf(bench, mailbox)).toMatchObject({ kind: 'retry', state: 'failed' });
  expect(await verdictsOf(mailbox)).toMatchObject({ Closed: ['complete', null] });
});

test('one folder that is closed does not outweigh a connection that breaks at another', async () => {
  const mailbox = await withClosedFolder('[NOPERM] Not yours');
  receive('INBOX', [1, 2, 6]);
  server.on = {
    EXAMINE: ({ args, no, cut }) => {
      if (args.includes('Closed')) no('[NOPERM] Not yours');
      else cut();
    },
  };
  await mailbox.round();
  expect(await rowsOf(mailbox, 'SELECT state FROM mailbox')).toEqual([{ state: 'backing-off' }]);
  await rowsOf(mailbox, `UPDATE mailbox SET audit_due_at = now() RETURNING 1`);
  expect(await dueNow(mailbox)).toBe(false);
});

test('the mailbox is compared each day, for as long as one of its folders stays closed', async () => {
  const mailbox = await withClosedFolder('[NOPERM] Not yours');
  await mailbox.round();
  await auditOf(bench, mailbox);
  const { db } = bench.database;
  for (let day = 0; day < 3; day += 1) {
    await rowsOf(mailbox, `UPDATE mailbox SET audit_due_at = now() - interval '1 minute' RETURNING 1`);
    expect(await dueNow(mailbox)).toBe(true);
    await auditFolders(bench.context, run, { ...mailbox, ...(await beginDueAudit(db, mailbox)) });
    expect(await verdictsOf(mailbox)).toEqual({ INBOX: ['complete', null], Closed: ['not-provable', 'no-permission'] });
    await mailbox.round();
  }
  expect(await rowsOf(mailbox, `SELECT 1 FROM operation WHERE kind = 'audit' AND state <> 'done'`)).toEqual([]);
});

describe('what was not delivered is asked for', () => {
  /** One undelivered message in each folder, or those that are given, whose turn it is; those of the INBOX come first. */
  async function tryAgain(mailbox: TestMailbox, uids = [2, 4]): Promise<object[]> {
    await rowsOf(
      mailbox,
      `WITH undelivered AS (UPDATE placement SET outcome = 5, copy_id = NULL, raw_sha = NULL WHERE uid IN (${uids.join(', ')}) RETURNING *)
       INSERT INTO failure (tenant_id, id, source_id, gen_id, uid, kind, code, versions, next_try_at)
       SELECT tenant_id, gen_random_uuid(), source_id, gen_id, uid, 'unreadable', 'not-delivered', '{}', now() FROM undelivered RETURNING 1`,
    );
    const { db } = bench.database;
    const operationId = await db.inTenant(mailbox.tenantId, (sql) => insertDueReplay(sql, mailbox));
    if (operationId === null) throw new Error('nothing is due');
    await replayFailures(bench.context, run, { tenantId: mailbox.tenantId, operationId });
    return rowsOf(mailbox, 'SELECT uid, outcome, reason FROM replay_item ORDER BY uid');
  }

  /** The INBOX does not open, for these words. */
  async function withClosedInbox(words: string): Promise<TestMailbox> {
    const mailbox = await withClosedFolder('unused', 'unchanged');
    server.on = {
      EXAMINE: ({ args, no, usual }) => {
        if (args.includes('INBOX')) no(words);
        else usual();
      },
    };
    return mailbox;
  }

  test.each([
    ['[INUSE] Locked', 'busy'],
    ['[NOPERM] Not yours', 'refused'],
  ])('in the others, whatever keeps one closed: %s', async (words, reason) => {
    const mailbox = await withClosedInbox(words);
    const before = server.commands.length;
    expect(await tryAgain(mailbox, [1, 2, 4])).toEqual([
      { uid: 1, outcome: 'not-fetched', reason },
      { uid: 2, outcome: 'not-fetched', reason },
      { uid: 4, outcome: 'recorded', reason: null },
    ]);
    expect(server.commands.slice(before).filter((command) => /^EXAMINE "?INBOX/.test(command))).toHaveLength(1);
    // No try of a message is used up by its folder.
    expect(await rowsOf(mailbox, 'SELECT attempts, next_try_at > now() AS later FROM failure WHERE uid < 3')).toEqual([
      { attempts: 1, later: true },
      { attempts: 1, later: true },
    ]);
  });

  test('no further where the server asks to be left alone', async () => {
    const mailbox = await withClosedInbox('Server busy, try again in 5 minutes');
    expect(await tryAgain(mailbox)).toEqual([
      { uid: 2, outcome: 'not-fetched', reason: 'busy' },
      { uid: 4, outcome: 'not-fetched', reason: 'busy' },
    ]);
  });
});

test('verify compares the others, and says that it could not be sure', async () => {
  const mailbox = await withClosedFolder('[CORRUPTION] The index is broken');
  const { database } = bench;
  const of = await verifyMailbox({ ...bench.context, db: readOnly(database.db) }, mailbox, {
    bytes: { of: 'sample', copies: 200, seed: 1 },
    secondLookMs: 1,
    waitMs: 1,
    signal: new AbortController().signal,
  });
  expect(of.unchecked?.code).toBe('folder-corrupt');
  expect(of.violations).toEqual([]);
  expect(of.compared).toEqual({ kept: 4, server: 2 });
  expect(of.folders.map(({ verdict, reason }) => [verdict, reason]).sort()).toEqual([
    ['complete', null],
    ['not-provable', 'folder-corrupt'],
  ]);
});
