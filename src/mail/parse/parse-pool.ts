import { open } from 'node:fs/promises';

import type { ParseOutcome } from '../../domain/message';
import { unreadable } from './parse-message';
import {
  type ParseJob,
  type PendingJob,
  PoolThread,
  type ThreadEnd,
  type ThreadEvents,
  type ThreadSettings,
} from './pool-thread';

export interface ParsePoolSettings extends ThreadSettings {
  threads: number;
}

/** Reads messages in threads of their own, so that no message can hold up, or take down, anything but itself. */
export interface ParsePool {
  /** Starts the threads before there is work, so that the first messages need not wait for them. */
  warm(): void;
  /**
   * Reads one message; any number may be asked for at once. A message that takes too long, too much memory, or ends its thread is an
   * outcome (`parse-timeout`, `parse-memory`, `thread-died`). The bytes stay the caller's and must not change meanwhile.
   * @throws Error where a file cannot be read, no thread can be started, or the pool is closed: nothing is known of the message then
   */
  parse(job: ParseJob): Promise<ParseOutcome>;
  /** Ends all threads. What was not answered is rejected. */
  close(): Promise<void>;
}

const scannedHeaderBytes = 65_536;

/** Makes a pool. Threads are started when there is work for them, and replaced when they end. */
export function createParsePool(settings: ParsePoolSettings): ParsePool {
  return new Pool(settings);
}

class Pool implements ParsePool {
  private readonly threads = new Set<PoolThread>();
  private waiting: PendingJob[] = [];
  private lastNumber = 0;
  private closed = false;

  constructor(private readonly settings: ParsePoolSettings) {}

  parse(job: ParseJob): Promise<ParseOutcome> {
    if (this.closed) return Promise.reject(new Error('The parse pool is closed.'));
    return new Promise((resolve, reject) => {
      this.lastNumber += 1;
      this.waiting.push({ number: this.lastNumber, job, lostThreads: 0, resolve, reject });
      this.assign();
    });
  }

  warm(): void {
    while (!this.closed && this.threads.size < this.settings.threads) this.startThread();
  }

  async close(): Promise<void> {
    this.closed = true;
    const unanswered = this.waiting.splice(0);
    for (const thread of this.threads) unanswered.push(...(await thread.stop()));
    this.threads.clear();
    for (const { reject } of unanswered) reject(new Error('The parse pool was closed.'));
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
        if (blamed) void blame(blamed, end, this.settings);
        this.assign();
      },
      failedToStart: (cause, jobs) => {
        this.threads.delete(thread);
        for (const { reject } of jobs) reject(new Error('A parse thread could not be started.', { cause }));
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

async function blame({ job, resolve, reject }: PendingJob, end: ThreadEnd, settings: ParsePoolSettings): Promise<void> {
  const detail = {
    'parse-timeout': { parseTimeoutMs: settings.timeoutMs },
    'parse-memory': { parseHeapMegabytes: settings.heapMegabytes },
    'thread-died': {},
  }[end];
  try {
    const start = job.kind === 'buffer' ? job.raw.subarray(0, scannedHeaderBytes) : await startOfFile(job.path);
    resolve(unreadable(start, { code: end, detail }));
  } catch (error) {
    reject(error instanceof Error ? error : new Error('The message file could not be read.'));
  }
}

async function startOfFile(path: string): Promise<Buffer> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(scannedHeaderBytes));
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
