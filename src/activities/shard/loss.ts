import { backoffMs } from '../../domain/backoff';
import { MailFailure } from '../../domain/failure';
import { noSlotCode } from '../leased-connections';

/** Why a connection was lost, or not made, and when there is no point in trying again. */
export interface Loss {
  lostReason: string;
  atLeastMs: number;
}

/** Full jitter for the first try after a loss: all mailboxes of a server are lost together. */
const firstRetryMs = 2_000;
/** Who has the last slot of an account is mostly about to leave it, or known to be dead in seconds: so many tries come soon. */
const soonTries = 15;
const soonMs = 1_000;

/** What an error means for a connection that waits for news. */
export function lossOf(error: unknown): Loss {
  if (!(error instanceof MailFailure)) return { lostReason: 'not-opened', atLeastMs: 0 };
  return { lostReason: error.code, atLeastMs: error.retryAfterMs ?? 0 };
}

/** Whether our own workers are what is in the way: a round would learn nothing of the server. */
export function isOurs({ lostReason }: Loss): boolean {
  return lostReason === noSlotCode;
}

/** How long to wait after the `failures`th loss in a row (from 1), with full jitter; `capMs` at most, but what was told. */
export function againAfterMs(loss: Loss, failures: number, capMs: number): number {
  if (isOurs(loss) && failures <= soonTries) return soonMs * (0.5 + Math.random());
  if (failures === 1) return loss.atLeastMs + firstRetryMs * Math.random();
  return loss.atLeastMs + backoffMs(failures - 1, Math.random(), capMs);
}
