import { readFileSync } from 'node:fs';
import { workerData } from 'node:worker_threads';

import { parseMessage } from './parse-message';
import { answerJobs } from './thread-loop';
import type { ThreadAnswer, ThreadData, ThreadJob } from './thread-messages';

/* Reads messages one after the other. */

const { limits } = workerData as ThreadData;

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

answerJobs((job) => answerTo(job as ThreadJob));
