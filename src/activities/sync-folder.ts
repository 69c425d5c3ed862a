import type { FolderStatus, UidListing } from '../domain/folder';
import type { Policy } from '../domain/policy';
import { outside, type UidRanges } from '../domain/uid-set';
import type { NextCursor } from '../db/ingest/cursor';
import { retiredGeneration, type FolderGeneration, type KnownFolder } from '../db/ingest/folder-read';
import { beginGeneration, noteMailboxId } from '../db/ingest/generation-write';
import { ledgerRanges } from '../db/ingest/ledger-ranges';
import type { MailboxForSync } from '../db/sync/mailbox-for-sync';
import type { Mailbox, OpenFolder } from '../mail/mailbox';
import type { ActivityContext, ActivityRun } from './context';
import { auditRewound } from './audit-rewound';
import { allFlagsAreDue, followServerFlags, followShownFlags, setSeen } from './follow-flags';
import { ingestLive, noteUnread, type LiveWork } from './ingest-live';
import type { Ingested } from './ingest-messages';
import { beginFirstListing } from './first-listing';
import { listFolder, listFolderByAllRoutes, routeBudget } from './list-folder';
import { fullListingEveryMs, lookAtTail } from './look-at-tail';
import { presenceChanges, type Presence } from './note-presence';
import { isStill, provesToBe } from './still-the-same';

export interface FolderWork {
  mailbox: MailboxForSync;
  open: Mailbox;
  /** What the sweep said of the folder. */
  status: FolderStatus | null;
  folder: KnownFolder & { scope: 'fetch' | 'ledger-only' };
  firstRound: boolean;
}

/**
 * What a look at a folder has brought. Where its presence is unsettled, it is to be looked at again without any news of it. `doubted`: what it
 * showed proves nothing, and the cursor stays where it is.
 */
export type FolderResult = Ingested & { presence: Presence; listing: 'believed' | 'doubted' };

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
    const budget = routeBudget(context.limits.otherRouteCommands);
    const listing = await listFolderByAllRoutes(context, { ...listed, budget });
    run.heartbeat();
    return beginFirstListing(context, run, { work, open, generation, listing });
  }
  const tail = await lookAtTail(context, { work, open, generation });
  run.heartbeat();
  // Flags before the cursor moves: what changed since the old one would otherwise be skipped by a crash in between.
  if (tail.kind === 'told') {
    await followShownFlags(context, { mailbox, genId: generation.id, flags: tail.flags });
    return follow(context, run, toldByTail({ work, open, generation }, tail));
  }
  const listing = await listFolder(context, listed);
  run.heartbeat();
  const known = await ledgerRanges(context.db, mailbox.tenantId, { genId: generation.id, scope: folder.scope });
  if (folder.scope === 'fetch') {
    await followServerFlags(context, { mailbox, open, generation, known, changed: tail.changed });
  }
  return follow(context, run, await toldByAll(context, { work, open, generation, listing, known }));
}

async function follow(context: ActivityContext, run: ActivityRun, live: LiveWork): Promise<FolderResult> {
  const { work, open, generation } = live;
  const { mailbox } = work;
  if (work.folder.scope === 'ledger-only') return noteUnread(context, live);
  const result = await ingestLive(context, run, live);
  if (mailbox.policy.markSeen) await setSeen(context, { mailbox, open: work.open, path: open.path, generation });
  return result;
}

type Opened = Pick<LiveWork, 'work' | 'open' | 'generation'>;

function toldByTail(opened: Opened, { fresh, gone }: { fresh: number[]; gone: number[] }): LiveWork {
  const { open, generation } = opened;
  const liveMessages = generation.exists ?? 0;
  const changes: LiveWork['changes'] =
    gone.length === 0 ? { kind: 'none' } : { kind: 'some', absent: gone, shownAgain: [], liveMessages };
  return { ...opened, fresh, changes, cursor: { ...open.snapshot, agreed: { compared: 'tail', since: generation } } };
}

async function toldByAll(
  context: ActivityContext,
  compared: Opened & { listing: UidListing; known: UidRanges },
): Promise<LiveWork> {
  const { work, open, generation, listing, known } = compared;
  const { mailbox, folder } = work;
  const overlooked = await overlookedBy(compared);
  const missing = outside([...new Set([...listing.uids, ...overlooked])].sort(ascending), known);
  const isOfImport = (uid: number) =>
    folder.scope === 'fetch' && !generation.historyDone && uid < generation.historyBelow;
  const fresh = missing.filter((uid) => !isOfImport(uid));
  const changes = await presenceChanges(context, { mailbox, generation, listing }, fresh);
  // Of a folder that comes back into scope all that it had is shown again.
  if (changes.kind === 'some' && changes.shownAgain.length > 0 && generation.uidNext !== null) {
    await auditRewound(context, mailbox);
  }
  return { work, open, generation, fresh, changes, cursor: overlooked.length === 0 ? cursorAfterAll(compared) : null };
}

const ascending = (one: number, other: number) => one - other;

/**
 * What a proven listing left out of the UIDs that were given since the last round, by a second look at those alone. A listing of the right
 * length may still show another number in place of one: it is doubted where it does not end right below UIDNEXT, which has grown, or shows
 * a UID that was given before and has no row.
 */
async function overlookedBy(compared: Opened & { listing: UidListing; known: UidRanges }): Promise<number[]> {
  const { open, generation, listing, known } = compared;
  const { uidNext } = open.snapshot;
  const from = generation.uidNext;
  if (!listing.proven || from === null || from >= uidNext) return [];
  const endsRight = listing.uids.at(-1) === uidNext - 1;
  if (endsRight && outside(listing.uids, known).every((uid) => uid >= from)) return [];
  const shown = new Set(listing.uids);
  const again = await open.listUids({ from, to: uidNext - 1 });
  return again.uids.filter((uid) => uid >= from && uid < uidNext && !shown.has(uid));
}

/** Null where the listing proves nothing. Of a folder that shows just a part, what is not fetched needs no proof. */
function cursorAfterAll({ work, open, generation, listing }: Opened & { listing: UidListing }): NextCursor | null {
  const { snapshot } = open;
  if (!listing.proven) {
    return work.folder.scope === 'ledger-only' && listing.reason === 'message-limit' ? snapshot : null;
  }
  const counted = listing.uids.filter((uid) => uid < snapshot.uidNext).length;
  // Only then do the ledger's rows below UIDNEXT number what the server said when it was asked for both.
  const isExact = open.toldUidNext && generation.historyDone && counted === snapshot.messages;
  return isExact ? { ...snapshot, agreed: { compared: 'all', since: generation } } : snapshot;
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
  return {
    id,
    uidValidity,
    historyBelow: 0,
    historyDone: false,
    isExact: false,
    inParts: false,
    identityUid: 0,
    ...nothingYet,
  };
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
