import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { auditFolders } from '../../src/activities/audit-folders';
import type { ActivityRun } from '../../src/activities/context';
import { importBatch } from '../../src/activities/import-batch';
import { runRound } from '../../src/activities/run-round';
import { DatabaseUnavailable } from '../../src/db/database-error';
import { newUuid } from '../../src/db/new-id';
import { mailboxForSync } from '../../src/db/sync/mailbox-for-sync';
import { roundOptions } from '../../src/workflows/activity-options';
import { mail } from '../support/mail-factory';
import { startScriptedServer, type ScriptedServer } from '../support/scripted-imap-server';
import { createSyncBench, type SyncBench, type TestMailbox } from '../support/sync-bench';

// Work that fails for no reason of the mail server's.

let bench: SyncBench;
let server: ScriptedServer;

beforeAll(async () => {
  bench = await createSyncBench(0);
});
afterAll(() => bench.close());
beforeEach(async () => {
  const messages = [{ uid: 1, raw: mail({ subject: 'one' }) }];
  server = await startScriptedServer({ folders: { INBOX: { uidValidity: '7', messages } } });
});
afterEach(async () => {
  await bench.context.connections.closeAll();
  await server.stop();
});

const refused = Object.assign(new Error('unsupported Unicode escape sequence'), { code: '22P05' });
const failingWith = (error: Error) => ({ ...bench.context, freeDiskBytes: () => Promise.reject(error) });
const attemptNumber = (attempt: number, signal = new AbortController().signal): ActivityRun => ({
  signal,
  attempt,
  heartbeat: () => undefined,
});

async function connected(): Promise<TestMailbox> {
  const mailbox = await bench.connect({ port: server.port, user: 'somebody', withoutPerson: true });
  await mailbox.syncAll();
  return mailbox;
}

async function refOf({ tenantId, mailboxId }: TestMailbox) {
  const found = await mailboxForSync(bench.database.db, { tenantId, mailboxId });
  if (found === null) throw new Error('the mailbox is gone');
  return { tenantId, mailboxId, fence: found.fence };
}

async function shown({ tenantId, mailboxId }: TestMailbox) {
  const [row] = await bench.database.db.inTenant(tenantId, (sql) =>
    sql.query<{ state: string; reason: string | null; told: string[] }>(
      `SELECT state, state_reason AS reason, ARRAY(SELECT reason FROM mailbox_event e
         WHERE e.tenant_id = m.tenant_id AND e.source_id = m.source_id AND e.kind = 'state' AND reason IS NOT NULL) AS told
       FROM mailbox m WHERE source_id = $1`,
      [mailboxId],
    ),
  );
  return row;
}

test('a round is tried again, and only when it has failed five times does the mailbox say so', async () => {
  const mailbox = await connected();
  const ref = await refOf(mailbox);
  await expect(runRound(failingWith(refused), attemptNumber(4), ref)).rejects.toBe(refused);
  expect(await shown(mailbox)).toMatchObject({ state: 'live', reason: null });
  const failed = await runRound(failingWith(refused), attemptNumber(5), ref);
  expect(failed).toMatchObject({ kind: 'retry', failure: 'internal', wait: 'reckoned' });
  expect(await shown(mailbox)).toEqual({ state: 'backing-off', reason: 'internal', told: ['internal'] });
  await mailbox.round();
  expect(await shown(mailbox)).toMatchObject({ state: 'live', reason: null });
});

test('so do an import and an audit come to an end', async () => {
  const mailbox = await connected();
  const ref = await refOf(mailbox);
  await expect(importBatch(failingWith(refused), attemptNumber(5), ref)).resolves.toMatchObject({ kind: 'retry' });
  const connections = { use: () => Promise.reject(refused), closeAll: () => Promise.resolve() };
  const context = { ...bench.context, connections };
  const audit = { ...ref, operationId: newUuid() };
  await expect(auditFolders(context, attemptNumber(4), audit)).rejects.toBe(refused);
  await expect(auditFolders(context, attemptNumber(5), audit)).resolves.toMatchObject({ failure: 'internal' });
});

test('the operation of an audit that fails for no reason of the server ends, and says so', async () => {
  const mailbox = await connected();
  const ref = await refOf(mailbox);
  const operationId = newUuid();
  const { db } = bench.database;
  await db.inTenant(mailbox.tenantId, (sql) =>
    sql.execute(
      `INSERT INTO operation (tenant_id, id, kind, source_id, state) VALUES ($1, $2, 'audit', $3, 'waiting')`,
      [mailbox.tenantId, operationId, mailbox.mailboxId],
    ),
  );
  const operation = () =>
    db.inTenant(mailbox.tenantId, (sql) =>
      sql.query<{ state: string; error: unknown }>('SELECT state, error FROM operation WHERE id = $1', [operationId]),
    );
  const connections = { use: () => Promise.reject(refused), closeAll: () => Promise.resolve() };
  const context = { ...bench.context, connections };
  const audit = { ...ref, operationId };
  for (const attempt of [1, 2, 3, 4]) {
    await expect(auditFolders(context, attemptNumber(attempt), audit)).rejects.toBe(refused);
  }
  expect(await operation()).toEqual([{ state: 'running', error: null }]);
  await auditFolders(context, attemptNumber(5), audit);
  expect(await operation()).toEqual([{ state: 'failed', error: { kind: 'internal', code: 'internal' } }]);
});

test('the workflow of an audit tries it until it says so', () => {
  const source = readFileSync(join(__dirname, '../../src/workflows/audit-mailbox.ts'), 'utf8');
  expect(roundOptions.retry?.maximumAttempts).toBeUndefined();
  expect(source).toContain('...roundOptions');
  expect(source).not.toContain('maximumAttempts');
});

test('what was cut off, or could not reach the database, is tried again for ever', async () => {
  const mailbox = await connected();
  const ref = await refOf(mailbox);
  const away = new DatabaseUnavailable(refused);
  await expect(runRound(failingWith(away), attemptNumber(50), ref)).rejects.toBe(away);
  const ending = new AbortController();
  const cut = {
    ...bench.context,
    freeDiskBytes: () => {
      ending.abort();
      return Promise.reject(refused);
    },
  };
  await expect(runRound(cut, attemptNumber(50, ending.signal), ref)).rejects.toBe(refused);
  expect(await shown(mailbox)).toMatchObject({ state: 'live', reason: null });
});
