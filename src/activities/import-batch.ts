import { MailFailure } from '../domain/failure';
import type { UidListing } from '../domain/folder';
import { areWaysTried, wantsOtherRoutes } from '../domain/partial-listing';
import { outside } from '../domain/uid-set';
import { foldersWithHistory, type FolderGeneration } from '../db/ingest/folder-read';
import { uidsDoubted } from '../db/ingest/audit-findings';
import { finishHistory } from '../db/ingest/generation-write';
import { ledgerRanges } from '../db/ingest/ledger-ranges';
import { recordImportTakenUp } from '../db/import-track';
import { mailboxForSync, type MailboxForSync } from '../db/sync/mailbox-for-sync';
import type { Mailbox, OpenFolder } from '../mail/mailbox';
import { onConnection, type Connections } from './connections';
import type { ActivityContext, ActivityRun } from './context';
import { failsAlone } from './fails-alone';
import { setSeen } from './follow-flags';
import { ingestMessages } from './ingest-messages';
import { listFolderByAllRoutes, routeBudget, type RouteBudget } from './list-folder';
import { roundFailure, type NotDone } from './round-failure';
import { refuseWhenDiskIsLow } from './run-round';

export type ImportResult = { kind: 'done'; imported: number; foldersLeft: number } | NotDone;

/**
 * Imports a share of a mailbox's history, newest first, until its limit of messages or time is reached.
 * Second run: goes on from what is in the ledger.
 */
export async function importBatch(
  context: ActivityContext & { connections: Connections },
  run: ActivityRun,
  input: { tenantId: string; mailboxId: string },
): Promise<ImportResult> {
  // The fence is the one that holds now: an import outlives a pause and goes on under the new wish.
  const mailbox = await mailboxForSync(context.db, { ...input, runId: run.runId ?? null });
  if (mailbox?.desired !== 'running') return { kind: 'superseded' };
  try {
    await refuseWhenDiskIsLow(context);
    await recordImportTakenUp(context.db, mailbox);
    const share = await onConnection(context, run, {
      mailbox,
      purpose: 'import',
      work: (on) => importShare(on.context, on.run, { mailbox, open: on.open }),
    });
    const left = await foldersWithHistory(context.db, mailbox);
    if (share.imported === 0 && share.held !== null && left.length > 0) {
      // Folders that hold back what they list are tried again by and by; the mailbox itself is well.
      return { kind: 'retry', failure: share.held, retryAfterMs: heldRetryMs, wait: 'reckoned' };
    }
    return { kind: 'done', imported: share.imported, foldersLeft: left.length };
  } catch (error) {
    return roundFailure(context, mailbox, { error, run, roundBegunAt: null });
  }
}

/** A folder that delivers nothing of what it lists, or that cannot be opened. */
const heldRetryMs = 120_000;

/** What is left of a share: of its messages and of its time. */
interface Room {
  messages: number;
  endsAt: number;
  routes: RouteBudget;
}

async function importShare(
  context: ActivityContext,
  run: ActivityRun,
  at: { mailbox: MailboxForSync; open: Mailbox },
): Promise<{ imported: number; held: string | null }> {
  const { importActivityMessages, importActivityMs, otherRouteCommands } = context.limits;
  const endsAt = performance.now() + importActivityMs;
  const room: Room = { messages: importActivityMessages, endsAt, routes: routeBudget(otherRouteCommands) };
  let held: string | null = null;
  for (const folder of await foldersWithHistory(context.db, at.mailbox)) {
    try {
      await importFolder(context, run, { ...at, ...folder, room });
    } catch (error) {
      // A failure of this folder alone keeps no other folder's history waiting.
      if (!failsAlone(error, at.open)) throw error;
      held ??= `${error.kind} (${error.code})`;
    }
  }
  return { imported: importActivityMessages - room.messages, held };
}

async function importFolder(context: ActivityContext, run: ActivityRun, share: FolderShare): Promise<void> {
  const { room } = share;
  while (room.messages > 0 && performance.now() < room.endsAt) {
    run.signal.throwIfAborted();
    const done = await importFrom(context, run, share);
    run.heartbeat();
    if (done === 'nothing-left' || done === 'not-all-shown') return;
    if (done === 0) throw new MailFailure('busy', 'UID FETCH', { code: 'nothing-delivered' });
    room.messages -= done;
  }
}

interface FolderShare {
  mailbox: MailboxForSync;
  open: Mailbox;
  path: string;
  generation: FolderGeneration;
  room: Room;
}

/**
 * What is asked for when the listing alone has no more to show. A server that shows only a part can never prove the end; its part is in the
 * ledger then, and the audit says `not-provable`.
 */
async function listInParts(context: ActivityContext, share: FolderShare, open: OpenFolder): Promise<UidListing> {
  const { mailbox, generation, room } = share;
  const listed = { mailbox, connection: share.open, open, status: null, generation, budget: room.routes };
  const listing = await listFolderByAllRoutes(context, listed);
  if (!areWaysTried(listing) && !wantsOtherRoutes(listing))
    throw new MailFailure('busy', 'UID SEARCH', { code: 'listing-not-proven' });
  // What an audit has seen by these ways is fetched also where they show less of it now.
  const seen = generation.inParts ? await uidsDoubted(context.db, mailbox.tenantId, generation.id) : [];
  return { ...listing, uids: [...new Set([...listing.uids, ...seen])].sort((one, other) => one - other) };
}

/**
 * How many of a folder's missing messages got their rows, newest first. `not-all-shown`: other folders have spent the commands by which it
 * may show more, which is left to the next share.
 */
async function importFrom(
  context: ActivityContext,
  run: ActivityRun,
  share: FolderShare,
): Promise<number | 'nothing-left' | 'not-all-shown'> {
  const { mailbox, generation } = share;
  const open = await share.open.examine(share.path);
  // Another UIDVALIDITY: the next round begins a new generation, and with it another import.
  if (open.snapshot.uidValidity !== generation.uidValidity) {
    throw new MailFailure('cursor-lost', 'EXAMINE', { code: 'uidvalidity-changed' });
  }
  const known = await ledgerRanges(context.db, mailbox.tenantId, { genId: generation.id, scope: 'fetch' });
  const historyOf = ({ uids }: UidListing) => outside(uids, known).filter((uid) => uid < generation.historyBelow);
  const listing = await open.listUids();
  const history = historyOf(listing);
  if (history.length === 0 && (!listing.proven || generation.inParts)) {
    const inParts = await listInParts(context, share, open);
    const shown = historyOf(inParts);
    if (shown.length === 0 && !areWaysTried(inParts)) return 'not-all-shown';
    history.push(...shown);
  }
  // What would end the import is looked at once more: a listing of the right length may still show another number in place of one.
  if (history.length === 0 && generation.historyBelow > 1) {
    history.push(...historyOf(await open.listUids({ from: 1, to: generation.historyBelow - 1 })));
  }
  if (history.length === 0) {
    await finishHistory(context.db, mailbox, { genId: generation.id, below: generation.historyBelow });
    return 'nothing-left';
  }
  const uids = history.slice(-share.room.messages);
  const of = { mailbox, connection: share.open, open, genId: generation.id };
  const ingest = { ...of, uids, part: 'history' as const, cursor: null };
  const { recorded, filtered, parked } = await ingestMessages(context, run, ingest);
  if (mailbox.policy.markSeen) await setSeen(context, { mailbox, open: share.open, path: share.path, generation });
  return recorded + filtered + parked;
}
