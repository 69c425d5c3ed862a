import type { FolderStatus, UidListing } from './folder';

/**
 * A listing that is proven by EXISTS, and has fewer messages than STATUS counts, is what the server cares to show (Yahoo: 10,000 of
 * 83,640): nothing is absent because it is not in it. Mail that was removed between the two looks the same, and is looked at again.
 */
export function believedListing(
  listing: UidListing,
  told: { status: FolderStatus | null; uidValidity: string },
): UidListing {
  const { status } = told;
  if (!listing.proven || status?.uidValidity !== told.uidValidity) return listing;
  if (status.messages <= listing.uids.length) return listing;
  return { proven: false, uids: listing.uids, reason: 'message-limit' };
}
