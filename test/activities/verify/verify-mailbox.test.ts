import pg from 'pg';

import type { VerifyContext, VerifyOptions } from '../../../src/activities/verify/context';
import { verifyInstallation } from '../../../src/activities/verify/verify-installation';
import { verifyMailbox } from '../../../src/activities/verify/verify-mailbox';
import { newUuid } from '../../../src/db/new-id';
import { brokenTenant } from '../../../src/db/verify/tenant-checks';
import { readOnly } from '../../../src/db/verify/read-only';
import { MailFailure } from '../../../src/domain/failure';
import type { Invariant, VerifiedMailbox } from '../../../src/domain/verify';
import type { Mailbox, OpenFolder } from '../../../src/mail/mailbox';
import { sharedDovecot } from '../../support/dovecot';
import { mail } from '../../support/mail-factory';
import { createSyncBench, type SyncBench, type TestMailbox } from '../../support/sync-bench';

let bench: SyncBench;
let owner: pg.Client;

beforeAll(async () => {
  bench = await createSyncBench(sharedDovecot().imapPort);
  owner = new pg.Client({ connectionString: bench.database.ownerUrl });
  await owner.connect();
});

afterAll(async () => {
  await owner.end();
  await bench.close();
});

const options: VerifyOptions = {
  bytes: { of: 'sample', copies: 200, seed: 7 },
  secondLookMs: 1,
  waitMs: 1,
  signal: new AbortController().signal,
};

const contextOf = (): VerifyContext => ({ ...bench.context, db: readOnly(bench.database.db) });

const verified = (mailbox: TestMailbox, wish: Partial<VerifyOptions> = {}, context = contextOf()) =>
  verifyMailbox(context, mailbox, { ...options, ...wish });

const told = ({ violations }: Pick<VerifiedMailbox, 'violations'>) =>
  violations.map(({ invariant, uid }) => (uid === undefined ? invariant : `${invariant} ${String(uid)}`)).sort();

/** As the owner, whom neither policies nor triggers hold back, in one mailbox: `$1` is the tenant. */
async function damage({ tenantId }: TestMailbox, text: string): Promise<void> {
  await owner.query(`SET session_replication_role = replica`);
  const { rowCount } = await owner.query(text, [tenantId]);
  expect(rowCount).toBeGreaterThan(0);
}

/** Two messages in the INBOX and one in Archive, from a contact; all recorded, linked and at rest. */
async function healthyMailbox(): Promise<TestMailbox> {
  const mailbox = await bench.connect();
  const { tenantId } = mailbox;
  const recordId = newUuid();
  await bench.database.db.inTenant(tenantId, async (sql) => {
    await sql.execute(`INSERT INTO record (tenant_id, id, type, name) VALUES ($1, $2, 'contact', 'Ada')`, [
      tenantId,
      recordId,
    ]);
    await sql.execute(
      `INSERT INTO record_address (tenant_id, address_key, record_id, kind, address)
       VALUES ($1, 'ada@customer.example', $2, 'business', 'ada@customer.example')`,
      [tenantId, recordId],
    );
  });
  for (const subject of ['one', 'two']) {
    await mailbox.person.append('INBOX', mail({ subject, from: 'ada@customer.example' }));
  }
  await mailbox.person.append('Archive', mail({ subject: 'kept', from: 'ada@customer.example' }));
  await mailbox.syncAll();
  await mailbox.round();
  return mailbox;
}

test('a healthy mailbox holds, and its bytes are those of the server', async () => {
  const mailbox = await healthyMailbox();
  const of = await verified(mailbox);
  expect(of.violations).toEqual([]);
  expect(of.unchecked).toBeNull();
  expect(of.compared).toEqual({ kept: 3, server: 3 });
  expect(new Set(of.folders.map(({ verdict }) => verdict))).toEqual(new Set(['complete']));
  expect(
    of.folders.flatMap(({ server, ledger }) => (server.messages === 0 ? [] : [[server.messages, ledger]])),
  ).toEqual(
    expect.arrayContaining([
      [2, { recorded: 2 }],
      [1, { recorded: 1 }],
    ]),
  );
  expect(await brokenTenant(readOnly(bench.database.db), mailbox.tenantId)).toEqual([]);
});

test('all bytes are compared on request, page by page', async () => {
  const mailbox = await healthyMailbox();
  expect(await verified(mailbox, { bytes: { of: 'all' } })).toMatchObject({
    violations: [],
    compared: { kept: 3, server: 3 },
  });
});

test('a sample takes the same for the same seed', async () => {
  const mailbox = await healthyMailbox();
  const of = await verified(mailbox, { bytes: { of: 'sample', copies: 2, seed: 1 } });
  expect(of.compared).toEqual({ kept: 2, server: 2 });
});

const inbox = `(SELECT g.id FROM folder_generation g JOIN folder f ON f.tenant_id = g.tenant_id AND f.id = g.folder_id
  WHERE g.tenant_id = $1 AND f.path = 'INBOX')`;
const blobOfTwo = `(SELECT c.blob_id FROM copy c JOIN placement p ON p.copy_id = c.id WHERE p.gen_id = ${inbox} AND p.uid = 2)`;
const messageOfTwo = `(SELECT c.message_id FROM copy c JOIN placement p ON p.copy_id = c.id WHERE p.gen_id = ${inbox} AND p.uid = 2)`;

const overdueRemoval = `INSERT INTO removal (tenant_id, copy_id, source_id, state, due_at)
  SELECT tenant_id, copy_id, source_id, 'waiting', now() - interval '1 hour' FROM placement WHERE gen_id = ${inbox} AND uid = 2`;

/** Each breaks one invariant in the database of a healthy mailbox. */
const damages: [Invariant, string, string[]][] = [
  [
    'ended-but-alive',
    `UPDATE placement SET presence = 2, presence_at = recorded_at WHERE gen_id = ${inbox} AND uid = 2`,
    ['ended-but-alive 2'],
  ],
  [
    'extra',
    `INSERT INTO placement (gen_id, uid, tenant_id, source_id, outcome, reason, recorded_at)
     SELECT gen_id, 99, tenant_id, source_id, 3, 'before-start', now() - interval '1 hour' FROM placement WHERE gen_id = ${inbox} AND uid = 1`,
    ['extra 99'],
  ],
  [
    'undelivered',
    `WITH parked AS (UPDATE placement SET outcome = 5, reason = 'not-delivered', copy_id = NULL, raw_sha = NULL
       WHERE gen_id = ${inbox} AND uid = 2 RETURNING *),
     spare AS (INSERT INTO placement (gen_id, uid, tenant_id, source_id, copy_id, outcome, presence, presence_at)
       SELECT gen_id, 77, tenant_id, source_id, (SELECT copy_id FROM placement WHERE gen_id = ${inbox} AND uid = 2), 2, 2, now() FROM parked)
     INSERT INTO failure (tenant_id, id, source_id, gen_id, uid, kind, code, versions)
     SELECT tenant_id, gen_random_uuid(), source_id, gen_id, uid, 'unreadable', 'not-delivered', '{}' FROM parked`,
    ['undelivered 2'],
  ],
  ['cursor-ahead', `UPDATE folder_generation SET uidnext = 1000 WHERE id = ${inbox}`, ['cursor-ahead']],
  ['cursor-ahead', `UPDATE folder_generation SET modseq = 999999 WHERE id = ${inbox}`, ['cursor-ahead']],
  ['folder-unknown', `UPDATE folder_generation SET uidnext = NULL WHERE id = ${inbox}`, ['folder-unknown']],
  [
    'folder-gone',
    `WITH made AS (INSERT INTO folder (tenant_id, id, source_id, path, in_scope)
       SELECT tenant_id, gen_random_uuid(), source_id, 'Was here', true FROM folder WHERE tenant_id = $1 AND path = 'INBOX' RETURNING *)
     INSERT INTO folder_generation (tenant_id, source_id, folder_id, uidvalidity, uidnext) SELECT tenant_id, source_id, id, 5, 1 FROM made`,
    ['folder-gone'],
  ],
  ['flags-behind', `UPDATE placement SET flags = 4 WHERE gen_id = ${inbox} AND uid = 2`, ['flags-behind 2']],
  [
    'stored-too-long',
    `INSERT INTO placement (gen_id, uid, tenant_id, source_id, outcome, presence, recorded_at)
     SELECT gen_id, 50, tenant_id, source_id, 1, 2, now() - interval '6 minutes' FROM placement WHERE gen_id = ${inbox} AND uid = 1`,
    ['stored-too-long 50'],
  ],
  [
    'outcome-contradicts',
    `UPDATE placement SET outcome = 3, reason = 'unmatched' WHERE gen_id = ${inbox} AND uid = 2`,
    ['outcome-contradicts 2'],
  ],
  [
    'outcome-contradicts',
    `INSERT INTO placement (gen_id, uid, tenant_id, source_id, outcome, presence)
     SELECT gen_id, 50, tenant_id, source_id, 5, 2 FROM placement WHERE gen_id = ${inbox} AND uid = 1`,
    ['outcome-contradicts 50'],
  ],
  [
    'recorded-without-copy',
    `INSERT INTO placement (gen_id, uid, tenant_id, source_id, copy_id, outcome, presence)
     SELECT gen_id, 50, tenant_id, source_id, NULL, 2, 2 FROM placement WHERE gen_id = ${inbox} AND uid = 1`,
    ['recorded-without-copy 50'],
  ],
  [
    'alive-in-retired-generation',
    `WITH retired AS (INSERT INTO folder_generation (tenant_id, source_id, folder_id, uidvalidity, retired_at)
       SELECT tenant_id, source_id, folder_id, 1, now() FROM folder_generation WHERE id = ${inbox} RETURNING *)
     INSERT INTO placement (gen_id, uid, tenant_id, source_id, outcome, reason)
     SELECT id, 1, tenant_id, source_id, 3, 'before-start' FROM retired`,
    ['alive-in-retired-generation 1'],
  ],
  ['removal-overdue', overdueRemoval, ['removal-overdue']],
  [
    'copy-without-placement',
    `WITH spare AS (UPDATE placement SET copy_id = (SELECT copy_id FROM placement WHERE gen_id = ${inbox} AND uid = 1)
       WHERE gen_id = ${inbox} AND uid = 2 RETURNING 1) SELECT * FROM spare`,
    // What the server shows is then not what the ledger says either.
    ['copy-without-placement', 'other-bytes-on-server 2'],
  ],
  ['bytes-missing', `DELETE FROM blob_chunk WHERE tenant_id = $1 AND blob_id = ${blobOfTwo}`, ['bytes-missing']],
  [
    'bytes-damaged',
    `UPDATE blob_chunk SET bytes = set_byte(bytes, length(bytes) / 2, get_byte(bytes, length(bytes) / 2) # 85)
     WHERE tenant_id = $1 AND blob_id = ${blobOfTwo}`,
    ['bytes-damaged'],
  ],
  [
    'other-bytes-on-server',
    `UPDATE copy SET raw_sha = sha256('other') WHERE tenant_id = $1 AND message_id = ${messageOfTwo}`,
    ['bytes-damaged', 'other-bytes-on-server 2'],
  ],
  [
    'event-missing',
    `DELETE FROM outbox WHERE tenant_id = $1 AND (ids ->> 'messageId')::uuid = ${messageOfTwo}`,
    ['event-missing'],
  ],
  [
    'event-doubled',
    `INSERT INTO outbox (tenant_id, stream, epoch, seq, event_id, type, ids)
     SELECT tenant_id, stream, epoch, seq + 1000, gen_random_uuid(), type, ids FROM outbox
     WHERE tenant_id = $1 AND (ids ->> 'messageId')::uuid = ${messageOfTwo}`,
    ['event-doubled'],
  ],
  [
    'not-linked',
    `WITH gone AS (DELETE FROM link WHERE tenant_id = $1 AND message_id = ${messageOfTwo} RETURNING id)
     DELETE FROM link_reason r USING gone WHERE r.tenant_id = $1 AND r.link_id = gone.id`,
    ['not-linked', 'timeline-missing', 'timeline-surplus'],
  ],
  [
    'timeline-surplus',
    `INSERT INTO timeline (tenant_id, record_id, principal, sort_at, message_id, level)
     SELECT tenant_id, gen_random_uuid(), -1, sort_at, id, 3 FROM message WHERE tenant_id = $1 AND id = ${messageOfTwo}`,
    ['timeline-surplus'],
  ],
  [
    'timeline-missing',
    `DELETE FROM timeline WHERE tenant_id = $1 AND message_id = ${messageOfTwo} AND record_id = '00000000-0000-0000-0000-000000000000'`,
    ['not-linked', 'timeline-missing'],
  ],
];

test.each(damages)('%s is told (%#)', async (_invariant, text, expected) => {
  const mailbox = await healthyMailbox();
  await damage(mailbox, text);
  expect(told(await verified(mailbox))).toEqual(expected);
});

test.each(['auth-required', 'backing-off'])(
  'a removal whose mailbox waits as %s is not overdue before its server can be asked',
  async (state) => {
    const mailbox = await healthyMailbox();
    await damage(mailbox, overdueRemoval);
    await damage(mailbox, `UPDATE mailbox SET state = '${state}' WHERE tenant_id = $1`);
    expect(told(await verified(mailbox))).toEqual([]);
    await damage(mailbox, `UPDATE mailbox SET state = 'live' WHERE tenant_id = $1`);
    expect(told(await verified(mailbox))).toEqual(['removal-overdue']);
  },
);

test('a message without a row is told, also where nobody would look for it', async () => {
  const mailbox = await healthyMailbox();
  await damage(mailbox, `DELETE FROM placement WHERE gen_id = ${inbox} AND uid = 2`);
  const of = await verified(mailbox, { waitMs: null });
  expect(told(of)).toEqual(['copy-without-placement', 'missing 2']);
  expect(of.folders.map(({ verdict }) => verdict)).toContain('missing');
});

test('the cursor that has passed a message without a row does not hide it', async () => {
  const mailbox = await healthyMailbox();
  await mailbox.person.append('INBOX', mail({ subject: 'never fetched' }));
  await damage(mailbox, `UPDATE folder_generation SET uidnext = 4, exists_count = 3 WHERE id = ${inbox}`);
  expect(told(await verified(mailbox, { waitMs: null }))).toEqual(['missing 3']);
});

/** Each breaks an invariant of a tenant. */
const tenantDamages: [Invariant, string][] = [
  [
    'message-without-copy',
    `WITH gone AS (DELETE FROM copy WHERE tenant_id = $1 AND message_id = ${messageOfTwo} RETURNING id)
     DELETE FROM copy_address USING gone WHERE tenant_id = $1 AND copy_id = gone.id`,
  ],
  [
    'thread-merged',
    `WITH alias AS (INSERT INTO thread (tenant_id, id, merged_into)
       SELECT tenant_id, gen_random_uuid(), thread_id FROM message WHERE tenant_id = $1 LIMIT 1 RETURNING id, merged_into)
     UPDATE message m SET thread_id = alias.id FROM alias WHERE m.tenant_id = $1 AND m.thread_id = alias.merged_into`,
  ],
  [
    'activity-broken',
    `INSERT INTO activity (tenant_id, id, message_id, type, status, sort_at, rule)
     SELECT tenant_id, gen_random_uuid(), id, 'email', 'done', sort_at - interval '1 day', '{}' FROM message WHERE tenant_id = $1 LIMIT 1`,
  ],
  [
    'activity-broken',
    `INSERT INTO activity (tenant_id, id, message_id, type, status, sort_at, rule, owner_user_id)
     SELECT tenant_id, gen_random_uuid(), id, 'email', 'done', sort_at, '{}', gen_random_uuid() FROM message WHERE tenant_id = $1 LIMIT 1`,
  ],
  [
    'activity-broken',
    `INSERT INTO activity_party (tenant_id, message_id, n, kind) SELECT tenant_id, id, 0, 'external' FROM message WHERE tenant_id = $1 LIMIT 1`,
  ],
  [
    'sequence-broken',
    `INSERT INTO outbox (tenant_id, stream, epoch, seq, event_id, type, ids) VALUES ($1, $1, 1, 1, gen_random_uuid(), 'activity.created', '{}')`,
  ],
  ['sequence-broken', `DELETE FROM outbox WHERE tenant_id = $1 AND seq = 2`],
  ['sequence-broken', `UPDATE source SET next_seq = 2 WHERE tenant_id = $1`],
  [
    'sequence-broken',
    `UPDATE outbox SET event_id = (SELECT event_id FROM outbox WHERE tenant_id = $1 AND seq = 1) WHERE tenant_id = $1 AND seq = 2`,
  ],
  [
    'dangling-rows',
    `INSERT INTO message_subject (tenant_id, message_id, subject) VALUES ($1, gen_random_uuid(), 'left')`,
  ],
  [
    'rows-of-deleted',
    `WITH gone AS (INSERT INTO deletion (tenant_id, id, target_id, state, desired_before, begins_at)
       VALUES ($1, gen_random_uuid(), gen_random_uuid(), 'done', 'running', now()) RETURNING target_id)
     INSERT INTO folder (tenant_id, id, source_id, path, in_scope) SELECT $1, gen_random_uuid(), target_id, 'Left', true FROM gone`,
  ],
];

test.each(tenantDamages)('%s of a tenant is told (%#)', async (invariant, text) => {
  const mailbox = await healthyMailbox();
  await damage(mailbox, text);
  const found = await brokenTenant(readOnly(bench.database.db), mailbox.tenantId);
  expect(found.map((one) => one.invariant)).toContain(invariant);
});

test('other bytes on the server under a known UID are told', async () => {
  const mailbox = await healthyMailbox();
  const context = withServer((folder) => ({
    ...folder,
    fetchRaw: (uids, onMessage) =>
      folder.fetchRaw(uids, (message) => onMessage({ ...message, raw: Buffer.from(`${message.raw.toString()}!`) })),
  }));
  const of = await verified(mailbox, {}, context);
  expect(told(of)).toEqual(['other-bytes-on-server 1', 'other-bytes-on-server 1', 'other-bytes-on-server 2']);
});

test('mail that arrives, goes and moves while a mailbox is looked at is no violation', async () => {
  const mailbox = await healthyMailbox();
  let times = 0;
  const context = withServer((folder) => ({
    ...folder,
    listUids: async (range) => {
      const listing = await folder.listUids(range);
      times += 1;
      if (times > 2) return listing;
      await mailbox.person.append(
        'INBOX',
        mail({ subject: `meanwhile ${String(times)}`, from: 'ada@customer.example' }),
      );
      if (times === 1) await mailbox.person.move('INBOX', 2, 'Archive');
      return listing;
    },
  }));
  // What the server has of it is seen by a round while the first difference is waited for.
  const rounds = setInterval(() => void mailbox.round().catch(() => undefined), 200);
  try {
    const of = await verified(mailbox, { waitMs: 60_000, secondLookMs: 100 }, context);
    expect(of.violations).toEqual([]);
    expect(of.unchecked).toBeNull();
  } finally {
    clearInterval(rounds);
  }
});

test('an arrival that no round comes for is told when its time is over', async () => {
  const mailbox = await healthyMailbox();
  await mailbox.person.append('INBOX', mail({ subject: 'nobody comes' }));
  expect(told(await verified(mailbox))).toEqual(['missing 3']);
});

test('a folder that no round has listed is told', async () => {
  const mailbox = await healthyMailbox();
  await mailbox.person.createFolder('Appeared since');
  expect(told(await verified(mailbox))).toEqual(['folder-unknown']);
});

test('a paused mailbox is checked without its server', async () => {
  const mailbox = await healthyMailbox();
  await damage(mailbox, `UPDATE source SET desired_state = 'paused' WHERE tenant_id = $1`);
  await mailbox.person.append('INBOX', mail({ subject: 'while paused' }));
  expect(await verified(mailbox)).toMatchObject({
    violations: [],
    unchecked: null,
    isAtRest: true,
    compared: { kept: 3, server: 0 },
  });
});

test('where the server cannot be asked that is said, and the rest is checked', async () => {
  const mailbox = await healthyMailbox();
  await damage(mailbox, `UPDATE mailbox SET imap = jsonb_set(imap, '{port}', '1') WHERE tenant_id = $1`);
  await damage(mailbox, `DELETE FROM blob_chunk WHERE tenant_id = $1 AND blob_id = ${blobOfTwo}`);
  const of = await verified(mailbox);
  expect(of.unchecked).toMatchObject({ code: 'port-closed' });
  expect(told(of)).toEqual(['bytes-missing']);
});

test.each(['rematch', 'visibility'])(
  'timelines are left out while a %s writes them, and that is said',
  async (kind) => {
    const mailbox = await healthyMailbox();
    await damage(mailbox, 'DELETE FROM timeline WHERE tenant_id = $1');
    await damage(
      mailbox,
      `INSERT INTO operation (tenant_id, id, kind, state) VALUES ($1, gen_random_uuid(), '${kind}', 'running')`,
    );
    const of = await verified(mailbox);
    expect(of).toMatchObject({ violations: [], unchecked: { code: 'timelines-being-written' } });
    await damage(mailbox, `UPDATE operation SET state = 'done' WHERE tenant_id = $1 AND kind = '${kind}'`);
    expect(told(await verified(mailbox))).toContain('timeline-missing');
  },
);

test('timelines are left out while a user who is deleted hands mailboxes over', async () => {
  const mailbox = await healthyMailbox();
  await damage(mailbox, 'DELETE FROM timeline WHERE tenant_id = $1');
  await damage(
    mailbox,
    `INSERT INTO deletion (tenant_id, id, kind, target_id, state, desired_before, begins_at, plan)
     VALUES ($1, gen_random_uuid(), 'user', gen_random_uuid(), 'deleting', 'running', now(), '{"refresh": ["01a20000-0000-7000-8000-000000000001"]}')`,
  );
  expect(await verified(mailbox)).toMatchObject({ violations: [], unchecked: { code: 'timelines-being-written' } });
});

test('what was found before the server fails is told, and so is that it failed', async () => {
  const mailbox = await healthyMailbox();
  await damage(
    mailbox,
    `UPDATE placement SET presence = 2, presence_at = recorded_at WHERE gen_id = ${inbox} AND uid = 2`,
  );
  await damage(mailbox, `DELETE FROM blob_chunk WHERE tenant_id = $1 AND blob_id = ${blobOfTwo}`);
  const context = contextOf();
  const cut = new MailFailure('unreachable', 'UID FETCH', { code: 'connection-lost' });
  const connect: VerifyContext['connect'] = async (wanted, signal) => {
    const open = await context.connect(wanted, signal);
    const examine = open.examine.bind(open);
    return Object.assign(open, {
      examine: async (path: string): Promise<OpenFolder> =>
        Object.assign(await examine(path), { fetchRaw: () => Promise.reject(cut) }),
    });
  };
  const of = await verified(mailbox, {}, { ...context, connect });
  expect(told(of)).toEqual(['bytes-missing', 'ended-but-alive 2']);
  expect(of.unchecked).toMatchObject({ code: 'connection-lost' });
  expect(of.folders.length).toBeGreaterThan(0);
});

test('the verdict of several mailboxes is that of the worst, and an unknown one is said', async () => {
  const [healthy, broken] = [await healthyMailbox(), await healthyMailbox()];
  const nobody = { mailbox: () => undefined, tenant: () => undefined };
  const verdictOf = async (mailboxIds: string[]) =>
    (await verifyInstallation(contextOf(), { mailboxIds, options }, nobody)).verdict;
  expect(await verdictOf([healthy.mailboxId])).toBe('holds');
  expect(await verdictOf([healthy.mailboxId, newUuid()])).toBe('unchecked');
  await damage(broken, `DELETE FROM outbox WHERE tenant_id = $1 AND (ids ->> 'messageId')::uuid = ${messageOfTwo}`);
  expect(await verdictOf([healthy.mailboxId, broken.mailboxId])).toBe('broken');
});

test('whoever verifies can write nothing', async () => {
  const tenantId = await bench.database.newTenant();
  const db = readOnly(bench.database.db);
  const write = 'DELETE FROM record';
  await expect(db.inTenant(tenantId, (sql) => sql.execute(write))).rejects.toThrow('read-only transaction');
  await expect(db.preparedInTenant(tenantId, (sql) => sql.execute(write))).rejects.toThrow('read-only transaction');
  await expect(db.writeInTenant(tenantId, (sql) => sql.execute(write))).rejects.toThrow('read-only transaction');
  await expect(db.prismaInTenant(tenantId, (tx) => tx.$executeRaw`DELETE FROM record`)).rejects.toThrow();
});

/** A server whose folders behave otherwise. */
function withServer(otherwise: (folder: OpenFolder) => OpenFolder): VerifyContext {
  const context = contextOf();
  return {
    ...context,
    connect: async (mailbox, signal) => {
      const open = await context.connect(mailbox, signal);
      return new Proxy(open, {
        get: (target, name) => {
          if (name === 'examine') return async (path: string) => otherwise(await target.examine(path));
          const value: unknown = Reflect.get(target, name, target);
          return typeof value === 'function' ? (value.bind(target) as Mailbox['close']) : value;
        },
      });
    },
  };
}
