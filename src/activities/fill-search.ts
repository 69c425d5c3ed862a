import type { Database } from '../db/database';
import { fillSearch } from '../db/search-fill';
import type { ActivityContext, ActivityRun } from './context';
import { createSharedTurns, type SharedTurns } from './shared-turns';

const messagesPerStatement = 200;
const messagesPerRun = 5_000;

/** Alone, the statement and its commit cost more than the message that they are for. */
const statementsApartMs = 250;

const turnsOf = new WeakMap<Database, SharedTurns>();

/**
 * A few new messages are findable when this resolves, those of rounds that end at about the same time by one statement; many are left to
 * the import's end or to housekeeping.
 */
export async function fillSearchSoon({ db }: ActivityContext, tenantId: string, recorded: number): Promise<void> {
  if (recorded === 0 || recorded > messagesPerStatement) return;
  const turns = turnsOf.get(db) ?? createSharedTurns((tenant, count) => fillUpTo(db, tenant, count), statementsApartMs);
  turnsOf.set(db, turns);
  await turns.join(tenantId, recorded);
}

async function fillUpTo(db: Database, tenantId: string, count: number): Promise<void> {
  for (let left = count; left > 0; left -= messagesPerStatement) await fillSearch(db, tenantId, messagesPerStatement);
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
