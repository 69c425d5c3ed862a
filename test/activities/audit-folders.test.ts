import { auditFolders } from '../../src/activities/audit-folders';
import { newUuid } from '../../src/db/new-id';
import { sharedDovecot } from '../support/dovecot';
import { mail } from '../support/mail-factory';
import { createSyncBench, type SyncBench, type TestMailbox } from '../support/sync-bench';

let bench: SyncBench;

beforeAll(async () => {
  bench = await createSyncBench(sharedDovecot().imapPort);
});

afterAll(async () => {
  await bench.close();
});

const run = { signal: new AbortController().signal, heartbeat: () => undefined };

/** An audit as the API asks for one, without anybody who waits for it: what its operation says at the end. */
async function auditOf({ tenantId, mailboxId }: TestMailbox) {
  const operationId = newUuid();
  const { db } = bench.database;
  await db.inTenant(tenantId, (sql) =>
    sql.execute(
      `INSERT INTO operation (tenant_id, id, kind, source_id, state) VALUES ($1, $2, 'audit', $3, 'waiting')`,
      [tenantId, operationId, mailboxId],
    ),
  );
  const result = await auditFolders(bench.context, run, { tenantId, mailboxId, operationId });
  const [operation] = await db.inTenant(tenantId, (sql) =>
    sql.query<{ state: string; error: unknown; ended: boolean }>(
      'SELECT state, error, finished_at IS NOT NULL AS ended FROM operation WHERE id = $1',
      [operationId],
    ),
  );
  return { kind: result.kind, ...operation };
}

test('an audit that compared has ended its operation', async () => {
  const mailbox = await bench.connect();
  await mailbox.person.append('INBOX', mail({ subject: 'there' }));
  await mailbox.syncAll();
  expect(await auditOf(mailbox)).toEqual({ kind: 'done', state: 'done', error: null, ended: true });
});

test('an audit that does not reach the server has failed, with the kind and the code', async () => {
  const unused = 1;
  const mailbox = await bench.connect({ port: unused, withoutPerson: true });
  const error = { kind: 'unreachable', code: 'port-closed' };
  expect(await auditOf(mailbox)).toEqual({ kind: 'retry', state: 'failed', error, ended: true });
});

test('an audit of a mailbox that is no more has failed', async () => {
  const mailbox = await bench.connect();
  await bench.database.db.inTenant(mailbox.tenantId, (sql) =>
    sql.execute('UPDATE source SET deleted_at = now() WHERE id = $1', [mailbox.mailboxId]),
  );
  const error = { code: 'superseded' };
  expect(await auditOf(mailbox)).toEqual({ kind: 'superseded', state: 'failed', error, ended: true });
});

test('a mailbox with a folder that was never listed is not proven complete', async () => {
  const mailbox = await bench.connect();
  await mailbox.syncAll();
  await mailbox.person.createFolder('Appeared since');
  expect(await auditOf(mailbox)).toMatchObject({ kind: 'done', state: 'done' });
  const { db } = bench.database;
  const audits = await db.inTenant(mailbox.tenantId, (sql) =>
    sql.query<{ path: string; verdict: string; reason: string | null }>(
      `SELECT f.path, a.verdict, a.reason FROM folder_audit a JOIN folder f ON f.id = a.folder_id WHERE a.verdict <> 'complete'`,
    ),
  );
  expect(audits).toEqual([{ path: 'Appeared since', verdict: 'not-provable', reason: 'never-listed' }]);
  const [row] = await db.inTenant(mailbox.tenantId, (sql) =>
    sql.query<{ flags: string[]; last_proven_at: Date | null }>('SELECT flags, last_proven_at FROM mailbox'),
  );
  expect(row).toEqual({ flags: ['incomplete'], last_proven_at: null });
});
