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
  if (error instanceof StaleFence) return { kind: 'superseded' };
  if (!(error instanceof MailFailure)) throw error;
  const state = stateOfKind[error.kind];
  const retryAfterMs =
    state === 'backing-off'
      ? (error.retryAfterMs ?? backoffMs(mailbox.failedRounds + 1, Math.random()))
      : refusedAgainAfterMs;
  const shownRetry = state === 'auth-required' ? null : retryAfterMs;
  const { kind, code, operation } = error;
  const { alternationsKept } = context.limits;
  const retry = { retryAfterMs: shownRetry, roundBegunAt, alternationsKept };
  await recordRoundFailure(context.db, mailbox, { state, kind, code, operation, ...retry });
  const failure = `${kind} (${code})`;
  if (state === 'auth-required' || state === 'needs-attention')
    return { kind: 'waiting', state, failure, retryAfterMs };
  return { kind: 'retry', failure, retryAfterMs, wait: error.retryAfterMs === undefined ? 'reckoned' : 'told' };
}
