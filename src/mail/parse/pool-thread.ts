import { extname, join } from 'node:path';
import { Worker } from 'node:worker_threads';

import type { ParseLimits } from './limit-breach';
import { progressSlots, type ThreadAnswer, type ThreadData } from './thread-messages';

/** What a pool is asked. */
export interface Job {
  /** Goes before those that wait and are not. */
  first: boolean;
  /** Bytes that go to the thread with it. */
  size: number;
  /** What the thread gets, and what of it is handed over instead of copied. */
  toThread: () => { message: object; transfer: ArrayBuffer[] };
  answered: (answer: ThreadAnswer) => void;
  /** A thread ended that was at it. */
  blamed: (end: ThreadEnd) => void;
  /** Nothing is known of it. */
  reject: (error: Error) => void;
}

/** A job of the pool, until it is answered. */
export interface PendingJob {
  number: number;
  job: Job;
  /** How many threads have ended with it as the next one. */
  lostThreads: number;
}

export interface ThreadSettings {
  timeoutMs: number;
  heapMegabytes: number;
  limits: ParseLimits;
  /** What the threads run, a file without its extension. */
  program: string;
}

/** Why a thread ended that was not told to. */
export type ThreadEnd = 'parse-timeout' | 'parse-memory' | 'thread-died';

/** What the pool hears of a thread. */
export interface ThreadEvents {
  /** The thread has room for more jobs. */
  answered(): void;
  /** The thread is gone. `culprit` is the job it was at, null between two jobs; `waiting` are those it had not begun. */
  ended(end: ThreadEnd, jobs: { culprit: PendingJob | null; waiting: PendingJob[] }): void;
  /** The thread never came to life. */
  failedToStart(cause: unknown, jobs: PendingJob[]): void;
}

// Jobs are sent ahead so that a thread need not wait for a busy main thread; few, because their bytes are copied.
const maxJobsAhead = 16;
const maxBytesAhead = 4_194_304;

/** One worker thread and the jobs that were sent to it, in order. */
export class PoolThread {
  private readonly worker: Worker;
  private readonly running: BigInt64Array;
  private readonly sent: PendingJob[] = [];
  private bytesAhead = 0;
  private overTime = false;
  private error: unknown;
  private readonly watch: NodeJS.Timeout;

  constructor(
    private readonly settings: ThreadSettings,
    private readonly events: ThreadEvents,
  ) {
    const progress = new SharedArrayBuffer(Object.keys(progressSlots).length * BigInt64Array.BYTES_PER_ELEMENT);
    this.running = new BigInt64Array(progress);
    this.worker = startWorker(settings, { limits: settings.limits, progress });
    this.worker.on('message', (answers: ThreadAnswer[]) => {
      for (const answer of answers) this.settle(answer);
      events.answered();
    });
    this.worker.on('error', (error) => (this.error = error));
    this.worker.on('exit', () => {
      this.end();
    });
    this.worker.unref();
    this.watch = setInterval(
      () => {
        this.endWhenOverTime();
      },
      Math.max(10, Math.min(500, settings.timeoutMs / 4)),
    ).unref();
  }

  /** Jobs that it has, begun or not. */
  get load(): number {
    return this.sent.length;
  }

  get hasRoom(): boolean {
    return this.sent.length < maxJobsAhead && (this.sent.length === 0 || this.bytesAhead < maxBytesAhead);
  }

  send(pending: PendingJob): void {
    this.worker.ref();
    this.sent.push(pending);
    this.bytesAhead += pending.job.size;
    const { message, transfer } = pending.job.toThread();
    this.worker.postMessage({ ...message, job: pending.number }, transfer);
  }

  /** Ends the thread; returns the jobs it had, which nobody will answer. */
  async stop(): Promise<PendingJob[]> {
    const jobs = this.sent.splice(0);
    this.worker.removeAllListeners('exit');
    clearInterval(this.watch);
    await this.worker.terminate();
    return jobs;
  }

  private settle(answer: ThreadAnswer): void {
    const index = this.sent.findIndex((pending) => pending.number === answer.job);
    const [pending] = index < 0 ? [] : this.sent.splice(index, 1);
    if (pending === undefined) return;
    this.bytesAhead -= pending.job.size;
    if (this.sent.length === 0) this.worker.unref();
    pending.job.answered(answer);
  }

  /** Goes by the thread's own clock: a main thread that was busy for long must not blame the message. */
  private endWhenOverTime(): void {
    // Nanoseconds of the system's monotonic clock, which all threads share.
    const ranMs = Number(process.hrtime.bigint() - Atomics.load(this.running, progressSlots.startedAt)) / 1_000_000;
    if (Atomics.load(this.running, progressSlots.job) === 0n || ranMs <= this.settings.timeoutMs) return;
    this.overTime = true;
    void this.worker.terminate();
  }

  private end(): void {
    clearInterval(this.watch);
    const jobs = this.sent.splice(0);
    if (Atomics.load(this.running, progressSlots.ready) === 0n) {
      this.events.failedToStart(this.error, jobs);
      return;
    }
    const at = Number(Atomics.load(this.running, progressSlots.job));
    const culprit = jobs.find((pending) => pending.number === at) ?? null;
    this.events.ended(this.reason(), { culprit, waiting: jobs.filter((pending) => pending !== culprit) });
  }

  private reason(): ThreadEnd {
    if (this.overTime) return 'parse-timeout';
    const { code } = (this.error ?? {}) as { code?: unknown };
    return code === 'ERR_WORKER_OUT_OF_MEMORY' ? 'parse-memory' : 'thread-died';
  }
}

/** From the built files as they are; from the sources, under tests and in development, through tsx. */
function startWorker({ program, heapMegabytes }: ThreadSettings, workerData: ThreadData): Worker {
  const extension = extname(__filename);
  return new Worker(join(__dirname, `${program}${extension}`), {
    workerData,
    resourceLimits: { maxOldGenerationSizeMb: heapMegabytes },
    ...(extension === '.ts' ? { execArgv: ['--require', require.resolve('tsx/cjs')] } : {}),
  });
}
