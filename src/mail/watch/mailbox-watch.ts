import type { MailFailure } from '../../domain/failure';
import type { ListedFolder } from '../../domain/folder';
import type { HostRules } from '../host-rules';
import type { MailboxAbilities } from '../mailbox';

/**
 * How the server tells of news: `notify` of every folder of the account's own namespaces (RFC 5465), so that only folders that others
 * share must be swept; `idle` of one folder (RFC 2177), so that all others must be; `none`: of nothing.
 */
export type WatchMode = 'notify' | 'idle' | 'none';

export interface WatchLimits {
  /** Reaching the server, until its greeting; over all its addresses. */
  connectTimeoutMs: number;
  /** Silence while an answer is owed, also that of the probe which finds a half-open connection. */
  socketTimeoutMs: number;
  /** The longest time without a command: IDLE is renewed, or NOOP sent, before servers and NATs drop the connection. */
  idleRenewMs: number;
  /** What a server may send within a minute; one that sends more loses the connection (`busy`, `flooded`). A line counts for 64 at least. */
  maxBytesPerMinute: number;
}

export interface WatchOptions {
  hostRules: HostRules;
  /** The folder that IDLE is to watch; asked for only where the server cannot watch all. What it throws, `openWatch` throws. */
  folder: () => Promise<string>;
  /** Called, never while another call of it is running, for anything that may be news; coalescing is the caller's. Must not throw. */
  onNews: () => void;
  /** The connection was lost or closed by the server; called once, after `openWatch` has resolved, and not after `close()`. Must not throw. */
  onLost: (failure: MailFailure) => void;
  /** Hears of failures that are about everybody who asks the server from here. Must not throw. */
  onBusyForAll?: (failure: MailFailure) => void;
  limits: WatchLimits;
  /** Ends the attempt to connect, or the watch; then `onLost` is told `unreachable`, `aborted`. */
  signal?: AbortSignal;
}

/**
 * One connection that watches one account and does nothing else.
 *
 * What was there before is found by a sweep after `openWatch` has resolved: the server watches by then, so an arrival is in the
 * sweep, or it is news, or both; never neither. The sweep of an open watch may be asked for at any time.
 */
export interface MailboxWatch {
  /** Fixed for the life of the watch. A server that takes push away again loses the watch (`unreachable`, `push-ended`): open another. */
  readonly mode: WatchMode;
  readonly abilities: MailboxAbilities;
  /** Whether a folder is not in the account's own namespaces, so that mode `notify` tells nothing of it. */
  readonly isForeign: (path: string) => boolean;
  /**
   * One sweep over the same connection: every folder with its STATUS, in one command where LIST-STATUS exists. IDLE is taken up
   * again at once. Calls that come while a sweep runs wait for it and get one more, all the same one.
   * @throws MailFailure; where the connection is lost, `onLost` is told as well
   */
  sweep(): Promise<ListedFolder[]>;
  /** Says goodbye and ends the connection; may be called twice, also after it was lost. Never throws. */
  close(): Promise<void>;
}
