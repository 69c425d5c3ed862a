import { readFileSync } from 'node:fs';
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';

import { parseMessage } from './parse-message';
import { progressSlots, type ThreadAnswer, type ThreadData, type ThreadJob } from './thread-messages';

/* Reads messages one after the other; may be killed at any moment, so it notes which one it is at. */

const { limits, progress } = workerData as ThreadData;
const running = new BigInt64Array(progress);

function answerTo(job: ThreadJob): ThreadAnswer {
  let raw: Buffer;
  try {
    raw = job.kind === 'file' ? readFileSync(job.path) : Buffer.from(job.bytes.buffer);
  } catch (error) {
    return { job: job.job, kind: 'failed', code: codeOf(error) };
  }
  return { job: job.job, kind: 'outcome', outcome: parseMessage(raw, limits) };
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
}

/** Answers go back in groups: waking the main thread for each would cost as much as parsing. */
const maxAnswersHeld = 16;
const maxHeldMs = 20;

parentPort?.on('message', (first: ThreadJob) => {
  let held: ThreadAnswer[] = [];
  let heldSince = performance.now();
  for (let job: ThreadJob | null = first; job !== null; job = nextJob()) {
    held.push(answerWatched(job));
    if (held.length < maxAnswersHeld && performance.now() - heldSince < maxHeldMs) continue;
    parentPort?.postMessage(held);
    held = [];
    heldSince = performance.now();
  }
  if (held.length > 0) parentPort?.postMessage(held);
});

/** What was sent while the last one was read. */
function nextJob(): ThreadJob | null {
  const received: { message: ThreadJob } | undefined =
    parentPort === null ? undefined : receiveMessageOnPort(parentPort);
  return received?.message ?? null;
}

function answerWatched(job: ThreadJob): ThreadAnswer {
  Atomics.store(running, progressSlots.startedAt, process.hrtime.bigint());
  Atomics.store(running, progressSlots.job, BigInt(job.job));
  const answer = answerTo(job);
  Atomics.store(running, progressSlots.job, 0n);
  return answer;
}

Atomics.store(running, progressSlots.ready, 1n);
