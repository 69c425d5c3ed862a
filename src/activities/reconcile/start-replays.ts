import { mailboxesWithDueTries, unfinishedReplays } from '../../db/replay/replay-control';
import { insertDueReplay } from '../../db/replay/replay-select';
import type { ActivityContext, ActivityRun } from '../context';

/** Who wrote a replay has had the time to start it. */
const unattendedAfterMs = 60_000;

/**
 * Starts replays that nobody runs, and begins one for each mailbox whose server is to be asked again for what it did not deliver.
 * Second run: a start too many is a no-op, and what has been begun is due no more.
 */
export async function startReplays({ db, engine }: ActivityContext, run: ActivityRun): Promise<void> {
  for (const mailbox of await mailboxesWithDueTries(db)) {
    run.signal.throwIfAborted();
    const operationId = await db.inTenant(mailbox.tenantId, (sql) => insertDueReplay(sql, mailbox));
    if (operationId !== null) await engine.startReplay({ tenantId: mailbox.tenantId, operationId });
    run.heartbeat();
  }
  for (const job of await unfinishedReplays(db, unattendedAfterMs)) {
    run.signal.throwIfAborted();
    await engine.startReplay(job);
  }
}
