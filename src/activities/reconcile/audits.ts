import { beginDueAudit, dueAudits, noteAuditTried } from '../../db/sync/audits-due';
import { publicId } from '../../domain/ids';
import type { ActivityContext, ActivityRun } from '../context';
import { inTurn } from './in-turn';
import type { Pace } from './pace';

/**
 * Starts the audits that are due: after an import, after an outage, after differences, and daily. So many a minute at most, which spreads
 * those of thousands of mailboxes over the day. Returns how many. Second run: an audit that runs is left alone.
 */
export async function startDueAudits(context: ActivityContext, run: ActivityRun, pace: Pace): Promise<number> {
  const { auditsPerMinute, auditRetryMs } = context.limits;
  const due = await dueAudits(context.db, auditsPerMinute);
  for (const mailbox of due) {
    const ids = { mailboxId: publicId('mailbox', mailbox.mailboxId) };
    await inTurn({ run, pace }, { what: 'audit not started', ids }, async () => {
      const { operationId } = await beginDueAudit(context.db, mailbox);
      await context.engine.startAudit({ ...mailbox, operationId });
      await noteAuditTried(context.db, mailbox, auditRetryMs);
    });
  }
  return due.length;
}
