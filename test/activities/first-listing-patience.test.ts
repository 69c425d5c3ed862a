import { capAnswers } from '../support/capped-answers';
import { mail } from '../support/mail-factory';
import { startScriptedServer } from '../support/scripted-imap-server';
import { createSyncBench } from '../support/sync-bench';

test('a new folder whose ways disagree is waited for, whatever failed before', async () => {
  const bench = await createSyncBench(0);
  const messages = Array.from({ length: 30 }, (_, at) => ({
    uid: at + 1,
    raw: mail({ subject: `number ${String(at + 1)}` }),
    internalDate: new Date(Date.UTC(2026, 0, at + 1)),
  }));
  const server = await startScriptedServer({ folders: { INBOX: { messages } } });
  capAnswers(server, { each: 10, exists: 10, status: 83_640, hidden: { from: ['number', 'uid'], shown: 10 } });
  const mailbox = await bench.connect({ port: server.port, user: 'somebody', withoutPerson: true });
  await bench.database.db.inTenant(mailbox.tenantId, (sql) =>
    sql.query('UPDATE mailbox SET failed_rounds = 9 WHERE tenant_id = $1 RETURNING 1', [mailbox.tenantId]),
  );
  for (let round = 0; round < 3; round += 1) await mailbox.syncAll().catch(() => undefined);
  expect(await mailbox.ledger()).toEqual([]);
  for (let round = 0; round < 2; round += 1) await mailbox.syncAll().catch(() => undefined);
  expect(await mailbox.ledger()).toHaveLength(30);
  await bench.context.connections.closeAll();
  await server.stop();
  await bench.close();
});
