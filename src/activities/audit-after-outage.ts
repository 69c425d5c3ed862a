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
  if (!hasBeenDown(context.limits, mailbox)) return;
  const { auditsApartMs: apartMs, auditRetryMs: retryMs } = context.limits;
  const { tenantId, sourceId: mailboxId } = mailbox;
  await askForAudit(context.db, { tenantId, mailboxId }, { cause: 'outage', apartMs, retryMs });
}

/** Whether the last rounds of a mailbox have failed, for so long that its server was away, and not just a connection. */
export function hasBeenDown({ outageMs }: { outageMs: number }, { downSince, readAt }: MailboxForSync): boolean {
  return downSince !== null && readAt.getTime() - downSince.getTime() >= outageMs;
}
