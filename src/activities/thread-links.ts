import { linkChunk } from '../db/thread-links/link-chunk';
import type { ActivityContext, ActivityRun } from './context';

/** Mail that arrives meanwhile waits for a chunk: some 200 ms. */
const messagesPerChunk = 200;
const runForMs = 60_000;

/** How far an operation on links is, in messages. */
export interface LinkShare {
  kind: 'more' | 'done';
  done: number;
  total: number;
}

/**
 * Makes, takes away or restores the links of an operation, share by share in short transactions, for a minute at most: what is to be done was written
 * down with the operation. Second run: goes on with what has not been done; with nothing left, it has ended.
 */
export async function changeLinks(
  { db }: ActivityContext,
  run: ActivityRun,
  input: { tenantId: string; operationId: string },
): Promise<LinkShare> {
  const endsAt = performance.now() + runForMs;
  let share: LinkShare = { kind: 'more', done: 0, total: 0 };
  while (share.kind === 'more' && performance.now() < endsAt) {
    run.signal.throwIfAborted();
    const step = await linkChunk(db, input, messagesPerChunk);
    share = step.kind === 'none' ? { ...share, kind: 'done' } : step;
    run.heartbeat();
  }
  return share;
}
