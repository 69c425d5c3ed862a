import { believedListing } from '../domain/believed-listing';
import type { FolderStatus, UidListing } from '../domain/folder';
import { looksLimited, unlessWindow, wantsOtherRoutes, withOtherRoutes } from '../domain/partial-listing';
import type { FolderGeneration } from '../db/ingest/folder-read';
import { liveRanges } from '../db/ingest/ledger-ranges';
import type { MailboxForSync } from '../db/sync/mailbox-for-sync';
import type { Mailbox, OpenFolder } from '../mail/mailbox';
import type { ActivityContext } from './context';

/** Commands that are left for other ways to list folders; one is shared by all folders that are looked at together. */
export interface RouteBudget {
  left: number;
}

/** A folder that is open, and what the sweep said of it. */
interface Listed {
  mailbox: MailboxForSync;
  connection: Mailbox;
  open: OpenFolder;
  /** What STATUS said; null where it is not known. */
  status: FolderStatus | null;
  generation: Pick<FolderGeneration, 'id' | 'inParts'>;
}

/**
 * The listing of an open folder, as far as it is believed: not where STATUS counts more, and not where it looks like a window over the
 * newest messages.
 * @throws MailFailure
 */
export async function listFolder(context: Pick<ActivityContext, 'db'>, of: Listed): Promise<UidListing> {
  const { mailbox, connection, open, status, generation } = of;
  const told = { status, uidValidity: open.snapshot.uidValidity };
  const listing = doubted(believedListing(await open.listUids(), told), generation);
  if (!looksLimited(listing)) return listing;
  const live = await liveRanges(context.db, mailbox.tenantId, generation.id);
  return unlessWindow(listing, { live, gmail: connection.abilities.gmail });
}

/**
 * The same, and where the listing shows a part only, or is known to, with all that other ways show of the folder. That costs many commands: for a first
 * listing, an import that has come to its end, and an audit.
 * @throws MailFailure
 */
export async function listFolderByAllRoutes(
  context: Pick<ActivityContext, 'db'>,
  of: Listed & { budget: RouteBudget },
): Promise<UidListing> {
  const listing = await listFolder(context, of);
  if (!wantsOtherRoutes(listing) || of.budget.left <= 0) return listing;
  const { snapshot } = of.open;
  const counted = Math.max(
    snapshot.messages,
    of.status?.uidValidity === snapshot.uidValidity ? of.status.messages : 0,
    listing.uids.length,
  );
  const { uids, commands } = await of.open.listByOtherRoutes({
    shown: listing.uids,
    // Where the server counts no more than it shows, it may still have more: all ways are tried to their ends.
    counted: counted > listing.uids.length ? counted : Infinity,
    uidNext: snapshot.uidNext,
    mostCommands: of.budget.left,
  });
  of.budget.left -= commands;
  return withOtherRoutes(listing, { uids, counted });
}

/** Once other ways have shown more than the listing, it is not believed before an audit has found it whole. */
function doubted(listing: UidListing, { inParts }: Pick<FolderGeneration, 'inParts'>): UidListing {
  return listing.proven && inParts ? { proven: false, uids: listing.uids, reason: 'message-limit' } : listing;
}
