import { readFileSync } from 'node:fs';
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';

import { parseMessage } from './parse-message';
import type { ThreadAnswer, ThreadData, ThreadJob } from './thread-messages';

/* Reads messages one after the other; may be killed at any moment, so it notes which one it is at. */

const { limits, progress } = workerData as ThreadData;
const running = new BigInt64Array(progress);

function answerTo(job: ThreadJob): ThreadAnswer {
  let raw: Buffer;
  try {
    raw = job.kind === 'file' ? readFileSync(job.path) : Buffer.from(job.bytes.buffer);
  } catch (error) {
    return { job: job.job, kind: 'failed', error };
  }
  return { job: job.job, kind: 'outcome', outcome: parseMessage(raw, limits) };
}

/** Answers go back in groups: waking the main thread for each would cost as much as parsing. */
const maxAnswersHeld = 16;
const maxHeldMs = 20;

parentPort?.on('message', (first: ThreadJob) => {
  let held: ThreadAnswer[] = [];
  let heldSince = Date.now();
  for (let job: ThreadJob | null = first; job !== null; job = nextJob()) {
    held.push(answerWatched(job));
    if (held.length < maxAnswersHeld && Date.now() - heldSince < maxHeldMs) continue;
    parentPort?.postMessage(held);
    held = [];
    heldSince = Date.now();
  }
  if (held.length > 0) parentPort?.postMessage(held);
});

/** What was sent while the last one was read. */
function nextJob(): ThreadJob | null {
  const received = parentPort === null ? undefined : receiveMessageOnPort(parentPort);
  return received === undefined ? null : (received as { message: ThreadJob }).message;
}

function answerWatched(job: ThreadJob): ThreadAnswer {
  Atomics.store(running, 1, BigInt(Date.now()));
  Atomics.store(running, 0, BigInt(job.job));
  const answer = answerTo(job);
  Atomics.store(running, 0, 0n);
  return answer;
}
