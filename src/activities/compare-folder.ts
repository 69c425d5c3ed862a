import type { FolderStatus, UidListing } from '../domain/folder';
import { isInParts } from '../domain/partial-listing';
import { absentFrom, outside, rangesOf, type UidRanges } from '../domain/uid-set';
import type { FolderAudit } from '../db/ingest/audit-write';
import type { FolderGeneration, KnownFolder } from '../db/ingest/folder-read';
import { ledgerRanges, liveRanges } from '../db/ingest/ledger-ranges';
import { parkedSide } from '../db/ingest/parked-side';
import type { MailboxForSync } from '../db/sync/mailbox-for-sync';
import type { Mailbox, OpenFolder } from '../mail/mailbox';
import { compareIdentities, type ComparedIdentities, type IdentityShare } from './compare-identities';
import type { ActivityContext } from './context';
import { listFolder, listFolderByAllRoutes, type RouteBudget } from './list-folder';

/** A folder that is to be compared with the ledger. */
export interface Comparison {
  mailbox: MailboxForSync;
  open: Mailbox;
  folder: KnownFolder & { scope: 'fetch' | 'ledger-only' };
  /** What the sweep said of it. */
  status: FolderStatus | null;
  share: IdentityShare;
  /** For all folders of the audit together. */
  budget: RouteBudget;
}

const noDifference = { missing: [], unrecorded: 0, extra: [], ended: [], undelivered: [], accepted: 0 };
const nothing = { serverCount: null, serverBytes: null, ...noDifference, inParts: false, identities: null };

/**
 * Compares one folder with the ledger, UID by UID, and what is known of the messages under them. What is missing is named also where the
 * listing is not proven; that something is absent follows only from one that is. A folder that shows a part of itself is asked in
 * other ways, and all that any of them shows counts.
 * @throws MailFailure
 */
export async function compareFolder(context: Pick<ActivityContext, 'db'>, of: Comparison): Promise<FolderAudit> {
  const { folder } = of;
  const { generation } = folder;
  // No round could open it so far: nothing is known of it, least of all that it is complete.
  if (generation?.uidNext == null) {
    return { folderId: folder.folderId, genId: null, ...nothing, verdict: 'not-provable', reason: 'never-listed' };
  }
  const liveBefore = await liveRanges(context.db, of.mailbox.tenantId, generation.id);
  const open = await of.open.examine(folder.path);
  const side = { folderId: folder.folderId, genId: generation.id };
  if (open.snapshot.uidValidity !== generation.uidValidity) {
    const counted = { ...nothing, serverCount: open.snapshot.messages };
    return { ...side, ...counted, verdict: 'not-provable', reason: 'uidvalidity-changed' };
  }
  return { ...side, ...(await compareOpened(context, { ...of, connection: of.open, open, generation, liveBefore })) };
}

interface Opened extends Omit<Comparison, 'open'> {
  connection: Mailbox;
  open: OpenFolder;
  generation: FolderGeneration;
  liveBefore: UidRanges;
}

async function compareOpened(
  context: Pick<ActivityContext, 'db'>,
  of: Opened,
): Promise<Omit<FolderAudit, 'folderId' | 'genId'>> {
  const { generation, folder, open, status } = of;
  const { tenantId } = of.mailbox;
  // What is not fetched anyway needs no proof.
  const listing = await (folder.scope === 'fetch' ? listFolderByAllRoutes(context, of) : listFolder(context, of));
  const known = await ledgerRanges(context.db, tenantId, { genId: generation.id, scope: folder.scope });
  const live = await liveRanges(context.db, tenantId, generation.id);
  const unrecorded = outside(listing.uids, known);
  const identities = await compareIdentities(context, { ...of, uids: listing.uids });
  const missing = unitedUids(unrecorded, identities.others);
  // Rounds go on meanwhile: only what was so before the listing, and is so still, is a difference.
  const absent = liveIn(live, absentFrom(of.liveBefore, listing.uids));
  const differences = {
    missing,
    extra: listing.proven ? absent : [],
    ended: outside(outside(outside(listing.uids, live), of.liveBefore), rangesOf(missing)),
    ...(await parkedSide(context.db, tenantId, generation.id)),
  };
  const isImporting = !generation.historyDone && unrecorded.length > 0 && identities.others.length === 0;
  return {
    serverCount: listing.proven
      ? listing.uids.length
      : Math.max(open.snapshot.messages, status?.messages ?? 0, listing.uids.length),
    serverBytes: identities.bytes,
    ...differences,
    unrecorded: unrecorded.length,
    inParts: folder.scope === 'fetch' && isInParts(listing),
    identities: progressOf(identities),
    ...verdictOn(listing, { differences, absent, isImporting, mayHide: of.connection.abilities.messageLimit }),
  };
}

function progressOf({ compared, to, isEnd }: ComparedIdentities): FolderAudit['identities'] {
  return { compared, to, isEnd };
}

interface Found {
  differences: Pick<FolderAudit, 'missing' | 'extra' | 'ended' | 'undelivered'>;
  /** Live rows that no way to list the folder has shown. */
  absent: number[];
  isImporting: boolean;
  /** The server is known to count no more than it cares to show. */
  mayHide: boolean;
}

function verdictOn(
  listing: UidListing,
  { differences, absent, isImporting, mayHide }: Found,
): Pick<FolderAudit, 'verdict' | 'reason'> {
  // All that the server counts has been shown, in parts: nothing is missing, though nothing is proven to be gone.
  const isAccounted = listing.proven || (listing.reason === 'shown-in-parts' && absent.length === 0 && !mayHide);
  if (!isAccounted) return { verdict: 'not-provable', reason: mayHide ? 'message-limit' : listing.reason };
  const { missing, extra, ended, undelivered } = differences;
  const isComplete = missing.length + extra.length + ended.length + undelivered.length === 0;
  return { verdict: isComplete ? 'complete' : 'missing', reason: isImporting ? 'import-running' : null };
}

/** Those that are live. */
function liveIn(live: UidRanges, uids: number[]): number[] {
  return outside(uids, rangesOf(outside(uids, live)));
}

function unitedUids(some: number[], others: number[]): number[] {
  return [...new Set([...some, ...others])].sort((one, other) => one - other);
}
