import type { DoubtedListing, UidListing } from './folder';
import type { UidRanges } from './uid-set';

/** Gmail lets its users limit folders to the newest so many messages; what is older is then in no answer at all. */
const gmailFolderLimits: ReadonlySet<number> = new Set([1_000, 2_000, 5_000, 10_000]);

/** Such limits are round numbers. */
const roundNumber = 1_000;

/** Whether the number of messages in a listing looks like the limit of a server that shows the newest only. */
export function looksLimited(listing: UidListing): boolean {
  return listing.proven && listing.uids.length > 0 && listing.uids.length % roundNumber === 0;
}

/**
 * A proven listing of a server that shows so many of the newest messages only looks like any other: its count is right, and with each
 * arrival the oldest one vanishes. It is not believed where its length is a round number and what is on record as live reaches below
 * it; at Gmail, where its length is one of the limits that people can choose.
 */
export function unlessWindow(listing: UidListing, known: { live: UidRanges; gmail: boolean }): UidListing {
  if (!looksLimited(listing)) return listing;
  const { uids } = listing;
  const oldestLive = known.live[0]?.from ?? Infinity;
  const reachesBelow = oldestLive < (uids[0] ?? 0);
  if (!reachesBelow && !(known.gmail && gmailFolderLimits.has(uids.length))) return listing;
  return { proven: false, uids, reason: 'message-limit' };
}

/** The reasons that other ways to list a folder may help with. */
const helpedByRoutes: ReadonlySet<DoubtedListing> = new Set(['message-limit', 'count-differs', 'search-refused']);

type Unproven = Extract<UidListing, { proven: false }>;

/** Whether it is worth asking in other ways than were tried. */
export function wantsOtherRoutes(listing: UidListing): listing is Unproven {
  return !listing.proven && helpedByRoutes.has(listing.reason);
}

/**
 * A listing that showed a part, with what other ways have shown as well. It is never proven: nothing is absent because it is not in it.
 * `counted` is the greatest number of messages that the server told.
 */
export function withOtherRoutes(listing: Unproven, other: { uids: number[]; counted: number }): Unproven {
  const { uids, counted } = other;
  const isMore = uids.length > listing.uids.length;
  // That a server counts no more than it showed at first proves nothing.
  if (isMore && uids.length === counted) return { proven: false, uids, reason: 'shown-in-parts' };
  if (isMore) return { proven: false, uids, reason: 'routes-disagree' };
  return listing.reason === 'message-limit' ? listing : { proven: false, uids, reason: 'routes-disagree' };
}

/** Whether rounds, which ask for the listing alone, would not see all that is known to be there. */
export function isInParts(listing: UidListing): boolean {
  return !listing.proven && (listing.reason === 'routes-disagree' || listing.reason === 'shown-in-parts');
}

/** Whether a folder was asked in as many ways as any one is. */
export function areWaysTried(listing: UidListing): boolean {
  return listing.proven || listing.ways !== undefined;
}

/** Whether a folder has shown all that it shows to anybody. */
export function areWaysEnded(listing: UidListing): boolean {
  return listing.proven || listing.ways === 'ended';
}

const partialViews: ReadonlySet<string> = new Set<DoubtedListing>(['message-limit', 'routes-disagree']);

/** Whether a folder for which this was found shows a part of itself only, as far as anybody can tell. */
export function isPartialView(reason: string | null): boolean {
  return reason !== null && partialViews.has(reason);
}
