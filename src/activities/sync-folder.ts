import type { FolderSnapshot, FolderStatus, UidListing } from '../domain/folder';
import type { Policy } from '../domain/policy';
import { absentFrom, outside, rangesOf } from '../domain/uid-set';
import type { BatchResult } from '../db/ingest/batch';
import type { FolderGeneration, KnownFolder } from '../db/ingest/folder-write';
import { beginGeneration, closeFolder, recordFiltered } from '../db/ingest/generation-write';
import { ledgerRanges, liveRanges } from '../db/ingest/ledger-ranges';
import { endPlacements, revivePlacements } from '../db/ingest/presence-write';
import type { MailboxForSync } from '../db/sync/mailbox-for-sync';
import type { Mailbox, OpenFolder } from '../mail/mailbox';
import type { ActivityContext, ActivityRun } from './context';
import { allFlagsAreDue, followServerFlags, setSeen } from './follow-flags';
import { ingestMessages } from './ingest-messages';
import { beginFirstListing } from './first-listing';

export interface FolderWork {
  mailbox: MailboxForSync;
  open: Mailbox;
  folder: KnownFolder & { scope: 'fetch' | 'ledger-only' };
  firstRound: boolean;
}

const fullListingEveryMs = 24 * 3_600_000;

/**
 * Whether a folder must be opened: the sweep's STATUS differs from the cursor, or is not known, or a day has passed since all UIDs were
 * compared (a server may show an old UID late), or flags must be read because the server does not say when they change.
 */
export function mustLook(
  status: FolderStatus | null,
  generation: FolderGeneration | null,
  now: { at: Date; flags: Policy['flags'] },
): boolean {
  if (status === null || generation?.uidNext == null || generation.listedAt === null) return true;
  return (
    status.uidValidity !== generation.uidValidity ||
    status.uidNext !== generation.uidNext ||
    status.messages !== generation.exists ||
    status.highestModseq !== generation.modseq ||
    now.at.getTime() - generation.listedAt.getTime() > fullListingEveryMs ||
    (status.highestModseq === null && now.flags === 'follow' && allFlagsAreDue(generation, status.messages, now.at))
  );
}

/**
 * Brings the ledger of one folder up to what the server shows: new is the server's UID set minus the ledger's, never only a watermark.
 * Then flags, then what has gone, only from a listing that is proven. The cursor is the state before anything was fetched.
 */
export async function syncFolder(context: ActivityContext, run: ActivityRun, work: FolderWork): Promise<BatchResult> {
  const { mailbox, folder } = work;
  const open = await work.open.examine(folder.path);
  const generation = await generationFor(context, work, open.snapshot);
  const listing = await open.listUids();
  run.heartbeat();
  if (generation.uidNext === null && folder.scope === 'fetch') {
    return beginFirstListing(context, { work, open, generation, listing });
  }

  const known = await ledgerRanges(context.db, mailbox.tenantId, { genId: generation.id, scope: folder.scope });
  const missing = outside(listing.uids, known);
  if (folder.scope === 'ledger-only') {
    await recordFiltered(context.db, mailbox, { genId: generation.id, uids: missing, reason: 'folder-role' });
    await notePresence(context, { mailbox, generation, listing });
    if (listing.proven || listing.reason === 'message-limit') {
      await closeFolder(context.db, mailbox, { genId: generation.id, snapshot: open.snapshot, history: 0 });
    }
    return { recorded: 0, filtered: missing.length, parked: 0 };
  }
  // Before the cursor moves: what changed since the old one would otherwise be skipped by a crash in between.
  await followServerFlags(context, { mailbox, open, generation });
  const result = await ingestLive(context, run, { work, open, generation, listing, missing });
  await notePresence(context, { mailbox, generation, listing });
  if (mailbox.policy.markSeen) await setSeen(context, { mailbox, open: work.open, path: folder.path, generation });
  return result;
}

/** The folder's current generation; a UIDVALIDITY that differs begins a new one, whatever the numbers are. */
async function generationFor(
  context: ActivityContext,
  work: FolderWork,
  snapshot: FolderSnapshot,
): Promise<FolderGeneration> {
  const current = work.folder.generation;
  if (current?.uidValidity === snapshot.uidValidity) return current;
  const id = await beginGeneration(context.db, work.mailbox, {
    folderId: work.folder.folderId,
    uidValidity: snapshot.uidValidity,
  });
  const nothingYet = { uidNext: null, modseq: null, exists: null, listedAt: null, flagsCheckedAt: null };
  return { id, uidValidity: snapshot.uidValidity, historyBelow: 0, historyDone: false, ...nothingYet };
}

interface LiveWork {
  work: FolderWork;
  open: OpenFolder;
  generation: FolderGeneration;
  listing: UidListing;
  missing: number[];
}

/** New messages are fetched now, up to the limit of a round; a greater gap becomes history, so that it delays no other folder. */
async function ingestLive(context: ActivityContext, run: ActivityRun, live: LiveWork): Promise<BatchResult> {
  const { work, open, generation, listing, missing } = live;
  const { mailbox } = work;
  const ofImport = (uid: number) => !generation.historyDone && uid < generation.historyBelow;
  const fresh = missing.filter((uid) => !ofImport(uid));
  const limit = context.limits.liveRoundMessages;
  if (fresh.length > limit && listing.proven) {
    const history = fresh.length;
    await closeFolder(context.db, mailbox, { genId: generation.id, snapshot: open.snapshot, history });
    return { recorded: 0, filtered: 0, parked: 0 };
  }
  // Without proof the cursor stays, so that the next round looks again.
  const cursor = listing.proven ? open.snapshot : null;
  if (fresh.length > 0) {
    const ingest = { mailbox, open, genId: generation.id, uids: fresh.slice(-limit), part: 'live' as const, cursor };
    return ingestMessages(context, run, ingest);
  }
  if (cursor !== null) await closeFolder(context.db, mailbox, { genId: generation.id, snapshot: cursor, history: 0 });
  return { recorded: 0, filtered: 0, parked: 0 };
}

/** Placements that a proven listing does not show have ended; those that it shows again live again. */
async function notePresence(
  context: ActivityContext,
  seen: { mailbox: MailboxForSync; generation: FolderGeneration; listing: UidListing },
): Promise<void> {
  const { mailbox, generation, listing } = seen;
  if (!listing.proven) return;
  const live = await liveRanges(context.db, mailbox.tenantId, generation.id);
  const uids = absentFrom(live, listing.uids);
  await endPlacements(context.db, mailbox, { genId: generation.id, uids, listedAfter: mailbox.readAt });
  const shownAgain = rangesOf(outside(listing.uids, live)).map((range) => ({ genId: generation.id, ...range }));
  if (generation.uidNext !== null) await revivePlacements(context.db, mailbox, shownAgain);
}
