import { mailboxesWithDueTries, unfinishedReplays } from '../../db/replay/replay-control';
import { insertDueReplay } from '../../db/replay/replay-select';
import { publicId } from '../../domain/ids';
import type { ActivityContext } from '../context';
import { inTurn, type Turns } from './in-turn';
import { keepGoing } from './start-jobs';
import type { Tallies } from './tally';

/** Who wrote a replay has had the time to start it. */
const unattendedAfterMs = 60_000;

/**
 * Starts replays that nobody runs, begins anew those whose workflow task keeps failing, and begins one for each mailbox whose server is to be
 * asked again for what it did not deliver. One that cannot be started is left to the next minute, and keeps no other from it.
 * Second run: one that runs is left alone, and what has been begun is due no more.
 */
export async function startReplays(context: ActivityContext, turns: Turns, tallies: Tallies): Promise<void> {
  const { db, engine } = context;
  for (const mailbox of await mailboxesWithDueTries(db)) {
    const ids = { mailboxId: publicId('mailbox', mailbox.mailboxId) };
    await inTurn(turns, { what: 'replay not started', ids }, async () => {
      const operationId = await db.inTenant(mailbox.tenantId, (sql) => insertDueReplay(sql, mailbox));
      if (operationId !== null) await engine.startReplay({ tenantId: mailbox.tenantId, operationId });
    });
  }
  for (const { kind, ...ref } of await unfinishedReplays(db, unattendedAfterMs)) {
    const start = () => (kind === 'replay' ? engine.startReplay(ref) : engine.startReprocess(ref));
    const { tenantId, operationId } = ref;
    const replay = { tenantId, job: { kind, id: operationId }, found: { operationId }, start };
    await keepGoing(context, replay, { turns, tallies });
  }
}
