import { rematchChunk } from '../db/rematch';
import { finishRematch, rematchProgress } from '../db/rematch-operation';
import { visibilityChunk } from '../db/visibility-job';
import type { ActivityContext, ActivityRun } from './context';

const messagesPerChunk = 500;
const runForMs = 60_000;

/**
 * Links stored mail again after addresses of records changed, or tells anew who may read it after owner, members or addresses of users
 * changed: what is to be done is in the operation's row. Works for a minute at most. Second run: goes on after the last chunk that was
 * committed.
 */
export async function rematchHistory(
  context: ActivityContext,
  run: ActivityRun,
  input: { tenantId: string; operationId: string },
): Promise<{ kind: 'more' | 'done' }> {
  const endsAt = performance.now() + runForMs;
  while ((await visibilityChunk(context.db, input, messagesPerChunk)) === 'more') {
    run.signal.throwIfAborted();
    run.heartbeat();
    if (performance.now() >= endsAt) return { kind: 'more' };
  }
  let progress = await rematchProgress(context.db, input);
  while (progress !== null && performance.now() < endsAt) {
    run.signal.throwIfAborted();
    const chunk = await rematchChunk(context.db, input.tenantId, { ...progress, limit: messagesPerChunk });
    progress = await finishRematch(context.db, input, chunk);
    run.heartbeat();
  }
  return { kind: progress === null ? 'done' : 'more' };
}
