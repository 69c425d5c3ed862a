import { believedListing } from '../domain/believed-listing';
import type { FolderStatus, UidListing } from '../domain/folder';
import { looksLimited, unlessWindow, wantsOtherRoutes, withOtherRoutes } from '../domain/partial-listing';
import type { FolderGeneration } from '../db/ingest/folder-read';
import { liveRanges } from '../db/ingest/ledger-ranges';
import type { MailboxForSync } from '../db/sync/mailbox-for-sync';
import type { Mailbox, OpenFolder } from '../mail/mailbox';
import type { ActivityContext } from './context';

/** Commands for other ways to list folders; one is shared by all folders that are looked at together. */
export interface RouteBudget {
  left: number;
  /** The share of one folder, each time it is looked at. */
  readonly each: number;
}

/** So that no folder spends all, be it the biggest, it gets half. */
export function routeBudget(commands: number): RouteBudget {
  return { left: commands, each: Math.ceil(commands / 2) };
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
 * listing, an import that has come to its end, and an audit. Where others have left less than the share of a folder, and that was not
 * enough, the ways are not said to be tried.
 * @throws MailFailure
 */
export async function listFolderByAllRoutes(
  context: Pick<ActivityContext, 'db'>,
  of: Listed & { budget: RouteBudget },
): Promise<UidListing> {
  const listing = await listFolder(context, of);
  const { budget } = of;
  const mostCommands = Math.min(budget.each, budget.left);
  if (!wantsOtherRoutes(listing) || mostCommands <= 0) return listing;
  const { snapshot } = of.open;
  const counted = Math.max(
    snapshot.messages,
    of.status?.uidValidity === snapshot.uidValidity ? of.status.messages : 0,
    listing.uids.length,
  );
  const { uids, commands, ended } = await of.open.listByOtherRoutes({
    shown: listing.uids,
    // Where the server counts no more than it shows, it may still have more: all ways are tried to their ends.
    counted: counted > listing.uids.length ? counted : Infinity,
    uidNext: snapshot.uidNext,
    mostCommands,
  });
  budget.left -= commands;
  const joined = withOtherRoutes(listing, { uids, counted });
  if (ended) return { ...joined, ways: 'ended' };
  return mostCommands === budget.each ? { ...joined, ways: 'tried' } : joined;
}

/** Once other ways have shown more than the listing, it is not believed before an audit has found it whole. */
function doubted(listing: UidListing, { inParts }: Pick<FolderGeneration, 'inParts'>): UidListing {
  return listing.proven && inParts ? { proven: false, uids: listing.uids, reason: 'message-limit' } : listing;
}
