import { isStillUnwatched, unwatchedMailboxes } from '../../db/watch/unwatched';
import { publicId } from '../../domain/ids';
import type { ActivityContext } from '../context';
import { inTurn, type Turns } from '../reconcile/in-turn';

/**
 * Asks for a round of every mailbox that no worker watches and that was not looked at for its refresh time, a few a second: without one
 * idle worker mail still comes, only later. Returns how many. Second run: a mailbox that has had its round, or is
 * watched, meanwhile is left alone.
 */
export async function pokeUnwatched(context: ActivityContext, turns: Turns): Promise<number> {
  const { watchStaleMs } = context.limits;
  let poked = 0;
  for (const mailbox of await unwatchedMailboxes(context.db, watchStaleMs)) {
    if (turns.run.signal.aborted) break;
    turns.run.heartbeat();
    if (!(await isStillUnwatched(context.db, mailbox, watchStaleMs))) continue;
    const about = { what: 'no round asked for', ids: { mailboxId: publicId('mailbox', mailbox.mailboxId) } };
    await inTurn(turns, about, async () => {
      await context.engine.poke(mailbox.mailboxId, 'reconcile');
      poked += 1;
    });
  }
  return poked;
}
