import { open } from 'node:fs/promises';

import type { ParseOutcome } from '../../domain/message';
import { unreadable } from './parse-message';
import type { Job, ThreadEnd } from './pool-thread';
import { ThreadPool, type PoolSettings } from './thread-pool';

export type ParseJob = { kind: 'buffer'; raw: Buffer } | { kind: 'file'; path: string };

export type ParsePoolSettings = Omit<PoolSettings, 'program'>;

/** Reads messages in threads of their own, so that no message can hold up, or take down, anything but itself. */
export interface ParsePool {
  /** Starts the threads before there is work, so that the first messages need not wait for them. */
  warm(): void;
  /**
   * Reads one message; any number may be asked for at once. A message that takes too long, too much memory, or ends its thread is an
   * outcome (`parse-timeout`, `parse-memory`, `thread-died`). The bytes stay the caller's and must not change meanwhile.
   * `first` goes before those that wait and did not say so: a new message must not wait for hundreds of an import.
   * @throws Error where a file cannot be read, no thread can be started, or the pool is closed: nothing is known of the message then
   */
  parse(job: ParseJob, turn?: 'first' | 'in-line'): Promise<ParseOutcome>;
  /** Ends all threads. What was not answered is rejected. */
  close(): Promise<void>;
}

const scannedHeaderBytes = 65_536;

/** Makes a pool. Threads are started when there is work for them, and replaced when they end. */
export function createParsePool(settings: ParsePoolSettings): ParsePool {
  const pool = new ThreadPool({ ...settings, program: 'parse-thread' });
  return {
    warm: () => {
      pool.warm();
    },
    parse: (job, turn = 'in-line') =>
      new Promise((resolve, reject) => {
        pool.ask({
          first: turn === 'first',
          ...bytesOf(job),
          answered: (answer) => {
            if (answer.kind === 'outcome') resolve(answer.outcome);
            else
              reject(
                new Error(
                  `The message file could not be read: ${answer.kind === 'failed' ? answer.code : 'no answer'}`,
                ),
              );
          },
          blamed: (end) => {
            blame(job, end, settings).then(resolve, reject);
          },
          reject,
        });
      }),
    close: () => pool.close(),
  };
}

/** The caller still stores the bytes, so the thread gets a copy: one `memcpy`, and only of this message, not of what its buffer is part of. */
function bytesOf(job: ParseJob): Pick<Job, 'size' | 'toThread'> {
  if (job.kind === 'file')
    return { size: 0, toThread: () => ({ message: { kind: 'file', path: job.path }, transfer: [] }) };
  return {
    size: job.raw.length,
    toThread: () => {
      const bytes = new Uint8Array(job.raw);
      return { message: { kind: 'buffer', bytes }, transfer: [bytes.buffer] };
    },
  };
}

async function blame(job: ParseJob, end: ThreadEnd, settings: ParsePoolSettings): Promise<ParseOutcome> {
  const detail = {
    'parse-timeout': { parseTimeoutMs: settings.timeoutMs },
    'parse-memory': { parseHeapMegabytes: settings.heapMegabytes },
    'thread-died': {},
  }[end];
  const start = job.kind === 'buffer' ? job.raw.subarray(0, scannedHeaderBytes) : await startOfFile(job.path);
  return unreadable(start, { code: end, detail });
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
