import type { FolderStatus, UidListing } from '../domain/folder';
import type { Policy } from '../domain/policy';
import { outside } from '../domain/uid-set';
import type { BatchResult } from '../db/ingest/batch';
import { retiredGeneration, type FolderGeneration, type KnownFolder } from '../db/ingest/folder-read';
import { beginGeneration, closeFolder, noteMailboxId, recordFiltered } from '../db/ingest/generation-write';
import { ledgerRanges } from '../db/ingest/ledger-ranges';
import type { MailboxForSync } from '../db/sync/mailbox-for-sync';
import type { Mailbox, OpenFolder } from '../mail/mailbox';
import type { ActivityContext, ActivityRun } from './context';
import { allFlagsAreDue, followServerFlags, setSeen } from './follow-flags';
import { ingestMessages } from './ingest-messages';
import { beginFirstListing } from './first-listing';
import { listFolder, listFolderByAllRoutes } from './list-folder';
import { notePresence, presenceChanges, type Presence } from './note-presence';
import { isStill, provesToBe } from './still-the-same';

export interface FolderWork {
  mailbox: MailboxForSync;
  open: Mailbox;
  /** What the sweep said of the folder. */
  status: FolderStatus | null;
  folder: KnownFolder & { scope: 'fetch' | 'ledger-only' };
  firstRound: boolean;
}

/** What a look at a folder has brought. Where its presence is unsettled, it is to be looked at again without any news of it. */
export type FolderResult = BatchResult & { presence: Presence };

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
export async function syncFolder(context: ActivityContext, run: ActivityRun, work: FolderWork): Promise<FolderResult> {
  const { mailbox, folder } = work;
  const open = await work.open.examine(folder.path);
  const generation = await generationFor(context, work, open);
  const listed = { mailbox, connection: work.open, open, status: work.status, generation };
  if (generation.uidNext === null && folder.scope === 'fetch') {
    const budget = { left: context.limits.otherRouteCommands };
    const listing = await listFolderByAllRoutes(context, { ...listed, budget });
    run.heartbeat();
    return beginFirstListing(context, run, { work, open, generation, listing });
  }
  const listing = await listFolder(context, listed);
  run.heartbeat();

  const known = await ledgerRanges(context.db, mailbox.tenantId, { genId: generation.id, scope: folder.scope });
  const missing = outside(listing.uids, known);
  const synced = { work, open, generation, listing, missing };
  if (folder.scope === 'ledger-only') return noteUnread(context, synced);
  // Before the cursor moves: what changed since the old one would otherwise be skipped by a crash in between.
  await followServerFlags(context, { mailbox, open, generation, known });
  const result = await ingestLive(context, run, synced);
  if (mailbox.policy.markSeen) await setSeen(context, { mailbox, open: work.open, path: folder.path, generation });
  return result;
}

/** A folder that is not fetched: rows for what is there, and what has gone. */
async function noteUnread(context: ActivityContext, live: LiveWork): Promise<FolderResult> {
  const { work, open, generation, listing, missing } = live;
  const { mailbox } = work;
  await recordFiltered(context.db, mailbox, { genId: generation.id, uids: missing, reason: 'folder-role' });
  const seen = { mailbox, connection: work.open, path: open.path, generation, listing };
  const presence = await notePresence(context, seen, await presenceChanges(context, seen, missing));
  if (presence === 'settled' && (listing.proven || listing.reason === 'message-limit')) {
    await closeFolder(context.db, mailbox, { genId: generation.id, snapshot: open.snapshot, history: 0, presence });
  }
  return { recorded: 0, filtered: missing.length, parked: 0, presence };
}

/**
 * The folder's current generation; a UIDVALIDITY that differs begins a new one, whatever the numbers are, unless it is one that was
 * before, and so does a server that was put back to an older state (still-the-same.ts). Bytes that are held become placements of the
 * copies they were, with their links.
 */
async function generationFor(
  context: ActivityContext,
  work: FolderWork,
  opened: OpenFolder,
): Promise<FolderGeneration> {
  const { mailbox, folder } = work;
  const { uidValidity } = opened.snapshot;
  const current = folder.generation;
  if (current?.uidValidity === uidValidity && (await isStill(context, { mailbox, opened, generation: current }))) {
    return noteId(context, work, { opened, generation: current });
  }
  const retired = await retiredGeneration(context.db, mailbox.tenantId, { folderId: folder.folderId, uidValidity });
  const isAgain = retired !== null && (await provesToBe(context, { mailbox, opened, genId: retired.id }));
  const again = isAgain ? retired.id : null;
  const { folderId } = folder;
  const before = current?.id ?? null;
  const id = await beginGeneration(context.db, mailbox, {
    folderId,
    uidValidity,
    mailboxId: opened.mailboxId,
    before,
    again,
  });
  const nothingYet = { uidNext: null, modseq: null, exists: null, listedAt: null, flagsCheckedAt: null };
  return { id, uidValidity, historyBelow: 0, historyDone: false, inParts: false, identityUid: 0, ...nothingYet };
}

async function noteId(
  context: ActivityContext,
  { mailbox, folder }: FolderWork,
  { opened, generation }: { opened: OpenFolder; generation: FolderGeneration },
): Promise<FolderGeneration> {
  const { mailboxId } = opened;
  if (mailboxId !== null && mailboxId !== folder.mailboxId) {
    await noteMailboxId(context.db, mailbox, { folderId: folder.folderId, mailboxId });
  }
  return generation;
}

interface LiveWork {
  work: FolderWork;
  open: OpenFolder;
  generation: FolderGeneration;
  listing: UidListing;
  missing: number[];
}

/**
 * New messages are fetched now, up to the limit of a round; a greater gap becomes history, so that it delays no other folder. Then what has
 * gone, then the cursor: where nothing has gone or come back, it moves with the last rows.
 */
async function ingestLive(context: ActivityContext, run: ActivityRun, live: LiveWork): Promise<FolderResult> {
  const { work, open, generation, listing, missing } = live;
  const { mailbox } = work;
  const ofImport = (uid: number) => !generation.historyDone && uid < generation.historyBelow;
  const fresh = missing.filter((uid) => !ofImport(uid));
  const seen = { mailbox, connection: work.open, path: open.path, generation, listing };
  const changes = await presenceChanges(context, seen, fresh);
  const close = { genId: generation.id, snapshot: open.snapshot };
  const limit = context.limits.liveRoundMessages;
  if (fresh.length > limit && listing.proven) {
    const presence = await notePresence(context, seen, changes);
    // The cursor moves in any case: until then the import fetches nothing.
    await closeFolder(context.db, mailbox, { ...close, history: fresh.length, presence });
    return { ...nothing, presence };
  }
  const uids = fresh.slice(-limit);
  // Without proof the cursor stays, so that the next round looks again.
  const cursor = listing.proven && changes.kind === 'none' ? open.snapshot : null;
  const of = { mailbox, connection: work.open, open, genId: generation.id };
  const ingest = { ...of, uids, part: 'live' as const, cursor };
  const result = uids.length > 0 ? await ingestMessages(context, run, ingest) : nothing;
  const presence = await notePresence(context, seen, changes);
  const isWhole = result.recorded + result.filtered + result.parked === uids.length;
  const hasMoved = cursor !== null && uids.length > 0;
  if (listing.proven && presence === 'settled' && isWhole && !hasMoved) {
    await closeFolder(context.db, mailbox, { ...close, history: 0, presence });
  }
  return { ...result, presence };
}

const nothing: BatchResult = { recorded: 0, filtered: 0, parked: 0 };
