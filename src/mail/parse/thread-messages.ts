import type { ParseOutcome, PartDescriptor } from '../../domain/message';
import type { SanitisedHtml } from '../html/sanitise-html';
import type { ParseLimits } from './limit-breach';

export const progressSlots = {
  /** The number of the job that runs, 0 for none. */
  job: 0,
  /** When it began, in ms since 1970. */
  startedAt: 1,
  /** 1 once the thread can take jobs. */
  ready: 2,
} as const;

/** What the pool and its threads say to each other. */
export interface ThreadData {
  limits: ParseLimits;
  /** 64-bit integers, see `progressSlots`. */
  progress: SharedArrayBuffer;
}

/** What a thread that shows HTML is asked: the kept bytes of a message, and where its parts lie in them. */
export interface HtmlJob {
  job: number;
  bytes: Uint8Array;
  parts: PartDescriptor[];
  maxCharacters: number;
  remoteContent: 'block' | 'allow';
}

export type ThreadJob = { job: number } & ({ kind: 'buffer'; bytes: Uint8Array } | { kind: 'file'; path: string });

/** `failed`: the file could not be read, which says nothing of the message. `code` is the operating system's. */
export type ThreadAnswer = { job: number } & (
  | { kind: 'outcome'; outcome: ParseOutcome }
  | { kind: 'html'; html: SanitisedHtml | null }
  | { kind: 'failed'; code: string }
);
