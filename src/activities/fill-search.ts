import { fillSearch } from '../db/search-fill';
import type { ActivityContext, ActivityRun } from './context';

const messagesPerStatement = 200;
const messagesPerRun = 5_000;

/** A few new messages are findable at once; many are left to the import's end or to housekeeping. */
export async function fillSearchSoon(context: ActivityContext, tenantId: string, recorded: number): Promise<void> {
  if (recorded > 0 && recorded <= messagesPerStatement) await fillSearch(context.db, tenantId, messagesPerStatement);
}

/**
 * Writes the search rows of messages that wait for them, at most 5,000. Returns how many it wrote; 0 means none is left.
 * Second run: goes on with what is left.
 */
export async function fillSearchRows(
  context: ActivityContext,
  run: ActivityRun,
  input: { tenantId: string },
): Promise<{ filled: number }> {
  let filled = 0;
  while (filled < messagesPerRun && !run.signal.aborted) {
    const wrote = await fillSearch(context.db, input.tenantId, messagesPerStatement);
    run.heartbeat();
    filled += wrote;
    if (wrote === 0) break;
  }
  return { filled };
}
