import { desiredMailboxes, type DesiredMailbox } from '../../db/sync/desired-mailboxes';
import type { ActivityContext, ActivityRun } from '../context';
import type { Tallies } from './tally';

/** Where the workflows that run are not what Postgres says. */
export interface Differences {
  /** Should run or wait, and have no workflow; most recently active first. */
  missing: DesiredMailbox[];
  /** Have a workflow that has not taken up the newest wish. */
  unheard: DesiredMailbox[];
  /** Are to be stopped, and have not been yet. */
  unstopped: DesiredMailbox[];
  /** Have a workflow and should have none: stopped, being deleted, or gone. By mailbox, with the tenant. */
  surplus: Map<string, string>;
}

const batch = 2_000;

/** Compares all mailboxes with the workflows that run, a batch at a time; only what differs is kept. */
export async function compare(context: ActivityContext, run: ActivityRun, tallies: Tallies): Promise<Differences> {
  // First what runs, then what should: a mailbox that is connected in between is at most started twice, which is a no-op.
  const surplus = await context.engine.runningMailboxes();
  const differences: Differences = { missing: [], unheard: [], unstopped: [], surplus };
  for (const tenantId of surplus.values()) tallies.count(tenantId, 'running');
  let afterId: string | null = null;
  for (;;) {
    const page: DesiredMailbox[] = await desiredMailboxes(context.db, { afterId, limit: batch });
    for (const mailbox of page) sort(differences, tallies, mailbox);
    run.heartbeat();
    afterId = page.at(-1)?.mailboxId ?? null;
    if (page.length < batch) break;
  }
  differences.missing.sort((a, b) => b.activeAt.getTime() - a.activeAt.getTime());
  return differences;
}

function sort({ missing, unheard, unstopped, surplus }: Differences, tallies: Tallies, mailbox: DesiredMailbox): void {
  const isRunning = surplus.delete(mailbox.mailboxId);
  if (mailbox.desired === 'stopped') {
    unstopped.push(mailbox);
    return;
  }
  tallies.count(mailbox.tenantId, 'desired');
  if (!isRunning) missing.push(mailbox);
  else if (!mailbox.applied) unheard.push(mailbox);
}
