import type { ActivityRun } from '../../src/activities/context';
import { deleteMailboxRows, deletionTurn, type DeletionShare } from '../../src/activities/delete-mailbox';
import type { ActivityContext } from '../../src/activities/context';
import { beginDeletion } from '../../src/db/deletion/deletions';
import { fillSearch } from '../../src/db/search-fill';
import type { MailClient } from './mail-client';
import { mail, type MailOptions } from './mail-factory';
import { addAddress, insertRecord } from './correspondence';
import type { SyncBench, TestMailbox } from './sync-bench';

const run: ActivityRun = { signal: new AbortController().signal, heartbeat: () => undefined };

/** Two mailboxes of one company with mail of their own, and mail that both have, each in its own wording. */
export interface TwoMailboxes {
  tenantId: string;
  anna: TestMailbox;
  ben: TestMailbox;
}

/** The people of the company's customers, whose addresses make links. */
const customers = ['ada', 'grace', 'hidden', 'only-anna'];

/** Imports both mailboxes, or only Ben's, as if Anna had never been connected. The mail is the same each time. */
export async function importMailboxes(
  bench: SyncBench,
  users: { anna: string; ben: string },
  which: 'both' | 'ben-alone',
): Promise<TwoMailboxes> {
  const tenantId = await bench.database.newTenant();
  await bench.database.db.inTenant(tenantId, async (sql) => {
    for (const name of customers) {
      const recordId = await insertRecord(sql, tenantId);
      await sql.execute('UPDATE record SET name = $3 WHERE tenant_id = $1 AND id = $2', [tenantId, recordId, name]);
      await addAddress(sql, tenantId, { recordId, addressKey: `${name}@customer.example` });
    }
  });
  const policy = { visibility: 'full' } as const;
  const ben = () => bench.connect({ tenantId, user: users.ben, policy: { visibility: 'subject' } });
  if (which === 'ben-alone') {
    const alone = await ben();
    await alone.syncAll();
    await fillAll(bench, tenantId);
    return { tenantId, anna: alone, ben: alone };
  }
  const anna = await bench.connect({ tenantId, user: users.anna, policy });
  const both = { tenantId, anna, ben: await ben() };
  await anna.syncAll();
  await both.ben.syncAll();
  await fillAll(bench, tenantId);
  return both;
}

async function fillAll(bench: SyncBench, tenantId: string): Promise<void> {
  while ((await fillSearch(bench.database.db, tenantId, 100)) > 0);
}

/** Puts the mail into both accounts: `messages` of each one's own, and as many of both. */
export async function deliverMail(people: { anna: MailClient; ben: MailClient }, messages: number): Promise<void> {
  const { anna, ben } = people;
  for (let n = 0; n < messages; n += 1) {
    await anna.append('INBOX', mail(own('anna', n)));
    await ben.append('INBOX', mail(own('ben', n)));
    const [hers, his] = inBoth(n);
    await anna.append('Sent', hers, { date: new Date('2026-03-05T10:00:00Z') });
    await ben.append('INBOX', his, { date: new Date('2026-03-02T09:31:00Z') });
  }
  // The same bytes for both, and for Anna twice.
  const same = mail({
    subject: 'To all',
    messageId: 'all@company.example',
    to: 'all@company.example',
    text: 'Everybody.',
  });
  for (const folder of ['INBOX', 'Archive']) await anna.append(folder, same);
  await ben.append('INBOX', same);
  await anna.append(
    'INBOX',
    Buffer.from(
      `Subject: parked\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n${'--b\r\n\r\nx\r\n'.repeat(1_100)}--b--\r\n`,
    ),
  );
}

function own(name: string, n: number): MailOptions {
  return {
    from: n % 2 === 0 ? 'Ada <ada@customer.example>' : `Only <only-${name}@customer.example>`,
    subject: `${name} number ${String(n)}`,
    messageId: `${name}-${String(n)}@customer.example`,
    text: `Words for ${name}, ${String(n)}.`,
    ...(n % 3 === 0 ? { attachments: [{ filename: `${name}.pdf`, content: `file ${name} ${String(n)}` }] } : {}),
    ...(n > 0 ? { references: [`${name}-0@customer.example`] } : {}),
  };
}

/** One message as the sender keeps it, with Bcc, another subject, other names and a file, and as it came. */
function inBoth(n: number): [Buffer, Buffer] {
  const shared = {
    from: 'anna@company.example',
    messageId: `both-${String(n)}@company.example`,
    text: `For both, ${String(n)}.\r\n`,
  };
  const hers = mail({
    ...shared,
    to: 'Secret Name <grace@customer.example>, only-anna@customer.example',
    bcc: 'hidden@customer.example',
    subject: `secret-subject ${String(n)}`,
    attachments: [{ filename: 'secret-file.pdf', content: 'secret' }],
  });
  const his = mail({
    ...shared,
    to: 'grace@customer.example',
    subject: `[EXT] subject ${String(n)}`,
    headers: { 'List-Id': '<list.company.example>', Received: `from a by b; ${String(n)}` },
  });
  return [hers, his];
}

/** Asks for the deletion of a mailbox and begins it; its id. */
export async function askForDeletion(
  context: ActivityContext,
  ref: { tenantId: string; mailboxId: string },
): Promise<string> {
  const deletion = await context.db.inTenant(ref.tenantId, (sql) =>
    beginDeletion(sql, { tenantId: ref.tenantId, sourceId: ref.mailboxId, actor: 'system' }),
  );
  await deletionTurn(context, ref);
  return deletion.id;
}

/** Works on a deletion until it says that it is done, or that rows are left. */
export async function carryOut(
  context: ActivityContext,
  input: { tenantId: string; mailboxId: string; deletionId: string },
): Promise<Exclude<DeletionShare, { kind: 'more' }>> {
  for (;;) {
    const share = await deleteMailboxRows(context, run, input);
    if (share.kind !== 'more') return share;
  }
}
