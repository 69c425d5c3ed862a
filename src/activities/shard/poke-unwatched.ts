import { setTimeout as sleep } from 'node:timers/promises';

import { isStillUnwatched, unwatchedMailboxes } from '../../db/watch/unwatched';
import type { ActivityContext, ActivityRun } from '../context';

/**
 * Asks for a round of every mailbox that no worker watches and that was not looked at for its refresh time, a few a second: without one
 * idle worker mail still comes, only later. Returns how many. Second run: a mailbox that has had its round, or is
 * watched, meanwhile is left alone.
 */
export async function pokeUnwatched(context: ActivityContext, run: ActivityRun): Promise<number> {
  const { watchStaleMs, reconcileStartsPerSecond } = context.limits;
  let poked = 0;
  for (const mailbox of await unwatchedMailboxes(context.db, watchStaleMs)) {
    if (run.signal.aborted) break;
    run.heartbeat();
    if (!(await isStillUnwatched(context.db, mailbox, watchStaleMs))) continue;
    await context.engine.poke(mailbox.mailboxId, 'reconcile');
    poked += 1;
    await sleep(1_000 / reconcileStartsPerSecond);
  }
  return poked;
}
