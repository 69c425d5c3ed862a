import { setTimeout as sleep } from 'node:timers/promises';

import type { Database } from '../db/database';
import { fillSearch, fillSearchOfNews } from '../db/search-fill';
import type { ActivityContext, ActivityRun } from './context';
import { createSharedTurns, type SharedTurns } from './shared-turns';

const newMessagesPerStatement = 200;
/** While these are written, who changes one of them waits. */
const messagesPerStatement = 50;
const messagesPerRun = 5_000;
/** A stop waits for a share, and so does a deletion. */
const runMs = 5_000;

/** Alone, the statement and its commit cost more than the message that they are for. */
const statementsApartMs = 250;

const turnsOf = new WeakMap<Database, SharedTurns>();

/**
 * A few new messages are findable when this resolves, those of rounds that end at about the same time by one statement, and however much history
 * waits for its own; many are left to the import's end or to housekeeping.
 */
export async function fillSearchSoon({ db }: ActivityContext, tenantId: string, recorded: number): Promise<void> {
  if (recorded === 0 || recorded > newMessagesPerStatement) return;
  const turns = turnsOf.get(db) ?? createSharedTurns((tenant, count) => fillNews(db, tenant, count), statementsApartMs);
  turnsOf.set(db, turns);
  await turns.join(tenantId, recorded);
}

/**
 * Writes the search rows of so many messages that are new or were told anew, and of some that others have left: what a big round brought is written by
 * those after it. Second run: finds none.
 */
export async function fillNews(db: Database, tenantId: string, count: number): Promise<void> {
  for (let left = count; left > 0; left -= newMessagesPerStatement)
    if ((await fillSearchOfNews(db, tenantId, newMessagesPerStatement)) === 0) return;
}

/**
 * Writes the search rows of messages that wait for them, at most 5,000 and for some seconds. Returns how many it wrote; 0 means none is left.
 * Second run: goes on with what is left.
 */
export async function fillSearchRows(
  context: ActivityContext,
  run: ActivityRun,
  input: { tenantId: string },
): Promise<{ filled: number }> {
  let filled = 0;
  const endsAt = Date.now() + runMs;
  while (filled < messagesPerRun && Date.now() < endsAt && !run.signal.aborted) {
    const began = performance.now();
    const wrote = await fillSearch(context.db, input.tenantId, messagesPerStatement);
    run.heartbeat();
    filled += wrote;
    if (wrote < messagesPerStatement) break;
    await restAfter(performance.now() - began, run.signal);
  }
  return { filled };
}

/** Postgres has the other half of a core for others: words of thousands of messages are the longest work that it is given. */
async function restAfter(workedMs: number, signal: AbortSignal): Promise<void> {
  await sleep(workedMs, undefined, { signal }).catch(() => undefined);
}
