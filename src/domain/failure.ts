/** What a failure means for what happens next. Decided once, in the adapter; nobody else looks at codes or texts. */
export type FailureKind =
  | 'unreachable' // network, time-out: retried
  | 'busy' // rate limit, disk full: retried after retryAfterMs
  | 'credentials' // login refused: waits for a person
  | 'cursor-lost' // UIDVALIDITY changed: new generation of the folder
  | 'unreadable' // this message only: parked with its bytes
  | 'refused' // the other side says no: a person must look
  | 'gone'; // folder or mailbox is no more

/** The closed list of reasons why a connection could not be made. Each has its words in `connectionSentences`. */
export const connectCodes = [
  'host-not-found',
  'port-closed',
  'timed-out',
  'not-an-imap-server',
  'tls-required',
  'tls-name-mismatch',
  'certificate-expired',
  'certificate-not-trusted',
  'login-refused',
  'imap-disabled',
  'too-many-connections',
  'host-not-allowed',
] as const;

export type ConnectCode = (typeof connectCodes)[number];

/**
 * Whom a failure is about: this account, all accounts of its organisation, or everybody who asks that server from here; a folder alone is
 * for who has looked at the others to say.
 */
export type FailureReach = 'folder' | 'account' | 'organisation' | 'server';

/** The operation of a failure that is no server's: one that asked to be left alone was not asked. */
export const leavingAlone = 'leave-alone';

export interface MailFailureDetail {
  /** Closed list for connections; else a short kebab-case code made in the adapter. Never a server's words. */
  code: string;
  retryAfterMs?: number;
  /** `account` where absent. */
  reach?: FailureReach;
  uid?: number;
  cause?: unknown;
}

/** The one error that `src/mail` throws. `operation` is the IMAP command or step, e.g. `UID FETCH`. No address, path or content in it. */
export class MailFailure extends Error {
  override readonly name = 'MailFailure';
  readonly code: string;
  readonly retryAfterMs: number | undefined;
  readonly reach: FailureReach;
  readonly uid: number | undefined;

  constructor(
    readonly kind: FailureKind,
    readonly operation: string,
    detail: MailFailureDetail,
  ) {
    super(`${operation}: ${kind} (${detail.code})`, { cause: detail.cause });
    this.code = detail.code;
    this.retryAfterMs = detail.retryAfterMs;
    this.reach = detail.reach ?? 'account';
    this.uid = detail.uid;
  }
}

/**
 * Whether a server asks to be left alone for a while: it names a time, means more than this account, or says that it throttles. Then nothing
 * more is asked of it, and no message is to blame. A server that only says that it is busy may mean what was asked for.
 */
export function asksForRest({ kind, code, reach, retryAfterMs }: MailFailure): boolean {
  const isOfMore = reach === 'organisation' || reach === 'server';
  return kind === 'busy' && (retryAfterMs !== undefined || isOfMore || code === 'throttled');
}
