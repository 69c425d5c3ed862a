import { setTimeout as sleep } from 'node:timers/promises';

import type { JobProgress } from '../domain/job-progress';
import { jobProgress } from '../db/operations';
import { rematchChunk } from '../db/rematch-job';
import { visibilityChunk } from '../db/visibility-job';
import type { ActivityContext, ActivityRun } from './context';

const messagesPerChunk = 500;
/** A job that waits for another one of its tenant looks so often whether it is its turn. */
const waitMs = 1_000;
const runForMs = 60_000;

/** Whether there is more to do, and how far the job is, in messages or copies. */
export interface RematchShare {
  kind: 'more' | 'done';
  progress: JobProgress;
}

/**
 * Links stored mail again after addresses of records changed, or tells anew who may read it after owner, members or addresses of users
 * changed: what is to be done is in the operation's row. Works for a minute at most. Second run: goes on after the last chunk that was
 * committed.
 */
export async function rematchHistory(
  context: ActivityContext,
  run: ActivityRun,
  input: { tenantId: string; operationId: string },
): Promise<RematchShare> {
  const kind = await rematchFor(context, run, input);
  return { kind, progress: await jobProgress(context.db, input) };
}

async function rematchFor(
  context: ActivityContext,
  run: ActivityRun,
  input: { tenantId: string; operationId: string },
): Promise<RematchShare['kind']> {
  const endsAt = performance.now() + runForMs;
  while ((await visibilityChunk(context.db, input, messagesPerChunk)) === 'more') {
    run.signal.throwIfAborted();
    run.heartbeat();
    if (performance.now() >= endsAt) return 'more';
  }
  for (;;) {
    run.signal.throwIfAborted();
    const step = await rematchChunk(context.db, input, messagesPerChunk);
    run.heartbeat();
    if (step.kind === 'none') return 'done';
    if (performance.now() >= endsAt) return 'more';
    if (step.kind === 'waits') await sleep(waitMs, undefined, { signal: run.signal });
  }
}
