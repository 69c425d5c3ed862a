import { believedListing } from '../domain/believed-listing';
import type { FolderStatus } from '../domain/folder';
import { absentFrom, outside, rangesOf } from '../domain/uid-set';
import type { FolderAudit } from '../db/ingest/audit-write';
import type { FolderGeneration, KnownFolder } from '../db/ingest/folder-read';
import { ledgerRanges, liveRanges } from '../db/ingest/ledger-ranges';
import { parkedSide } from '../db/ingest/parked-side';
import type { MailboxForSync } from '../db/sync/mailbox-for-sync';
import type { Mailbox, OpenFolder } from '../mail/mailbox';
import type { ActivityContext } from './context';

/** A folder that is to be compared with the ledger. */
export interface Comparison {
  mailbox: MailboxForSync;
  open: Mailbox;
  folder: KnownFolder & { scope: 'fetch' | 'ledger-only' };
  /** What the sweep said of it. */
  status: FolderStatus | null;
  /** Sizes are asked for up to so many messages: servers must look at each for it. */
  sizesUpTo: number;
}

const noDifference = { missing: [], extra: [], ended: [], undelivered: [], accepted: 0 };
const nothing = { serverCount: null, serverBytes: null, ...noDifference };

/**
 * Compares one folder with the ledger, UID by UID. What is missing is named also where the listing is not proven; that something is
 * absent follows only from one that is.
 * @throws MailFailure
 */
export async function compareFolder(context: ActivityContext, of: Comparison): Promise<FolderAudit> {
  const { folder } = of;
  const { generation } = folder;
  // No round could open it so far: nothing is known of it, least of all that it is complete.
  if (generation?.uidNext == null) {
    return { folderId: folder.folderId, genId: null, ...nothing, verdict: 'not-provable', reason: 'never-listed' };
  }
  const open = await of.open.examine(folder.path);
  const side = { folderId: folder.folderId, genId: generation.id };
  if (open.snapshot.uidValidity !== generation.uidValidity) {
    const counted = { ...nothing, serverCount: open.snapshot.messages };
    return { ...side, ...counted, verdict: 'not-provable', reason: 'uidvalidity-changed' };
  }
  return { ...side, ...(await compareListed(context, { ...of, open, generation })) };
}

async function compareListed(
  context: ActivityContext,
  of: Omit<Comparison, 'open'> & { open: OpenFolder; generation: FolderGeneration },
): Promise<Omit<FolderAudit, 'folderId' | 'genId'>> {
  const { open, generation, folder, status } = of;
  const { tenantId } = of.mailbox;
  const { uidValidity } = open.snapshot;
  const listing = believedListing(await open.listUids(), { status, uidValidity });
  const known = await ledgerRanges(context.db, tenantId, { genId: generation.id, scope: folder.scope });
  const live = await liveRanges(context.db, tenantId, generation.id);
  const missing = outside(listing.uids, known);
  const differences = {
    missing,
    extra: listing.proven ? absentFrom(live, listing.uids) : [],
    ended: outside(outside(listing.uids, live), rangesOf(missing)),
    ...(await parkedSide(context.db, tenantId, generation.id)),
  };
  const sizes = listing.uids.length <= of.sizesUpTo ? await open.fetchEnvelopes(listing.uids) : null;
  const counted = {
    serverCount: listing.proven ? listing.uids.length : Math.max(open.snapshot.messages, status?.messages ?? 0),
    serverBytes: sizes?.reduce((sum, envelope) => sum + envelope.size, 0) ?? null,
  };
  if (!listing.proven) return { ...counted, ...differences, verdict: 'not-provable', reason: listing.reason };
  const { extra, ended, undelivered } = differences;
  const isComplete = missing.length + extra.length + ended.length + undelivered.length === 0;
  const importing = !generation.historyDone && missing.length > 0 ? 'import-running' : null;
  return { ...counted, ...differences, verdict: isComplete ? 'complete' : 'missing', reason: importing };
}
