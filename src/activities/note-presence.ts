import { MailFailure } from '../domain/failure';
import type { UidListing } from '../domain/folder';
import { absentFrom, outside, rangesOf, sizeOf } from '../domain/uid-set';
import type { FolderGeneration } from '../db/ingest/folder-read';
import { lookAgain } from '../db/ingest/generation-write';
import { liveRanges } from '../db/ingest/ledger-ranges';
import { endPlacements, revivePlacements } from '../db/ingest/presence-write';
import type { MailboxForSync } from '../db/sync/mailbox-for-sync';
import type { ActivityContext } from './context';

/** A folder that loses more than so many messages, and more than a fifth of them, at once. */
const suspiciousMessages = 50;
const suspiciousShare = 0.2;

interface Seen {
  mailbox: MailboxForSync;
  path: string;
  generation: FolderGeneration;
  listing: UidListing;
}

/**
 * Placements that a proven listing does not show have ended; those that it shows again live again. Where very many are missing at once,
 * a fresh connection is asked for the listing once more, and only what both leave out has ended.
 * Second run: no change.
 */
export async function notePresence(context: ActivityContext, seen: Seen): Promise<void> {
  const { mailbox, generation, listing } = seen;
  if (!listing.proven) return;
  const live = await liveRanges(context.db, mailbox.tenantId, generation.id);
  const absent = absentFrom(live, listing.uids);
  const isSuspicious = absent.length > suspiciousMessages && absent.length > sizeOf(live) * suspiciousShare;
  const uids = isSuspicious ? await stillAbsent(context, seen, absent) : absent;
  if (uids.length < absent.length) await lookAgain(context.db, mailbox, generation.id);
  await endPlacements(context.db, mailbox, { genId: generation.id, uids, listedAfter: mailbox.readAt });
  const shownAgain = rangesOf(outside(listing.uids, live)).map((range) => ({ genId: generation.id, ...range }));
  await revivePlacements(context.db, mailbox, { ranges: shownAgain, listedAfter: mailbox.readAt });
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

async function listAnew(context: ActivityContext, { mailbox, path, generation }: Seen): Promise<UidListing> {
  const fresh = await context.connect(mailbox);
  try {
    const folder = await fresh.examine(path);
    const listing = await folder.listUids();
    if (folder.snapshot.uidValidity === generation.uidValidity) return listing;
    return { proven: false, uids: listing.uids, reason: 'uidvalidity-changed' };
  } finally {
    await fresh.close();
  }
}
