import { mailboxesToTellOf, tellOf } from '../db/notices/health';
import type { ActivityContext, ActivityRun } from './context';

export interface HealthResult {
  /** Mailboxes of which something was said or taken back. */
  told: number;
}

/**
 * Looks at all mailboxes of all tenants in one statement, and tells their people what does not show in a change of state: that there has
 * been no successful round for hours, or that a finished import has left a mailbox incomplete. Second run: finds nothing left to say.
 */
export async function watchHealth(
  context: Pick<ActivityContext, 'db'> & { limits: Pick<ActivityContext['limits'], 'noSuccessHours'> },
  run: ActivityRun,
): Promise<HealthResult> {
  const { noSuccessHours } = context.limits;
  const result: HealthResult = { told: 0 };
  for (const mailbox of await mailboxesToTellOf(context.db, noSuccessHours)) {
    if (run.signal.aborted) break;
    await tellOf(context.db, mailbox, noSuccessHours);
    result.told += 1;
    run.heartbeat();
  }
  return result;
}
