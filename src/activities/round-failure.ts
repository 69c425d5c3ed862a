import { backoffMs } from '../domain/backoff';
import { MailFailure, type FailureKind } from '../domain/failure';
import type { MailboxState } from '../domain/mailbox-state';
import { StaleFence } from '../domain/stale-fence';
import { DatabaseUnavailable } from '../db/database-error';
import { recordRoundFailure, type RoundFailure } from '../db/sync/round-write';
import type { MailboxForSync } from '../db/sync/mailbox-for-sync';
import type { ActivityContext, ActivityRun } from './context';

/** How work on a mailbox ended when it did not end well; the workflow only looks at what to do next. */
export type NotDone =
  /** Try again after this time. Before a time that was told (by the server, or because the disk is full) there is no point in trying. */
  | { kind: 'retry'; failure: string; retryAfterMs: number; wait: 'told' | 'reckoned' }
  /** A person must do something first. */
  | { kind: 'waiting'; state: 'auth-required' | 'needs-attention'; failure: string; retryAfterMs: number }
  /** A newer wish exists, or the mailbox is no more. */
  | { kind: 'superseded' };

const refusedAgainAfterMs = 3_600_000;

const stateOfKind: Record<FailureKind, MailboxState> = {
  unreachable: 'backing-off',
  busy: 'backing-off',
  'cursor-lost': 'backing-off',
  unreadable: 'backing-off',
  credentials: 'auth-required',
  refused: 'needs-attention',
  // A folder that went while a round came to it: the next listing says what became of it.
  gone: 'backing-off',
};

/** So often Temporal tries work that fails for no reason of the server's before the mailbox says so. */
const triesUnexplained = 5;

/** What went wrong. */
export interface Failed {
  error: unknown;
  run: ActivityRun;
  /** When the round began that failed, by the database's clock; null for other work on the mailbox. */
  roundBegunAt: Date | null;
}

/**
 * Decides what a failure means for the mailbox, and writes it down. What is no failure of the mail server goes on up, so that Temporal tries
 * the activity again, until it has happened five times in a row: then the mailbox backs off like any other, and says `internal`.
 */
export async function roundFailure(
  context: ActivityContext,
  mailbox: MailboxForSync,
  { error, run, roundBegunAt }: Failed,
): Promise<NotDone> {
  const { notDone, state, failure } = decide(mailbox, { error, run });
  if (failure === null) return notDone;
  const { kind, code, operation, reach } = failure;
  const retryAfterMs = state === 'auth-required' ? null : notDone.retryAfterMs;
  const { alternationsKept } = context.limits;
  const told = { state, kind, code, operation, reach, retryAfterMs, roundBegunAt, alternationsKept };
  await recordRoundFailure(context.db, mailbox, told);
  return notDone;
}

/** What a failure of other work than a round comes to. The state of the mailbox stays: that is for its next round to find out. */
export function failureBesideRounds(
  mailbox: Pick<MailboxForSync, 'failedRounds'>,
  failed: Pick<Failed, 'error' | 'run'>,
): { notDone: NotDone; reason: { kind: string; code: string } | null } {
  const { notDone, failure } = decide(mailbox, failed);
  return { notDone, reason: failure === null ? null : { kind: failure.kind, code: failure.code } };
}

type Decision =
  | { notDone: { kind: 'superseded' }; state: null; failure: null }
  | {
      notDone: Exclude<NotDone, { kind: 'superseded' }>;
      state: MailboxState;
      failure: Pick<RoundFailure, 'kind' | 'code' | 'operation' | 'reach'>;
    };

const internal = { kind: 'internal', code: 'internal', operation: 'round', reach: 'account' } as const;

function decide(
  mailbox: Pick<MailboxForSync, 'failedRounds'>,
  { error, run }: Pick<Failed, 'error' | 'run'>,
): Decision {
  if (error instanceof StaleFence) return { notDone: { kind: 'superseded' }, state: null, failure: null };
  const reckonedMs = backoffMs(mailbox.failedRounds + 1, Math.random());
  if (!(error instanceof MailFailure)) {
    if (isTriedAgain(error, run)) throw error;
    const notDone = { kind: 'retry', failure: 'internal', retryAfterMs: reckonedMs, wait: 'reckoned' } as const;
    return { notDone, state: 'backing-off', failure: internal };
  }
  const state = stateOfKind[error.kind];
  const failure = `${error.kind} (${error.code})`;
  if (state === 'auth-required' || state === 'needs-attention') {
    const notDone = { kind: 'waiting', state, failure, retryAfterMs: refusedAgainAfterMs } as const;
    return { notDone, state, failure: error };
  }
  const wait = error.retryAfterMs === undefined ? 'reckoned' : 'told';
  const retryAfterMs = error.retryAfterMs ?? reckonedMs;
  return { notDone: { kind: 'retry', failure, retryAfterMs, wait }, state, failure: error };
}

/** What was cut off says nothing of the mailbox, and a database that is away could not be told. */
function isTriedAgain(error: unknown, { signal, attempt = 1 }: ActivityRun): boolean {
  return signal.aborted || error instanceof DatabaseUnavailable || attempt < triesUnexplained;
}
