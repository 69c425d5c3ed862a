import { askForAudit } from '../db/sync/audits-due';
import type { MailboxForSync } from '../db/sync/mailbox-for-sync';
import type { ActivityContext } from './context';

/**
 * A mailbox of which some folder's listing was not believed in two rounds running is compared with its server, and not within a day only: in
 * one round mail may have gone between two answers. One that is known to be incomplete has the pauses of its audits, which grow. Second run:
 * no change.
 */
export async function auditUnproven(
  { db, limits }: Pick<ActivityContext, 'db' | 'limits'>,
  { tenantId, sourceId: mailboxId, isIncomplete }: MailboxForSync,
): Promise<void> {
  if (isIncomplete) return;
  const { auditsApartMs: apartMs, auditRetryMs: retryMs } = limits;
  await askForAudit(db, { tenantId, mailboxId }, { cause: 'unproven', apartMs, retryMs });
}
