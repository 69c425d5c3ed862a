import { mergeChunk, type MergeRef } from '../db/merges/merge-chunk';
import { publicId } from '../domain/ids';
import type { ActivityContext, ActivityRun } from './context';
import { scrubbedError } from './scrubbed-error';

const linksPerChunk = 500;
const runForMs = 60_000;

/** How far the merge of two records is, in links. */
export interface MergeShare {
  kind: 'more' | 'done';
  done: number;
  total: number;
}

/**
 * Moves the links of a merged record to the one that it is a part of now, or back, in short transactions, for a minute at most; starts the jobs
 * that follow from it. Second run: goes on with what is left; with nothing left, it has ended.
 */
export async function mergeRecords(context: ActivityContext, run: ActivityRun, input: MergeRef): Promise<MergeShare> {
  const endsAt = performance.now() + runForMs;
  let share: MergeShare = { kind: 'more', done: 0, total: 0 };
  while (share.kind === 'more' && performance.now() < endsAt) {
    run.signal.throwIfAborted();
    const step = await mergeChunk(context.db, input, linksPerChunk);
    if (step.kind === 'none') return { ...share, kind: 'done' };
    for (const operationId of step.operationIds) await start(context, run, { tenantId: input.tenantId, operationId });
    share = { kind: step.kind, done: step.done, total: step.total };
    run.heartbeat();
  }
  return share;
}

/** What cannot be started now is started by the reconciler. */
async function start({ engine }: ActivityContext, run: ActivityRun, job: MergeRef): Promise<void> {
  try {
    await engine.startRematch(job);
  } catch (error) {
    const ids = { operationId: publicId('operation', job.operationId) };
    run.warn?.('job after a merge not started, left to the reconciler', {
      ...ids,
      error: scrubbedError(error).message,
    });
  }
}
