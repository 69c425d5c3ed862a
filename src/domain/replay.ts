import type { DesiredState } from './mailbox-state';
import { outcomeName, outcomes, presences } from './ledger';
import type { Policy } from './policy';

/** What became of a message of a replay; in a dry run, what would become of it. */
export const replayOutcomes = [
  'recorded', // it is in the timelines now
  'filtered', // read, and left out by the policy
  'headers-only', // too large: recorded by its header
  'parked', // tried again, and failed again: `reason` says how
  'fetch', // of a dry run: there are no bytes, the server would be asked for them
  'healed', // had another outcome before this replay came to it, which `reason` names
  'gone', // no bytes, and the server has it no longer
  'not-fetched', // no bytes, and the server cannot be asked now: `reason` says why; it is asked by itself later
  'left-out', // the filter does not fit: its sender is another, or not known
  'refused', // its mailbox is being deleted
] as const;

export type ReplayOutcome = (typeof replayOutcomes)[number];

/** How a message ended that needs no work. */
export interface Settled {
  outcome: ReplayOutcome;
  reason: string | null;
}

/** A ledger row that is to be replayed, as it is now. */
export interface RowToReplay {
  outcome: number;
  presence: number;
  blobId: string | null;
  /** Its folder is there, and has the UIDVALIDITY that the UID belongs to. */
  isCurrent: boolean;
  /** Times that a worker began with it in this replay and did not come back, or broke off with an error that may be of this message. */
  tries: number;
}

/** The mailbox of a row. */
export interface MailboxOfRow {
  desired: DesiredState;
  isLoginRefused: boolean;
  isDeleting: boolean;
  removals: Policy['removals'];
}

/** From where a message is read again, or why it is not. */
export type ReplayPlan = { kind: 'settled'; as: Settled } | { kind: 'stored'; blobId: string } | { kind: 'server' };

/** What ended so many workers is left alone. */
const mostTries = 3;

/** Decides what a replay does with a message. */
export function replayPlanOf(row: RowToReplay | null, mailbox: MailboxOfRow | null): ReplayPlan {
  if (mailbox === null || mailbox.isDeleting) return settled('refused', 'mailbox-deleting');
  if (row === null) return settled('gone', 'removed');
  const isToFetch = row.outcome === outcomes['headers-only'];
  if (row.outcome !== outcomes.parked && !isToFetch) return settled('healed', outcomeName(row.outcome));
  if (row.tries >= mostTries) return settled('parked', 'ended-its-worker');
  if (row.presence !== presences.live && mailbox.removals === 'mirror') return settled('gone', 'removed-on-server');
  if (row.blobId !== null && !isToFetch) return { kind: 'stored', blobId: row.blobId };
  return askServer(row, mailbox);
}

function askServer(row: RowToReplay, mailbox: MailboxOfRow): ReplayPlan {
  if (row.presence !== presences.live || !row.isCurrent) return settled('gone', 'not-on-server');
  if (mailbox.desired !== 'running') return settled('not-fetched', `mailbox-${mailbox.desired}`);
  return mailbox.isLoginRefused ? settled('not-fetched', 'auth-required') : { kind: 'server' };
}

function settled(outcome: ReplayOutcome, reason: string): ReplayPlan {
  return { kind: 'settled', as: { outcome, reason } };
}

const hourMs = 3_600_000;
/** After the first hour of trying in every round, ever more seldom: ten tries within about two weeks. */
const pausesMs = [1, 2, 4, 8, 16, 24, 48, 72, 96, 120].map((hours) => hours * hourMs);

/** How long to wait until a server is asked again for a message that it did not deliver; null: no more by itself. */
export function pauseBeforeTryMs(attempts: number): number | null {
  return pausesMs[Math.max(attempts, 1) - 1] ?? null;
}
