import { rematchChunk } from '../db/rematch';
import { finishRematch, rematchProgress } from '../db/rematch-operation';
import type { ActivityContext, ActivityRun } from './context';

const messagesPerChunk = 500;
const runForMs = 60_000;

/**
 * Links stored mail again after addresses of records changed; the addresses are in the operation's row. Works for a minute at most.
 * Second run: goes on after the last chunk that was committed.
 */
export async function rematchHistory(
  context: ActivityContext,
  run: ActivityRun,
  input: { tenantId: string; operationId: string },
): Promise<{ kind: 'more' | 'done' }> {
  const endsAt = performance.now() + runForMs;
  let progress = await rematchProgress(context.db, input);
  while (progress !== null && performance.now() < endsAt) {
    run.signal.throwIfAborted();
    const chunk = await rematchChunk(context.db, input.tenantId, { ...progress, limit: messagesPerChunk });
    progress = await finishRematch(context.db, input, chunk);
    run.heartbeat();
  }
  return { kind: progress === null ? 'done' : 'more' };
}
