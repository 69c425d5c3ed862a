import { askForAudit } from '../db/sync/audits-due';
import type { MailboxForSync } from '../db/sync/mailbox-for-sync';
import type { ActivityContext } from './context';

/**
 * After an outage a mailbox is compared with its server: a round fetches what is missing now, and the audit proves that nothing was lost
 * meanwhile. A connection that broke for a moment is no outage, and a server that goes up and down is compared every some hours at most.
 * Second run: no change.
 */
export async function auditAfterOutage(
  context: Pick<ActivityContext, 'db' | 'limits'>,
  mailbox: MailboxForSync,
): Promise<void> {
  const { outageMs, auditsApartMs } = context.limits;
  const { state, lastSuccessAt } = mailbox;
  const wasDown = state === 'backing-off' || state === 'auth-required' || state === 'needs-attention';
  if (!wasDown || lastSuccessAt === null || mailbox.readAt.getTime() - lastSuccessAt.getTime() < outageMs) return;
  await askForAudit(context.db, { tenantId: mailbox.tenantId, mailboxId: mailbox.sourceId }, auditsApartMs);
}
