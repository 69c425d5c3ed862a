import { createHash } from 'node:crypto';

import { housekeep } from '../../src/activities/housekeep';
import { sharedDovecot } from '../support/dovecot';
import { mail } from '../support/mail-factory';
import { createSyncBench, type SyncBench } from '../support/sync-bench';

let bench: SyncBench;
const run = { signal: new AbortController().signal, heartbeat: () => undefined };

beforeAll(async () => {
  bench = await createSyncBench(sharedDovecot().imapPort);
});

afterAll(async () => {
  await bench.close();
});

test('bytes that nothing refers to are freed after an hour, all others stay', async () => {
  const mailbox = await bench.connect();
  await mailbox.person.append('INBOX', mail({ subject: 'kept' }));
  await mailbox.syncAll();
  const bytes = Buffer.from('left by a crash');
  const sha256 = createHash('sha256').update(bytes).digest();
  await bench.context.blobs.putBatch({ tenantId: mailbox.tenantId, sourceId: mailbox.mailboxId }, [{ sha256, bytes }]);
  expect(await housekeep(bench.context, run)).toMatchObject({ blobsSwept: 0 });
  await bench.database.db.inTenant(mailbox.tenantId, (sql) =>
    sql.execute(`UPDATE blob SET created_at = now() - interval '2 hours'`),
  );
  expect(await housekeep(bench.context, run)).toMatchObject({ blobsSwept: 1 });
  const left = await bench.database.db.inTenant(mailbox.tenantId, (sql) => sql.query('SELECT FROM blob'));
  expect(left).toHaveLength(1);
});

test('messages that an import left are made searchable, once', async () => {
  const mailbox = await bench.connect();
  for (const subject of ['one', 'two']) await mailbox.person.append('INBOX', mail({ subject }));
  await mailbox.syncAll();
  expect((await housekeep(bench.context, run)).messagesIndexed).toBe(2);
  expect((await housekeep(bench.context, run)).messagesIndexed).toBe(0);
});
