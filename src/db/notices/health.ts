import type { Database } from '../database';
import type { MailboxRow } from '../events/event-write';
import { lockForState } from '../events/state-write';
import { noticeChanges } from './due';
import { settleNotices } from './notice-write';

/** The mailboxes of all tenants of which something is to be said, or to be taken back: one statement for all. */
export async function mailboxesToTellOf(db: Database, noSuccessHours: number): Promise<MailboxRow[]> {
  const rows = await db.acrossTenants((sql) =>
    sql.query<{ tenant_id: string; source_id: string }>(
      `SELECT DISTINCT tenant_id, source_id FROM (${noticeChanges('true')}) AS change`,
      [noSuccessHours],
    ),
  );
  return rows.map((row) => ({ tenantId: row.tenant_id, sourceId: row.source_id }));
}

/** Says, or takes back, what is to be said of a mailbox now. Second run: no change. */
export async function tellOf(db: Database, mailbox: MailboxRow, noSuccessHours: number): Promise<void> {
  await db.inTenant(mailbox.tenantId, async (sql) => {
    if (await lockForState(sql, mailbox, null)) await settleNotices(sql, mailbox, { noSuccessHours });
  });
}
