import { readFileSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';

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

parentPort?.on('message', (job: ThreadJob) => {
  Atomics.store(running, 1, BigInt(Date.now()));
  Atomics.store(running, 0, BigInt(job.job));
  parentPort?.postMessage(answerTo(job));
  Atomics.store(running, 0, 0n);
});
