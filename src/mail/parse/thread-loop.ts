import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';

import { progressSlots, type ThreadAnswer, type ThreadData } from './thread-messages';

/** Answers go back in groups: waking the main thread for each would cost as much as parsing. */
const maxAnswersHeld = 16;
const maxHeldMs = 20;

/** What the pool sent; more is for the thread's program to know. */
interface NumberedJob {
  job: number;
}

/**
 * Answers what the pool sends to this thread, one job after the other. The thread may be killed at any moment, so it notes which job it
 * is at.
 */
export function answerJobs(answerTo: (job: NumberedJob) => ThreadAnswer): void {
  const running = new BigInt64Array((workerData as Pick<ThreadData, 'progress'>).progress);
  parentPort?.on('message', (first: NumberedJob) => {
    let held: ThreadAnswer[] = [];
    let heldSince = performance.now();
    for (let job: NumberedJob | null = first; job !== null; job = nextJob()) {
      Atomics.store(running, progressSlots.startedAt, process.hrtime.bigint());
      Atomics.store(running, progressSlots.job, BigInt(job.job));
      held.push(answerTo(job));
      Atomics.store(running, progressSlots.job, 0n);
      if (held.length < maxAnswersHeld && performance.now() - heldSince < maxHeldMs) continue;
      parentPort?.postMessage(held);
      held = [];
      heldSince = performance.now();
    }
    if (held.length > 0) parentPort?.postMessage(held);
  });
  Atomics.store(running, progressSlots.ready, 1n);
}

/** What was sent while the last one was read. */
function nextJob(): NumberedJob | null {
  const received: { message: NumberedJob } | undefined =
    parentPort === null ? undefined : receiveMessageOnPort(parentPort);
  return received?.message ?? null;
}
