import { mailboxesWithDueTries, unfinishedReplays } from '../../db/replay/replay-control';
import { insertDueReplay } from '../../db/replay/replay-select';
import { publicId } from '../../domain/ids';
import type { ActivityContext, ActivityRun } from '../context';
import { scrubbedError } from '../scrubbed-error';
import type { Pace } from './pace';

/** Who wrote a replay has had the time to start it. */
const unattendedAfterMs = 60_000;

/**
 * Starts replays that nobody runs, and begins one for each mailbox whose server is to be asked again for what it did not deliver. One that
 * cannot be started is left to the next minute, and keeps no other from it.
 * Second run: a start too many is a no-op, and what has been begun is due no more.
 */
export async function startReplays({ db, engine }: ActivityContext, run: ActivityRun, pace: Pace): Promise<void> {
  for (const mailbox of await mailboxesWithDueTries(db)) {
    const ids = { mailboxId: publicId('mailbox', mailbox.mailboxId) };
    await paced({ run, pace, ids }, async () => {
      const operationId = await db.inTenant(mailbox.tenantId, (sql) => insertDueReplay(sql, mailbox));
      if (operationId !== null) await engine.startReplay({ tenantId: mailbox.tenantId, operationId });
    });
  }
  for (const { kind, ...job } of await unfinishedReplays(db, unattendedAfterMs)) {
    const ids = { operationId: publicId('operation', job.operationId) };
    const start = () => (kind === 'replay' ? engine.startReplay(job) : engine.startReprocess(job));
    await paced({ run, pace, ids }, start);
  }
}

async function paced(
  { run, pace, ids }: { run: ActivityRun; pace: Pace; ids: Record<string, string> },
  start: () => Promise<void>,
): Promise<void> {
  run.signal.throwIfAborted();
  await pace();
  try {
    await start();
  } catch (error) {
    run.warn?.('replay not started, next try in a minute', { ...ids, error: scrubbedError(error).message });
  }
  run.heartbeat();
}
