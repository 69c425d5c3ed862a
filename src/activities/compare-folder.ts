import { believedListing } from '../domain/believed-listing';
import type { FolderStatus } from '../domain/folder';
import { otherMessages } from '../domain/folder-changes';
import { absentFrom, outside, rangesOf, type UidRanges } from '../domain/uid-set';
import type { FolderAudit } from '../db/ingest/audit-write';
import { identitiesOf, type FolderGeneration, type KnownFolder } from '../db/ingest/folder-read';
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
 * Compares one folder with the ledger, UID by UID, and what is known of the messages under them. What is missing is named also where the listing is not proven; that something is
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
  const liveBefore = await liveRanges(context.db, of.mailbox.tenantId, generation.id);
  const open = await of.open.examine(folder.path);
  const side = { folderId: folder.folderId, genId: generation.id };
  if (open.snapshot.uidValidity !== generation.uidValidity) {
    const counted = { ...nothing, serverCount: open.snapshot.messages };
    return { ...side, ...counted, verdict: 'not-provable', reason: 'uidvalidity-changed' };
  }
  return { ...side, ...(await compareListed(context, { ...of, open, generation, liveBefore })) };
}

async function compareListed(
  context: ActivityContext,
  of: Omit<Comparison, 'open'> & { open: OpenFolder; generation: FolderGeneration; liveBefore: UidRanges },
): Promise<Omit<FolderAudit, 'folderId' | 'genId'>> {
  const { open, generation, folder, status } = of;
  const { tenantId } = of.mailbox;
  const { uidValidity } = open.snapshot;
  const listing = believedListing(await open.listUids(), { status, uidValidity });
  const known = await ledgerRanges(context.db, tenantId, { genId: generation.id, scope: folder.scope });
  const live = await liveRanges(context.db, tenantId, generation.id);
  const unrecorded = outside(listing.uids, known);
  const envelopes = await envelopesToCompare(context, { ...of, uids: listing.uids });
  const missing = unitedUids(unrecorded, envelopes.others);
  // Rounds go on meanwhile: only what was so before the listing, and is so still, is a difference.
  const differences = {
    missing,
    extra: listing.proven ? liveIn(live, absentFrom(of.liveBefore, listing.uids)) : [],
    ended: outside(outside(outside(listing.uids, live), of.liveBefore), rangesOf(missing)),
    ...(await parkedSide(context.db, tenantId, generation.id)),
  };
  const counted = {
    serverCount: listing.proven ? listing.uids.length : Math.max(open.snapshot.messages, status?.messages ?? 0),
    serverBytes: envelopes.bytes,
  };
  if (!listing.proven) return { ...counted, ...differences, verdict: 'not-provable', reason: listing.reason };
  const { extra, ended, undelivered } = differences;
  const isComplete = missing.length + extra.length + ended.length + undelivered.length === 0;
  const importing =
    !generation.historyDone && unrecorded.length > 0 && envelopes.others.length === 0 ? 'import-running' : null;
  return { ...counted, ...differences, verdict: isComplete ? 'complete' : 'missing', reason: importing };
}

/** In a folder of which not all sizes are asked for. */
const newestCompared = 1_000;

/**
 * The bytes of the folder where all its sizes are asked for, else null; and the UIDs that have the row of another message: a server that
 * was put back to an older state has given them away anew, and what it shows there was never fetched.
 */
async function envelopesToCompare(
  context: ActivityContext,
  of: { mailbox: MailboxForSync; open: OpenFolder; generation: FolderGeneration; sizesUpTo: number; uids: number[] },
): Promise<{ bytes: number | null; others: number[] }> {
  const isWhole = of.uids.length <= of.sizesUpTo;
  const uids = isWhole ? of.uids : of.uids.slice(-newestCompared);
  const asked = { genId: of.generation.id, uids, most: uids.length };
  const known = await identitiesOf(context.db, of.mailbox.tenantId, asked);
  const wanted = isWhole ? uids : known.map(({ uid }) => uid);
  const shown = wanted.length === 0 ? [] : await of.open.fetchEnvelopes(wanted);
  const bytes = isWhole ? shown.reduce((sum, envelope) => sum + envelope.size, 0) : null;
  return { bytes, others: otherMessages(known, shown) };
}

/** Those that are live. */
function liveIn(live: UidRanges, uids: number[]): number[] {
  return outside(uids, rangesOf(outside(uids, live)));
}

function unitedUids(some: number[], others: number[]): number[] {
  return [...new Set([...some, ...others])].sort((one, other) => one - other);
}
