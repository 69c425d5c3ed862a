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

/** As an API process leaves it that dies right after it was asked. */
async function askForSync({ tenantId, mailboxId }: TestMailbox): Promise<void> {
  await bench.database.db.inTenant(tenantId, (sql) =>
    sql.execute(
      `INSERT INTO operation (tenant_id, id, kind, source_id, state, created_at)
       VALUES ($1, $2, 'sync', $3, 'waiting', now() - interval '1 second')`,
      [tenantId, newUuid(), mailboxId],
    ),
  );
}

function syncOperations({ tenantId, mailboxId }: TestMailbox) {
  return bench.database.db.inTenant(tenantId, (sql) =>
    sql.query(`SELECT state, result, error FROM operation WHERE source_id = $1 AND kind = 'sync'`, [mailboxId]),
  );
}

test('a round ends the sync that was asked for, with what it recorded', async () => {
  const mailbox = await bench.connect();
  await mailbox.syncAll();
  await mailbox.person.append('INBOX', mail({ subject: 'news' }));
  await askForSync(mailbox);
  await mailbox.round();
  const result = { recorded: 1, filtered: 0, parked: 0 };
  expect(await syncOperations(mailbox)).toEqual([{ state: 'done', result, error: null }]);
});

test('a round that fails says so in the sync that was asked for', async () => {
  const unused = 1;
  const mailbox = await bench.connect({ port: unused, withoutPerson: true });
  await askForSync(mailbox);
  expect(await mailbox.round()).toMatchObject({ kind: 'retry' });
  const error = { kind: 'unreachable', code: 'port-closed' };
  expect(await syncOperations(mailbox)).toEqual([{ state: 'failed', result: null, error }]);
});
