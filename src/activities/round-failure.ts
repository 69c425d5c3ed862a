import { backoffMs } from '../domain/backoff';
import { MailFailure, type FailureKind } from '../domain/failure';
import type { MailboxState } from '../domain/mailbox-state';
import { StaleFence } from '../domain/stale-fence';
import { recordRoundFailure } from '../db/sync/round-write';
import type { MailboxForSync } from '../db/sync/mailbox-for-sync';
import type { ActivityContext } from './context';

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
  gone: 'needs-attention',
};

/** What went wrong. */
export interface Failed {
  error: unknown;
  /** When the round began that failed, by the database's clock; null for other work on the mailbox. */
  roundBegunAt: Date | null;
}

/**
 * Decides what a failure means for the mailbox, and writes it down. Everything that is no failure of the mail server goes on up, so that
 * Temporal tries the activity again.
 */
export async function roundFailure(
  context: ActivityContext,
  mailbox: MailboxForSync,
  { error, roundBegunAt }: Failed,
): Promise<NotDone> {
  const { notDone, state, failure } = decide(mailbox, error);
  if (failure === null) return notDone;
  const { kind, code, operation } = failure;
  const retryAfterMs = state === 'auth-required' ? null : notDone.retryAfterMs;
  const { alternationsKept } = context.limits;
  const told = { state, kind, code, operation, retryAfterMs, roundBegunAt, alternationsKept };
  await recordRoundFailure(context.db, mailbox, told);
  return notDone;
}

/** What a failure of other work than a round comes to. The state of the mailbox stays: that is for its next round to find out. */
export function failureBesideRounds(mailbox: MailboxForSync, error: unknown): NotDone {
  return decide(mailbox, error).notDone;
}

type Decision =
  | { notDone: { kind: 'superseded' }; state: null; failure: null }
  | { notDone: Exclude<NotDone, { kind: 'superseded' }>; state: MailboxState; failure: MailFailure };

function decide(mailbox: MailboxForSync, error: unknown): Decision {
  if (error instanceof StaleFence) return { notDone: { kind: 'superseded' }, state: null, failure: null };
  if (!(error instanceof MailFailure)) throw error;
  const state = stateOfKind[error.kind];
  const failure = `${error.kind} (${error.code})`;
  if (state === 'auth-required' || state === 'needs-attention') {
    const notDone = { kind: 'waiting', state, failure, retryAfterMs: refusedAgainAfterMs } as const;
    return { notDone, state, failure: error };
  }
  const retryAfterMs = error.retryAfterMs ?? backoffMs(mailbox.failedRounds + 1, Math.random());
  const wait = error.retryAfterMs === undefined ? 'reckoned' : 'told';
  return { notDone: { kind: 'retry', failure, retryAfterMs, wait }, state, failure: error };
}
