import { askForAudit } from '../db/sync/audits-due';
import type { MailboxForSync } from '../db/sync/mailbox-for-sync';
import type { ActivityContext } from './context';

/**
 * A folder whose UIDNEXT or HIGHESTMODSEQ has fallen, or that shows a UID which was gone, may have dealt its UIDs anew (RFC 9051 2.3.1.1 and
 * RFC 7162 3.1 forbid all of it), also where the newest messages are who they were: the mailbox is compared with its server at once, and not
 * within a day. A server that goes on like this is compared every some hours at most. Second run: no change.
 */
export async function auditRewound(
  { db, limits }: Pick<ActivityContext, 'db' | 'limits'>,
  { tenantId, sourceId: mailboxId }: MailboxForSync,
): Promise<void> {
  const { auditsApartMs: apartMs, auditRetryMs: retryMs } = limits;
  await askForAudit(db, { tenantId, mailboxId }, { cause: 'rewound', apartMs, retryMs });
}
