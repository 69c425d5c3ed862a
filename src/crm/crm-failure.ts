import type { ConnectorErrorCode } from '../domain/connector-words/words';

/** What a failure of a CRM means for what happens next. */
export type CrmFailureKind =
  | 'unreachable' // network, time-out, 5xx: tried again
  | 'busy' // rate limit: tried again after retryAfterMs
  | 'credentials' // the token is refused: seldom tried again, a person must look
  | 'refused'; // it says no, or answers what cannot be read: seldom tried again, a person must look

/** What was asked of it. */
export type CrmOperation = 'pull' | 'find' | 'push' | 'open';

/** The one error that `src/crm` throws. Codes and numbers only: no address, no token and none of the CRM's words. */
export class CrmFailure extends Error {
  override readonly name = 'CrmFailure';
  readonly code: ConnectorErrorCode;
  /** The HTTP status, where one came. */
  readonly status: number | null;
  readonly retryAfterMs: number | undefined;

  constructor(
    readonly kind: CrmFailureKind,
    readonly operation: CrmOperation,
    detail: { code: ConnectorErrorCode; status?: number; retryAfterMs?: number; cause?: unknown },
  ) {
    super(`${operation}: ${kind} (${detail.code})`, { cause: detail.cause });
    this.code = detail.code;
    this.status = detail.status ?? null;
    this.retryAfterMs = detail.retryAfterMs;
  }
}
