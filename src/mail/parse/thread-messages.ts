import type { ParseOutcome } from '../../domain/message';
import type { ParseLimits } from './limit-breach';

/** What the pool and its threads say to each other. */
export interface ThreadData {
  limits: ParseLimits;
  /** Two 64-bit integers: the number of the job that runs, 0 for none, and when it began, in ms since 1970. */
  progress: SharedArrayBuffer;
}

export type ThreadJob = { job: number } & ({ kind: 'buffer'; bytes: Uint8Array } | { kind: 'file'; path: string });

/** `failed`: the file could not be read, which says nothing of the message. */
export type ThreadAnswer = { job: number } & (
  | { kind: 'outcome'; outcome: ParseOutcome }
  | { kind: 'failed'; error: unknown }
);
