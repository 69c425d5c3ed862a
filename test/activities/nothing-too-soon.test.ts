import { auditFolders } from '../../src/activities/audit-folders';
import { recordBatch } from '../../src/db/ingest/record-batch';
import { readCompleteness } from '../../src/db/completeness';
import { askForAudit, beginDueAudit } from '../../src/db/sync/audits-due';
import { mailboxForSync } from '../../src/db/sync/mailbox-for-sync';
import { auditOf } from '../support/audit-of';
import { mail } from '../support/mail-factory';
import { folderOf } from '../support/scripted-imap-folder';
import { startScriptedServer, type ScriptedServer } from '../support/scripted-imap-server';
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

const messagesOf = (...uids: number[]) => uids.map((uid) => ({ uid, raw: mail({ subject: `number ${String(uid)}` }) }));

const rowsOf = <Row extends object>({ tenantId }: TestMailbox, text: string) =>
  bench.database.db.inTenant(tenantId, (sql) => sql.query<Row>(text));

/** Two folders of two messages each, all in the ledger and proven. */
async function provenMailbox(): Promise<TestMailbox> {
  const folders = {
    INBOX: { uidValidity: '7', messages: messagesOf(1, 2) },
    Other: { uidValidity: '9', messages: messagesOf(3, 4) },
  };
  server = await startScriptedServer({ folders });
  const mailbox = await bench.connect({ port: server.port, user: 'somebody', withoutPerson: true });
  await mailbox.syncAll();
  await mailbox.round();
  await auditOf(bench, mailbox);
  expect(await verdictsOf(mailbox)).toEqual({ INBOX: ['complete', null], Other: ['complete', null] });
  return mailbox;
}

async function verdictsOf({ tenantId, mailboxId }: TestMailbox): Promise<Record<string, (string | null)[]>> {
  const folders = await readCompleteness(bench.database.db, tenantId, mailboxId);
  return Object.fromEntries(folders.map(({ folder, verdict, reason }) => [folder, [verdict, reason]]));
}

const mailboxOf = async (mailbox: TestMailbox) => {
  const [row] = await rowsOf<{ flags: string[]; minutes: number; cause: string; hours: number }>(
    mailbox,
    `SELECT flags, (extract(epoch FROM audit_due_at - now()) / 60)::float8 AS minutes, audit_cause AS cause,
       (extract(epoch FROM now() - last_proven_at) / 3600)::float8 AS hours FROM mailbox`,
  );
  if (row === undefined) throw new Error('no mailbox');
  return row;
};

const run = { signal: new AbortController().signal, heartbeat: () => undefined };

/** An audit that ends after what comes between its last look at the server and its end. */
async function auditBeside(mailbox: TestMailbox, meanwhile: () => Promise<void>): Promise<void> {
  const { connections } = bench.context;
  const context: SyncBench['context'] = {
    ...bench.context,
    connections: {
      ...connections,
      use: async (use, work) => {
        const compared = await connections.use(use, work);
        if (use.purpose === 'audit') await meanwhile();
        return compared;
      },
    },
  };
  expect(await auditOf({ ...bench, context }, mailbox)).toMatchObject({ kind: 'done' });
}

describe('what an audit did not see because it had passed the folder', () => {
  test('a message that is given up meanwhile is compared soon after', async () => {
    const mailbox = await provenMailbox();
    await rowsOf(mailbox, `UPDATE mailbox SET audited_at = now() - interval '1 hour' RETURNING 1`);
    await auditBeside(mailbox, async () => {
      const source = await mailboxForSync(bench.database.db, mailbox);
      const [generation] = await rowsOf<{ id: number }>(mailbox, 'SELECT id FROM folder_generation LIMIT 1');
      if (source === null || generation === undefined) throw new Error('no mailbox');
      const placed = { uid: 77, size: 10, internalDate: null, flags: 0, modseq: null };
      const failure = { kind: 'unreadable', code: 'not-delivered', detail: {}, messageIdHeader: null } as const;
      await recordBatch(bench.database.db, source, {
        genId: generation.id,
        items: [{ ...placed, kind: 'parked', rawSha: null, blobId: null, failure }],
        cursor: null,
        part: 'live',
        versions: { parser: 1, code: 'test' },
      });
    });
    expect((await mailboxOf(mailbox)).minutes).toBeLessThanOrEqual(0);
  });

  test('an audit that is asked for meanwhile is made, for what it was asked', async () => {
    const mailbox = await provenMailbox();
    await rowsOf(
      mailbox,
      `UPDATE mailbox SET audited_at = now() - interval '1 hour', audit_tried_at = NULL RETURNING 1`,
    );
    await auditBeside(mailbox, async () => {
      const { db } = bench.database;
      await askForAudit(db, mailbox, { cause: 'rewound', apartMs: 60_000, retryMs: 60_000 });
    });
    expect(await mailboxOf(mailbox)).toMatchObject({ cause: 'rewound' });
    expect((await mailboxOf(mailbox)).minutes).toBeLessThanOrEqual(1);
    await auditOf(bench, mailbox);
    expect(await mailboxOf(mailbox)).toMatchObject({ cause: 'daily' });
    expect((await mailboxOf(mailbox)).minutes).toBeGreaterThan(60);
  });

  test('what it was made for is not forgotten where it fails', async () => {
    const mailbox = await provenMailbox();
    await rowsOf(mailbox, `UPDATE mailbox SET audit_due_at = now(), audit_cause = 'import' RETURNING 1`);
    const { operationId } = await beginDueAudit(bench.database.db, mailbox);
    server.on = {
      LIST: (context) => {
        context.cut();
      },
    };
    const result = await auditFolders(bench.context, run, { ...mailbox, operationId });
    expect(result.kind).toBe('retry');
    expect(await mailboxOf(mailbox)).toMatchObject({ cause: 'import' });
  });
});

test('what an audit found before it broke off stands, and the mailbox does not look healthy', async () => {
  const mailbox = await provenMailbox();
  await rowsOf(mailbox, 'DELETE FROM placement WHERE uid IN (2, 4) RETURNING 1');
  const opened = new Set<string>();
  server.on = {
    EXAMINE: (context) => {
      opened.add(context.args);
      if (opened.size > 1) context.cut();
      else context.usual();
    },
  };
  expect(await auditOf(bench, mailbox)).toMatchObject({ kind: 'retry', state: 'failed' });
  const verdicts = Object.values(await verdictsOf(mailbox)).map(([verdict]) => verdict);
  expect(verdicts.sort()).toEqual(['complete', 'missing']);
  expect(await mailboxOf(mailbox)).toMatchObject({ flags: ['incomplete'] });
  server.on = {};
  // The other folder's difference is found by the next audit only.
  for (let times = 0; times < 2; times += 1) {
    await mailbox.round();
    await auditOf(bench, mailbox);
  }
  expect(await mailboxOf(mailbox)).toMatchObject({ flags: [] });
});

test('a folder that is neither listed nor opened for the moment is not proven, and what was missing in it has not healed', async () => {
  const mailbox = await provenMailbox();
  await rowsOf(mailbox, 'DELETE FROM placement WHERE uid = 4 RETURNING 1');
  await auditOf(bench, mailbox);
  await rowsOf(mailbox, `UPDATE mailbox SET last_proven_at = now() - interval '5 hours' RETURNING 1`);
  const other = server.folders.get('Other');
  if (other === undefined) throw new Error('no such folder');
  server.folders.delete('Other');
  server.on = {
    EXAMINE: (context) => {
      if (context.args.includes('Other')) context.no('[INUSE] Locked');
      else context.usual();
    },
  };
  expect(await auditOf(bench, mailbox)).toMatchObject({ kind: 'done' });
  expect(await verdictsOf(mailbox)).toEqual({ INBOX: ['complete', null], Other: ['not-provable', 'not-listed'] });
  expect((await mailboxOf(mailbox)).hours).toBeGreaterThan(4);
  expect(await mailboxOf(mailbox)).toMatchObject({ flags: ['incomplete'] });
  expect(await rowsOf(mailbox, 'SELECT kind FROM audit_finding WHERE healed_at IS NULL ORDER BY kind')).toEqual([
    { kind: 'missing' },
    { kind: 'not-provable' },
  ]);
  server.folders.set('Other', other);
  server.on = {};
  await mailbox.round();
  await auditOf(bench, mailbox);
  expect(await verdictsOf(mailbox)).toEqual({ INBOX: ['complete', null], Other: ['complete', null] });
  expect(await mailboxOf(mailbox)).toMatchObject({ flags: [] });
});

describe('complete is not said of a folder', () => {
  test('that has another generation since it was compared', async () => {
    const mailbox = await provenMailbox();
    const other = server.folders.get('Other');
    if (other === undefined) throw new Error('no such folder');
    Object.assign(other, folderOf({ uidValidity: '10', messages: messagesOf(3, 4, 5, 6) }));
    await mailbox.round();
    expect(await verdictsOf(mailbox)).toMatchObject({
      INBOX: ['complete', null],
      Other: ['not-provable', expect.anything()],
    });
    await mailbox.syncAll();
    await auditOf(bench, mailbox);
    expect(await verdictsOf(mailbox)).toMatchObject({ Other: ['complete', null] });
  });

  test('that has left the scope and come back, before it was compared again', async () => {
    const mailbox = await provenMailbox();
    const leaveOut = (paths: string[]) =>
      rowsOf(
        mailbox,
        `UPDATE source SET policy = jsonb_set(policy, '{folders,exclude}', '${JSON.stringify(paths)}'), generation = generation + 1 RETURNING policy`,
      );
    await leaveOut(['Other']);
    await mailbox.round();
    const other = server.folders.get('Other');
    if (other === undefined) throw new Error('no such folder');
    Object.assign(other, folderOf({ uidValidity: '9', messages: messagesOf(3, 4, 5, 6) }));
    await leaveOut([]);
    await mailbox.round();
    expect(await rowsOf(mailbox, 'SELECT 1 FROM placement WHERE uid IN (5, 6)')).toEqual([]);
    expect(await verdictsOf(mailbox)).toMatchObject({ Other: ['not-provable', expect.anything()] });
    await mailbox.syncAll();
    await auditOf(bench, mailbox);
    expect(await verdictsOf(mailbox)).toMatchObject({ Other: ['complete', null] });
  });
});
