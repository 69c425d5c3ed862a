import { MailFailure } from '../domain/failure';
import type { DoubtedListing, UidListing } from '../domain/folder';
import { absentFrom, outside, rangesOf, sizeOf } from '../domain/uid-set';
import type { FolderGeneration } from '../db/ingest/folder-read';
import { lookAgain } from '../db/ingest/generation-write';
import { liveRanges } from '../db/ingest/ledger-ranges';
import { endPlacements, revivePlacements } from '../db/ingest/presence-write';
import type { MailboxForSync } from '../db/sync/mailbox-for-sync';
import type { Mailbox } from '../mail/mailbox';
import type { ActivityContext } from './context';
import { onFreshConnection } from './second-look';

/** A folder that loses more than so many messages, and more than a fifth of them, at once. */
export const suspiciousMessages = 50;
const suspiciousShare = 0.2;

interface Seen {
  mailbox: MailboxForSync;
  /** Where the listing was asked for. After a second look no folder may be open on it any more. */
  connection: Mailbox;
  path: string;
  generation: FolderGeneration;
}

/** Listings that are not of this generation, or not of all of it. */
const ofAnotherFolder: ReadonlySet<DoubtedListing> = new Set<DoubtedListing>(['uidvalidity-changed', 'range']);

/** How a listing differs from the placements on record. */
export type PresenceChanges =
  { kind: 'none' } | { kind: 'some'; absent: number[]; shownAgain: number[]; liveMessages: number };

/**
 * Whether the listing was believed. `unsettled`: it will be asked for again, and until then the cursor stays where it is, since nobody
 * looks at a folder whose cursor says that all is known.
 */
export type Presence = 'settled' | 'unsettled';

/** What was noted. `whole`: each change was made by this run; else some were left alone, and the ledger may differ from the listing. */
interface NotedPresence {
  presence: Presence;
  extent: 'whole' | 'part';
}

/**
 * What `notePresence` would have to do. `fresh` are UIDs that are known to have no row. From a listing that is not proven nothing is absent,
 * but what it shows is there.
 */
export async function presenceChanges(
  context: ActivityContext,
  { mailbox, generation, listing }: Pick<Seen, 'mailbox' | 'generation'> & { listing: UidListing },
  fresh: number[],
): Promise<PresenceChanges> {
  if (!listing.proven && ofAnotherFolder.has(listing.reason)) return { kind: 'none' };
  const live = await liveRanges(context.db, mailbox.tenantId, generation.id);
  const absent = listing.proven ? absentFrom(live, listing.uids) : [];
  const shownAgain = outside(outside(listing.uids, live), rangesOf(fresh));
  if (absent.length + shownAgain.length === 0) return { kind: 'none' };
  return { kind: 'some', absent, shownAgain, liveMessages: sizeOf(live) };
}

/**
 * Placements that a proven listing does not show have ended; those that it shows again live again. Where very many are missing at once,
 * a fresh connection is asked for the listing once more, and only what both leave out has ended. Goes before the cursor.
 * Second run: no change.
 */
export async function notePresence(
  context: ActivityContext,
  seen: Seen,
  changes: PresenceChanges,
): Promise<NotedPresence> {
  if (changes.kind === 'none') return { presence: 'settled', extent: 'whole' };
  const { mailbox, generation } = seen;
  const { absent, shownAgain, liveMessages } = changes;
  const listedAfter = mailbox.readAt;
  const isSuspicious = absent.length > suspiciousMessages && absent.length > liveMessages * suspiciousShare;
  const uids = isSuspicious ? await stillAbsent(context, seen, absent) : absent;
  const isSettled = uids.length === absent.length;
  if (!isSettled) await lookAgain(context.db, mailbox, generation.id);
  const ended = await endPlacements(context.db, mailbox, { genId: generation.id, uids, listedAfter });
  const ranges = rangesOf(shownAgain).map((range) => ({ genId: generation.id, ...range }));
  const revived = await revivePlacements(context.db, mailbox, { ranges, listedAfter });
  const isWhole = ended === absent.length && revived === shownAgain.length;
  return { presence: isSettled ? 'settled' : 'unsettled', extent: isWhole ? 'whole' : 'part' };
}

async function stillAbsent(context: ActivityContext, seen: Seen, absent: number[]): Promise<number[]> {
  try {
    const again = await listAnew(context, seen);
    return again.proven ? outside(absent, rangesOf(again.uids)) : [];
  } catch (error) {
    // Without a second listing the first is not believed; the next round lists again.
    if (error instanceof MailFailure) return [];
    throw error;
  }
}

async function listAnew(context: ActivityContext, seen: Seen): Promise<UidListing> {
  const { mailbox, connection, path, generation } = seen;
  return onFreshConnection(context, { mailbox, open: connection }, async (fresh) => {
    const folder = await fresh.examine(path);
    const listing = await folder.listUids();
    if (folder.snapshot.uidValidity === generation.uidValidity) return listing;
    return { proven: false, uids: listing.uids, reason: 'uidvalidity-changed' };
  });
}
