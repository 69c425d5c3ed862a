import { isDeepStrictEqual } from 'node:util';

import type { FolderStatus, UidListing } from '../domain/folder';
import { areWaysEnded, areWaysTried, isInParts, isPartialView } from '../domain/partial-listing';
import { absentFrom, outside, rangesOf, type UidRanges } from '../domain/uid-set';
import { uidsDoubted } from '../db/ingest/audit-findings';
import type { FolderAudit } from '../db/ingest/audit-write';
import type { FolderGeneration, KnownFolder } from '../db/ingest/folder-read';
import { ledgerRanges, liveRanges } from '../db/ingest/ledger-ranges';
import { parkedSide } from '../db/ingest/parked-side';
import type { MailboxForSync } from '../db/sync/mailbox-for-sync';
import type { Mailbox, OpenFolder } from '../mail/mailbox';
import { compareIdentities, type ComparedIdentities, type IdentityShare } from './compare-identities';
import type { ActivityContext } from './context';
import { failsAlone } from './fails-alone';
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
 * Compares one folder with the ledger. One that the server does not let be looked at says so, and keeps no other from its answer.
 * @throws MailFailure where it is of more than this folder
 */
export async function compareFolder(context: Pick<ActivityContext, 'db'>, of: Comparison): Promise<FolderAudit> {
  try {
    return await compareShown(context, of);
  } catch (error) {
    if (!failsAlone(error, of.open)) throw error;
    return unseenFolder(of.folder, error.code);
  }
}

/** The answer for a folder of which nothing is seen, for this reason. */
export function unseenFolder(folder: Pick<KnownFolder, 'folderId' | 'generation'>, reason: string): FolderAudit {
  const { folderId, generation } = folder;
  const side = { folderId, genId: generation?.id ?? null, ...nothing, inParts: generation?.inParts ?? false };
  return { ...side, seen: 'nothing', verdict: 'not-provable', reason };
}

/**
 * Compares what is shown, UID by UID, and what is known of the messages under them. What is missing is named also where the
 * listing is not proven; that something is absent follows only from one that is. A folder that shows a part of itself is asked in
 * other ways, and all that any of them shows counts. That it shows a part is only said where nothing came or went meanwhile.
 * @throws MailFailure
 */
async function compareShown(context: Pick<ActivityContext, 'db'>, of: Comparison): Promise<FolderAudit> {
  const { generation } = of.folder;
  const { folderId } = of.folder;
  // No round could open it so far: nothing is known of it, least of all that it is complete.
  if (generation?.uidNext == null) {
    return { folderId, genId: null, ...nothing, verdict: 'not-provable', reason: 'never-listed' };
  }
  const side = { folderId, genId: generation.id };
  let look = await firstLook(context, { ...of, generation });
  let { audit } = await compareLook(context, { ...of, look, generation });
  for (let looks = 1; isPartialView(audit.reason) && !of.open.abilities.messageLimit; looks += 1) {
    const next = await lookAgain(context, { ...of, generation });
    if (isDeepStrictEqual(stateOf(look), stateOf(next))) break;
    // Without STATUS, a listing of a part would be believed where it was not before.
    if (looks === mostLooks || next.status === null) {
      return { ...side, ...audit, inParts: generation.inParts, reason: 'count-differs' };
    }
    look = next;
    const later = await compareLook(context, { ...of, look, generation });
    // One for which too few commands were left knows less than the one before.
    audit = later.isAsked ? later.audit : { ...audit, reason: later.audit.reason };
  }
  return { ...side, ...audit };
}

/** A folder that changes during each look is left to the next audit. */
const mostLooks = 3;

interface Look {
  /** What was live in the ledger before. */
  liveBefore: UidRanges;
  /** What STATUS said before it was opened. */
  status: FolderStatus | null;
  open: OpenFolder;
}

type Looking = Comparison & { generation: FolderGeneration };

/** What was removed since the sweep, which may be minutes ago, is not hidden by the server. */
async function firstLook(context: Pick<ActivityContext, 'db'>, of: Looking): Promise<Look> {
  const { status } = of;
  const liveBefore = await liveRanges(context.db, of.mailbox.tenantId, of.generation.id);
  const open = await of.open.examine(of.folder.path);
  const showsLess = status?.uidValidity === open.snapshot.uidValidity && status.messages > open.snapshot.messages;
  if (!showsLess) return { liveBefore, status, open };
  const again = await lookAgain(context, of);
  return { ...again, status: again.status ?? status };
}

async function lookAgain(context: Pick<ActivityContext, 'db'>, of: Looking): Promise<Look> {
  const liveBefore = await liveRanges(context.db, of.mailbox.tenantId, of.generation.id);
  const status = await of.open.folderStatus(of.folder.path);
  return { liveBefore, status, open: await of.open.examine(of.folder.path) };
}

function stateOf({ status, open }: Look): object {
  return { status, snapshot: open.snapshot };
}

interface ComparedFolder {
  audit: Omit<FolderAudit, 'folderId' | 'genId'>;
  /** It was asked in as many ways as any one folder is. */
  isAsked: boolean;
}

async function compareLook(
  context: Pick<ActivityContext, 'db'>,
  of: Looking & { look: Look },
): Promise<ComparedFolder> {
  const { look, generation } = of;
  const { snapshot } = look.open;
  if (snapshot.uidValidity !== generation.uidValidity) {
    const { inParts } = generation;
    const audit = { ...nothing, inParts, verdict: 'not-provable' as const, reason: 'uidvalidity-changed' };
    return { audit: { ...audit, serverCount: snapshot.messages }, isAsked: true };
  }
  return compareOpened(context, { ...of, ...look, connection: of.open, generation });
}

interface Opened extends Omit<Comparison, 'open'> {
  connection: Mailbox;
  open: OpenFolder;
  generation: FolderGeneration;
  liveBefore: UidRanges;
}

async function compareOpened(context: Pick<ActivityContext, 'db'>, of: Opened): Promise<ComparedFolder> {
  const { generation, folder, open, status } = of;
  const { tenantId } = of.mailbox;
  // What is not fetched anyway needs no proof.
  const listing = await (folder.scope === 'fetch' ? listFolderByAllRoutes(context, of) : listFolder(context, of));
  const known = await ledgerRanges(context.db, tenantId, { genId: generation.id, scope: folder.scope });
  const live = await liveRanges(context.db, tenantId, generation.id);
  const parts = await partsBefore(context, { tenantId, generation, listing });
  const unrecorded = outside(unitedUids(listing.uids, parts.seen), known);
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
  const audit = {
    serverCount: listing.proven
      ? listing.uids.length
      : Math.max(open.snapshot.messages, status?.messages ?? 0, listing.uids.length),
    serverBytes: identities.bytes,
    ...differences,
    unrecorded: unrecorded.length,
    inParts: folder.scope === 'fetch' && (isInParts(listing) || parts.hold),
    identities: progressOf(identities),
    ...verdictOn(listing, {
      ...{ differences, absent, isImporting },
      reused: identities.others.length,
      mayHide: of.connection.abilities.messageLimit,
    }),
  };
  return { audit, isAsked: folder.scope !== 'fetch' || areWaysTried(listing) };
}

/** What is known of a folder that shows itself in parts holds until it was asked in all of them to their ends; `seen` has no row, or another's. */
async function partsBefore(
  context: Pick<ActivityContext, 'db'>,
  of: { tenantId: string; generation: FolderGeneration; listing: UidListing },
): Promise<{ hold: boolean; seen: number[] }> {
  const { tenantId, generation, listing } = of;
  if (!generation.inParts || areWaysEnded(listing)) return { hold: false, seen: [] };
  return { hold: true, seen: await uidsDoubted(context.db, tenantId, generation.id) };
}

function progressOf({ compared, to, isEnd }: ComparedIdentities): FolderAudit['identities'] {
  return { compared, to, isEnd };
}

interface Found {
  differences: Pick<FolderAudit, 'missing' | 'extra' | 'ended' | 'undelivered'>;
  /** Live rows that no way to list the folder has shown. */
  absent: number[];
  isImporting: boolean;
  /** How many UIDs have the row of another message. */
  reused: number;
  /** The server is known to count no more than it cares to show. */
  mayHide: boolean;
}

function verdictOn(
  listing: UidListing,
  { differences, absent, isImporting, reused, mayHide }: Found,
): Pick<FolderAudit, 'verdict' | 'reason'> {
  // All that the server counts has been shown, in parts: nothing is missing, though nothing is proven to be gone.
  const isAccounted = listing.proven || (listing.reason === 'shown-in-parts' && absent.length === 0 && !mayHide);
  if (!isAccounted) return { verdict: 'not-provable', reason: mayHide ? 'message-limit' : listing.reason };
  const { missing, extra, ended, undelivered } = differences;
  const isComplete = missing.length + extra.length + ended.length + undelivered.length === 0;
  if (isComplete) return { verdict: 'complete', reason: null };
  // The server was put back to an older state, or gives its UIDs to other messages as it likes (Proton Bridge).
  if (reused > 0) return { verdict: 'missing', reason: 'uids-reused' };
  return { verdict: 'missing', reason: isImporting ? 'import-running' : null };
}

/** Those that are live. */
function liveIn(live: UidRanges, uids: number[]): number[] {
  return outside(uids, rangesOf(outside(uids, live)));
}

function unitedUids(some: number[], others: number[]): number[] {
  return [...new Set([...some, ...others])].sort((one, other) => one - other);
}
