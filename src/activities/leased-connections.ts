import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { slotsOf, type ConnectionPurpose } from '../domain/connection-slots';
import { MailFailure } from '../domain/failure';
import { presetOfHost } from '../domain/provider-presets';
import type { MailboxToWatch } from '../db/watch/mailbox-to-watch';
import type { Mailbox } from '../mail/mailbox';
import type { MailboxWatch, WatchOptions } from '../mail/watch/mailbox-watch';
import type { ConnectionLeases, Lease, LeaseWish } from './connection-leases';

/** Whose connection it is to be. */
type Account = Pick<MailboxToWatch, 'tenantId' | 'sourceId' | 'imap' | 'username'>;

/** How many connections an account may have, and how long one waits for a slot. */
export interface SlotLimits {
  /** Where the provider is none of those that are known. */
  connectionsPerAccount: number;
  connectionWaitMs: number;
}

export interface LeasedUse {
  purpose: Exclude<ConnectionPurpose, 'watch'>;
  signal?: AbortSignal | undefined;
}

/** The code where a watch found no slot free: it tries again by itself, and a round need not find out why. */
export const noSlotCode = 'connections-taken';

const firstAskMs = 200;
const slowestAskMs = 1_000;
const noSlotRetryMs = 5_000;

/** The lease that a connection needs: provider, or host, and user name are the account, however many mailboxes it is here. */
export function wishOf(account: Account, purpose: ConnectionPurpose, limits: SlotLimits): LeaseWish {
  const { imap, username, tenantId, sourceId: mailboxId } = account;
  const preset = presetOfHost(imap.host);
  const server = preset?.provider ?? imap.host.toLowerCase();
  return {
    account: createHash('sha256').update(`${server}\0${username.toLowerCase()}`).digest(),
    tenantId,
    mailboxId,
    purpose,
    slots: slotsOf(purpose, preset?.connections.use ?? limits.connectionsPerAccount),
    counted: preset?.connections.limit == null ? 'by-us' : 'by-the-server',
  };
}

/**
 * Connects once there is a slot for it, which is free again when the connection is closed. A second look does not wait: the round that asks
 * for it has a connection itself.
 * @throws MailFailure `busy`, `too-many-connections` where none was free for the time of `limits`; the reason of the signal
 */
export async function connectLeased(
  leases: ConnectionLeases,
  { account, use, limits }: { account: Account; use: LeasedUse; limits: SlotLimits },
  connect: () => Promise<Mailbox>,
): Promise<Mailbox> {
  const waitMs = use.purpose === 'second-look' ? 0 : limits.connectionWaitMs;
  const lease = await slotWithin(leases, wishOf(account, use.purpose, limits), { waitMs, signal: use.signal });
  try {
    const open = await connect();
    const closeIt = open.close.bind(open);
    lease.whenLost(() => void closeIt());
    return releasingOnClose(open, lease);
  } catch (error) {
    lease.release();
    throw error;
  }
}

/**
 * Watches where there is a slot for it.
 * @throws MailFailure `busy`, `connections-taken` where there is none, and what `watch` throws
 */
export async function watchLeased(
  leases: ConnectionLeases,
  { account, limits, onLost }: { account: Account; limits: SlotLimits } & Pick<WatchOptions, 'onLost'>,
  watch: (onLost: WatchOptions['onLost']) => Promise<MailboxWatch>,
): Promise<MailboxWatch> {
  const lease = await leases.take(wishOf(account, 'watch', limits));
  if (lease === null) throw new MailFailure('busy', 'connect', { code: noSlotCode });
  try {
    const open = await watch((failure) => {
      lease.release();
      onLost(failure);
    });
    lease.whenLost(() => {
      onLost(new MailFailure('unreachable', 'watch', { code: 'slot-lost' }));
    });
    return releasingOnClose(open, lease);
  } catch (error) {
    lease.release();
    throw error;
  }
}

/** The same connection, whose closing gives its slot back. */
function releasingOnClose<T extends { close: () => Promise<void> }>(open: T, lease: Lease): T {
  const closeIt = open.close.bind(open);
  return Object.assign(open, {
    close: async () => {
      await closeIt();
      lease.release();
    },
  });
}

async function slotWithin(
  leases: ConnectionLeases,
  wish: LeaseWish,
  { waitMs, signal }: { waitMs: number; signal: AbortSignal | undefined },
): Promise<Lease> {
  const begun = performance.now();
  for (let askMs = firstAskMs; ; askMs = Math.min(slowestAskMs, askMs * 1.5)) {
    signal?.throwIfAborted();
    const lease = await leases.take(wish);
    if (lease !== null) return lease;
    if (performance.now() - begun >= waitMs) {
      throw new MailFailure('busy', 'connect', { code: 'too-many-connections', retryAfterMs: noSlotRetryMs });
    }
    await sleep(askMs * (0.5 + Math.random()), undefined, signal === undefined ? {} : { signal });
  }
}
