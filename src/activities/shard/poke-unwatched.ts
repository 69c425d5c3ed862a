import { setTimeout as sleep } from 'node:timers/promises';

import { unwatchedMailboxes } from '../../db/watch/watch-rows';
import type { ActivityContext, ActivityRun } from '../context';

/**
 * Asks for a round of every mailbox that no worker watches and that was not looked at for its refresh time, a few a second: without one
 * idle worker mail still comes, only later. Returns how many. Second run: a mailbox that has had its round meanwhile is left alone.
 */
export async function pokeUnwatched(context: ActivityContext, run: ActivityRun): Promise<number> {
  const { watchStaleMs, reconcileStartsPerSecond } = context.limits;
  let poked = 0;
  for (const { mailboxId } of await unwatchedMailboxes(context.db, watchStaleMs)) {
    if (run.signal.aborted) break;
    await context.engine.poke(mailboxId, 'reconcile');
    poked += 1;
    run.heartbeat();
    await sleep(1_000 / reconcileStartsPerSecond);
  }
  return poked;
}
