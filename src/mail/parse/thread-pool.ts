import { type Job, type PendingJob, PoolThread, type ThreadEvents, type ThreadSettings } from './pool-thread';

export interface PoolSettings extends ThreadSettings {
  threads: number;
}

/**
 * Has jobs done in threads of their own. Threads are started when there is work for them, and replaced when they end; a job with which
 * one ended is not given to another.
 */
export class ThreadPool {
  private readonly threads = new Set<PoolThread>();
  private waiting: PendingJob[] = [];
  private lastNumber = 0;
  private closed = false;

  constructor(private readonly settings: PoolSettings) {}

  /** Every job is answered, blamed or rejected, once. */
  ask(job: Job): void {
    if (this.closed) {
      job.reject(new Error('The pool is closed.'));
      return;
    }
    this.lastNumber += 1;
    this.line({ number: this.lastNumber, job, lostThreads: 0 });
    this.assign();
  }

  private line(pending: PendingJob): void {
    const behind = pending.job.first ? this.waiting.findIndex(({ job }) => !job.first) : -1;
    if (behind < 0) this.waiting.push(pending);
    else this.waiting.splice(behind, 0, pending);
  }

  /** Starts all threads. */
  warm(): void {
    while (!this.closed && this.threads.size < this.settings.threads) this.startThread();
  }

  /** Ends all threads. What was not answered is rejected. */
  async close(): Promise<void> {
    this.closed = true;
    const unanswered = this.waiting.splice(0);
    for (const thread of this.threads) unanswered.push(...(await thread.stop()));
    this.threads.clear();
    for (const { job } of unanswered) job.reject(new Error('The pool was closed.'));
  }

  private assign(): void {
    while (this.waiting.length > 0) {
      const thread = this.threadWithRoom();
      const next = thread && this.waiting.shift();
      if (!next) return;
      thread.send(next);
    }
  }

  private threadWithRoom(): PoolThread | null {
    const idlest = [...this.threads].sort((a, b) => a.load - b.load)[0];
    if (idlest?.load === 0) return idlest;
    if (this.threads.size < this.settings.threads) return this.startThread();
    return idlest?.hasRoom === true ? idlest : null;
  }

  private startThread(): PoolThread {
    const events: ThreadEvents = {
      answered: () => {
        this.assign();
      },
      ended: (end, { culprit, waiting }) => {
        this.threads.delete(thread);
        const blamed = culprit ?? nextInLine(waiting);
        this.waiting = [...waiting.filter((pending) => pending !== blamed), ...this.waiting];
        blamed?.job.blamed(end);
        this.assign();
      },
      failedToStart: (cause, jobs) => {
        this.threads.delete(thread);
        for (const { job } of jobs) job.reject(new Error('A thread could not be started.', { cause }));
        this.assign();
      },
    };
    const thread = new PoolThread(this.settings, events);
    this.threads.add(thread);
    return thread;
  }
}

/** A thread that ends between two jobs may have been about to take the next; one that does so twice is to blame, or it would go on for ever. */
function nextInLine([next]: PendingJob[]): PendingJob | null {
  if (next === undefined) return null;
  next.lostThreads += 1;
  return next.lostThreads > 1 ? next : null;
}
