import type { Database } from '../../db/database';
import type { MailboxToWatch } from '../../db/watch/mailbox-to-watch';
import type { WatchOptions, MailboxWatch } from '../../mail/watch/mailbox-watch';
import type { HostPace } from '../host-pace';
import type { Gate } from '../../domain/gate';
import type { ShardPoke } from './poker';
import type { WarmUp } from './warm-up';

/**
 * Opens a connection that watches; the password is opened just for it. `turn` resolves when the host may be connected to, and is asked for
 * once nothing else stands in the way: turns that are not used would keep others waiting.
 */
export type WatchMailbox = (
  mailbox: MailboxToWatch,
  wish: Pick<WatchOptions, 'folder' | 'onNews' | 'onLost'> & { turn: () => Promise<void>; signal: AbortSignal },
) => Promise<MailboxWatch>;

/** The limits of watching; the values are the configuration's. */
export interface WatchingLimits {
  /** At least so long between two pokes of a mailbox. */
  pokeSpacingMs: number;
  /** Where the server tells of every folder, it is swept no more often than this. */
  pushSweepMs: number;
  /** The longest time until a lost connection is tried again. */
  watchRetryCapMs: number;
  /** Rounds keep their connections for so long after use: one that begins later has to log in. */
  connectionKeptMs: number;
  /** A shard is given back after this time, so that the workflow's history stays short and new code takes over. */
  shardHoldMs: number;
  /** The time between two writes of what is watched. */
  watchWriteMs: number;
}

/** What watching is made of, handed to it by `src/context.ts`. */
export interface Watching {
  db: Database;
  watch: WatchMailbox;
  poke: (mailboxId: string, reason: ShardPoke) => Promise<void>;
  /** Asks Temporal for anything, to see whether it is there; ends within seconds where it is not. */
  askTemporal: () => Promise<void>;
  warmUp: WarmUp;
  pace: HostPace;
  gate: Gate;
  limits: WatchingLimits;
  /** A clock that nobody sets: milliseconds since any moment. */
  now: () => number;
}
