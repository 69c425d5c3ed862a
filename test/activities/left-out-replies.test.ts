import { lockTenantForWriting } from '../../src/db/tenant-lock';
import { linkAgain } from '../../src/db/rematch';
import { replaceParkedRows } from '../../src/db/replay/replaced-rows';
import type { FilteredItem } from '../../src/db/ingest/batch';
import { outcomes } from '../../src/domain/ledger';
import { defaultPolicy } from '../../src/domain/policy';
import { sharedDovecot } from '../support/dovecot';
import { mail, type MailOptions } from '../support/mail-factory';
import { aRecord, aUser } from '../support/mail-rows';
import { createSyncBench, type SyncBench, type TestMailbox } from '../support/sync-bench';

// With `unmatched: drop`, a reply to mail that is linked to a record is kept (product promise C7), whoever of the conversation wrote it.

const leftOutRepliesPerRound = 2;
let bench: SyncBench;
let mailbox: TestMailbox;
let record: string;

beforeAll(async () => {
  bench = await createSyncBench(sharedDovecot().imapPort, { leftOutRepliesPerRound });
});
beforeEach(async () => {
  mailbox = await bench.connect({ policy: { unmatched: 'drop' } });
  record = await aRecord(bench.database.db, mailbox.tenantId, { addresses: ['ada@customer.example'] });
});
afterAll(async () => {
  await bench.close();
});

const original = (more: MailOptions = {}): Buffer =>
  mail({
    from: 'ada@customer.example',
    to: mailbox.user,
    cc: 'bob@elsewhere.example',
    subject: 'original',
    messageId: 'original@customer.example',
    ...more,
  });

const reply = (more: MailOptions = {}): Buffer =>
  mail({
    from: 'bob@elsewhere.example',
    to: mailbox.user,
    subject: 'reply',
    references: ['original@customer.example'],
    ...more,
  });

const outcomesOf = async () =>
  (await mailbox.ledger()).map(({ outcome, reason }) => (outcome === outcomes.recorded ? 'recorded' : reason));

const linked = async () =>
  (
    await bench.database.db.inTenant(mailbox.tenantId, (sql) =>
      sql.query<{ subject: string }>(
        `SELECT s.subject FROM link l JOIN message_subject s ON s.tenant_id = l.tenant_id AND s.message_id = l.message_id
         WHERE l.tenant_id = $1 AND l.record_id = $2 AND l.state = 'active' ORDER BY 1`,
        [mailbox.tenantId, record],
      ),
    )
  ).map(({ subject }) => subject);

const noted = async () => {
  const [row] = await bench.database.db.inTenant(mailbox.tenantId, (sql) =>
    sql.query<{ count: number }>('SELECT count(*) AS count FROM left_out_reply WHERE tenant_id = $1', [
      mailbox.tenantId,
    ]),
  );
  return row?.count;
};

test('a reply that comes after the mail it answers is kept and linked, and so is a reply to that', async () => {
  await mailbox.person.append('INBOX', original());
  await mailbox.syncAll();
  await mailbox.person.append('INBOX', reply({ cc: 'cleo@elsewhere.example', messageId: 'reply@elsewhere.example' }));
  await mailbox.syncAll();
  await mailbox.person.append(
    'INBOX',
    reply({ from: 'cleo@elsewhere.example', subject: 'reply to it', references: ['reply@elsewhere.example'] }),
  );
  await mailbox.syncAll();
  expect(await outcomesOf()).toEqual(['recorded', 'recorded', 'recorded']);
  expect(await linked()).toEqual(['original', 'reply', 'reply to it']);
});

test('replies in the same batch are kept and linked, in whatever order they lie there', async () => {
  await mailbox.person.append(
    'INBOX',
    reply({ from: 'cleo@elsewhere.example', subject: 'reply to it', references: ['reply@elsewhere.example'] }),
  );
  await mailbox.person.append('INBOX', reply({ cc: 'cleo@elsewhere.example', messageId: 'reply@elsewhere.example' }));
  await mailbox.person.append('INBOX', original());
  await mailbox.syncAll();
  expect(await outcomesOf()).toEqual(['recorded', 'recorded', 'recorded']);
  expect(await linked()).toEqual(['original', 'reply', 'reply to it']);
});

test('a user of ours who answers somebody unknown in such a thread is of it', async () => {
  await aUser(bench.database.db, mailbox.tenantId, { addresses: ['grace@corp.example'] });
  await mailbox.person.append('INBOX', original());
  await mailbox.syncAll();
  await mailbox.person.append('INBOX', reply({ from: 'grace@corp.example', to: 'nobody@elsewhere.example' }));
  await mailbox.syncAll();
  expect(await linked()).toEqual(['original', 'reply']);
});

test('who names the message and does not belong to it is left out, and is not fetched again and again', async () => {
  await mailbox.person.append('INBOX', original());
  await mailbox.person.append('INBOX', reply({ from: 'stranger@elsewhere.example' }));
  await mailbox.syncAll();
  expect(await outcomesOf()).toEqual(['recorded', 'unmatched']);
  await mailbox.syncAll();
  expect(await outcomesOf()).toEqual(['recorded', 'unmatched']);
  expect([await linked(), await noted()]).toEqual([['original'], 0]);
});

test('a reply that was left out because the mail it answers came later is fetched again, and its row says so', async () => {
  await mailbox.person.append('INBOX', reply());
  await mailbox.person.append('INBOX', reply({ from: 'stranger@elsewhere.example', subject: 'forged' }));
  await mailbox.syncAll();
  expect(await outcomesOf()).toEqual(['unmatched', 'unmatched']);
  await mailbox.person.createFolder('Archive');
  await mailbox.person.append('Archive', original());
  await mailbox.syncAll();
  await mailbox.round();
  expect(await outcomesOf()).toEqual(['recorded', 'recorded', 'unmatched']);
  expect([await linked(), await noted()]).toEqual([['original', 'reply'], 0]);
});

test('a reply that was parked, and is left out when it is replayed, is noted too', async () => {
  await mailbox.person.append('INBOX', reply());
  await mailbox.syncAll();
  await bench.database.db.inTenant(mailbox.tenantId, async (sql) => {
    const { tenantId, mailboxId: sourceId } = mailbox;
    const policy = { ...defaultPolicy, unmatched: 'drop' as const };
    const [row] = await sql.query<{ genId: number; uid: number; refs: Buffer[] }>(
      'DELETE FROM left_out_reply WHERE tenant_id = $1 RETURNING gen_id AS "genId", uid, refs',
      [tenantId],
    );
    if (row === undefined) throw new Error('nothing was noted');
    await sql.execute('UPDATE placement SET outcome = $2 WHERE tenant_id = $1', [tenantId, outcomes.parked]);
    const placed = { uid: row.uid, size: 1, internalDate: null, flags: 0, modseq: null };
    const answers = row.refs.map((ref) => ref.toString('hex'));
    const place = { tenantId, sourceId, genId: row.genId, policy, parserVersion: 1, codeVersion: 'test' };
    const item: FilteredItem = {
      kind: 'filtered',
      reason: 'unmatched',
      ...placed,
      addressKeys: [],
      answers,
      messageIdHeader: null,
    };
    await replaceParkedRows(sql, place, { items: [{ item, copyId: null }], operationId: null });
  });
  expect([await outcomesOf(), await noted()]).toEqual([['unmatched'], 1]);
});

test('so is one whose original was there, and is linked later; a round looks at so many, and the next one goes on', async () => {
  const other = await bench.connect({ tenantId: mailbox.tenantId });
  await other.person.append('INBOX', original({ from: 'late@customer.example' }));
  await other.syncAll();
  for (const n of [1, 2, 3]) {
    const references = [n === 3 ? 'original@customer.example' : `${String(n)}@never.example`];
    await mailbox.person.append('INBOX', reply({ references, subject: `reply ${String(n)}` }));
  }
  await mailbox.syncAll();
  expect([await outcomesOf(), await noted()]).toEqual([['unmatched', 'unmatched', 'unmatched'], 3]);
  record = await aRecord(bench.database.db, mailbox.tenantId, { addresses: ['late@customer.example'] });
  await bench.database.db.inTenant(mailbox.tenantId, async (sql) => {
    await lockTenantForWriting(sql, mailbox.tenantId);
    const messages = await sql.query<{ id: string }>('SELECT id FROM message WHERE tenant_id = $1', [mailbox.tenantId]);
    await linkAgain(
      sql,
      mailbox.tenantId,
      messages.map(({ id }) => id),
    );
  });
  const seen: unknown[] = [];
  for (let rounds = 0; rounds < 4; rounds += 1) {
    await mailbox.round();
    seen.push((await outcomesOf())[2]);
  }
  expect(new Set(seen)).toEqual(new Set(['unmatched', 'recorded']));
  expect([await linked(), await noted()]).toEqual([['original', 'reply 3'], 2]);
});
