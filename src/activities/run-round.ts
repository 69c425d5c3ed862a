import { MailFailure } from '../domain/failure';
import type { DesiredState, Fence } from '../domain/mailbox-state';
import { hasHistory, storedFolderOf, type FolderOnRecord, type KnownFolder } from '../db/ingest/folder-read';
import { recallReplies } from '../db/ingest/left-out-replies';
import { askWhereHealed } from '../db/sync/audits-due';
import { mailboxForSync, type MailboxForSync } from '../db/sync/mailbox-for-sync';
import { recordRoundSuccess } from '../db/sync/round-write';
import type { FolderStatus, ListedFolder } from '../domain/folder';
import { isBehind } from '../domain/folder-news';
import type { Policy } from '../domain/policy';
import type { Mailbox } from '../mail/mailbox';
import { aboutFolder } from './about-folder';
import { onConnection, type Connections } from './connections';
import type { ActivityContext, ActivityRun } from './context';
import { auditUnproven } from './audit-unproven';
import { auditAfterOutage } from './audit-after-outage';
import { failsAlone } from './fails-alone';
import { fillSearchSoon } from './fill-search';
import { followFolders } from './follow-folders';
import { withHistoryBeside, type RoundNotDone } from './history-beside';
import type { Presence } from './note-presence';
import { settleRemovals } from './removals/settle-removals';
import { roundFailure } from './round-failure';
import { mustLook, syncFolder, type FolderResult } from './sync-folder';

export interface RoundInput {
  tenantId: string;
  mailboxId: string;
  fence: Fence;
  /** In the last round that was done some folder's listing was not believed. */
  unprovenBefore?: boolean;
}

/** What the workflow hears of a round: counts and what to do next. */
export type RoundResult =
  | {
      kind: 'done';
      folders: number;
      recorded: number;
      filtered: number;
      parked: number;
      /** Folders that list messages which they did not deliver. */
      owed: number;
      /** Folders that did not show themselves whole, or contradicted themselves. */
      unproven: number;
      /** Folders whose history is still to be imported. */
      foldersWithHistory: number;
      /** When to look again although nobody has news. */
      lookAgainMs: number;
    }
  | RoundNotDone;

/**
 * One round: sweeps the folders, fetches what is missing, stores, reads and records it, follows flags, notes what has gone.
 * Second run: goes on from what is in the ledger.
 */
export async function runRound(
  context: ActivityContext & { connections: Connections },
  run: ActivityRun,
  input: RoundInput,
): Promise<RoundResult> {
  const mailbox = await mailboxForSync(context.db, { ...input, runId: run.runId ?? null });
  if (mailbox?.desired !== 'running' || !sameFence(mailbox, input)) return { kind: 'superseded' };
  try {
    await refuseWhenDiskIsLow(context);
    const drops = mailbox.policy.unmatched === 'drop';
    const replies = drops ? await recallReplies(context.db, mailbox, context.limits.leftOutRepliesPerRound) : 'all';
    const { counts, listed, presence, removalsMs } = await onConnection(context, run, {
      mailbox,
      purpose: 'sync',
      work: async (on) => {
        const at = { mailbox, open: on.open };
        const swept = await sweep(on.context, on.run, at);
        return { ...swept, removalsMs: await settleRemovals(on.context, on.run, at) };
      },
    });
    const { recorded, filtered, parked } = counts;
    const { alternationsKept } = context.limits;
    const success = {
      roundBegunAt: mailbox.readAt,
      recorded,
      filtered,
      parked,
      alternationsKept,
      still: lackOf(counts),
    };
    const onRecord = await recordRoundSuccess(context.db, mailbox, success);
    await fillSearchSoon(context, mailbox.tenantId, counts.recorded);
    await auditAfterOutage(context, mailbox);
    if (counts.unproven > 0 && input.unprovenBefore === true) await auditUnproven(context, mailbox);
    if (mailbox.isIncomplete) await askWhereHealed(context.db, input);
    const byFoldersMs = lookAgainAfter(context, mailbox, { listed, presence, onRecord, replies });
    const lookAgainMs = Math.min(byFoldersMs, (removalsMs ?? Infinity) + dueAndOverMs);
    return { kind: 'done', ...counts, foldersWithHistory: onRecord.filter(hasHistory).length, lookAgainMs };
  } catch (error) {
    const notDone = await roundFailure(context, mailbox, { error, run, roundBegunAt: mailbox.readAt });
    return withHistoryBeside(context, mailbox, { error, notDone });
  }
}

/** A timer that ends on the very millisecond may be a moment early by the database's clock. */
const dueAndOverMs = 250;

/**
 * When to look again although nobody has news. What the server still owes after a round, or does not tell the state of, nobody will have
 * news of: that is looked at again at the refresh time, and so are left-out replies that the round did not come to. Nor of flags in a folder whose changes the server does not count.
 */
function lookAgainAfter(
  { limits }: ActivityContext,
  mailbox: MailboxForSync,
  {
    listed,
    presence,
    onRecord,
    replies,
  }: Pick<Swept, 'listed' | 'presence'> & {
    onRecord: FolderOnRecord[];
    replies: 'more' | 'all';
  },
): number {
  const { folders, refreshSeconds, flags } = mailbox.policy;
  const isOwed =
    presence === 'unsettled' || replies === 'more' || isBehind(listed, onRecord.map(storedFolderOf), folders);
  return Math.min(
    limits.safetyTimerMs,
    isOwed ? refreshSeconds * 1_000 : Infinity,
    flags === 'follow' && onRecord.some(hidesItsFlags) ? limits.flagsLookMs : Infinity,
  );
}

function hidesItsFlags({ inScope, generation }: FolderOnRecord): boolean {
  return inScope && generation?.uidNext != null && generation.modseq === null && generation.exists !== 0;
}

/** Whether the mailbox still has the wish that the caller was begun with. */
function sameFence(mailbox: { fence: Fence; desired: DesiredState }, input: { fence: Fence }): boolean {
  return mailbox.fence.epoch === input.fence.epoch && mailbox.fence.generation === input.fence.generation;
}

/** Below the watermark nothing is fetched: a full disk would lose more than a late message. */
export async function refuseWhenDiskIsLow(context: ActivityContext): Promise<void> {
  if ((await context.freeDiskBytes()) >= context.limits.minFreeDiskBytes) return;
  throw new MailFailure('busy', 'store', { code: 'disk-low', retryAfterMs: 60_000 });
}

interface Counts {
  folders: number;
  recorded: number;
  filtered: number;
  parked: number;
  owed: number;
  unproven: number;
}

/** What a mailbox that is live says of what it has not got; null where it has all. */
function lackOf({ owed, unproven }: Counts): 'listing-not-proven' | 'not-delivered' | null {
  if (unproven > 0) return 'listing-not-proven';
  return owed > 0 ? 'not-delivered' : null;
}

interface Swept {
  counts: Counts;
  listed: readonly ListedFolder[];
  /** Of all folders; `unsettled` where it is of one. */
  presence: Presence;
}

async function sweep(
  context: ActivityContext,
  run: ActivityRun,
  at: { mailbox: MailboxForSync; open: Mailbox },
): Promise<Swept> {
  const { folders, listed } = await followFolders(context, run, at);
  const statusOf = new Map(listed.map((folder) => [folder.path, folder.status]));
  const counts: Counts = { folders: 0, recorded: 0, filtered: 0, parked: 0, owed: 0, unproven: 0 };
  const failures: MailFailure[] = [];
  let presence: Presence = 'settled';
  const firstRound = at.mailbox.lastSuccessAt === null;
  for (const folder of folders) {
    run.signal.throwIfAborted();
    const status = statusOf.get(folder.path) ?? null;
    if (!isDue(folder, status, at.mailbox.policy)) continue;
    counts.folders += 1;
    try {
      const result = await syncFolder(context, run, { ...at, folder, status, firstRound });
      count(result, counts);
      if (result.presence === 'unsettled') presence = 'unsettled';
    } catch (error) {
      // A failure of this folder alone keeps nobody else's mail waiting; it is told when all have had their turn.
      if (!failsAlone(error, at.open)) throw error;
      failures.push(error);
    }
  }
  if (failures[0] !== undefined) throw aboutFolder(failures[0]);
  return { counts, listed, presence };
}

function count(result: FolderResult, counts: Counts): void {
  counts.recorded += result.recorded;
  counts.filtered += result.filtered;
  counts.parked += result.parked;
  if (result.owed > 0) counts.owed += 1;
  if (result.listing === 'doubted') counts.unproven += 1;
}

function isDue(
  folder: KnownFolder,
  status: FolderStatus | null,
  { flags }: Policy,
): folder is KnownFolder & { scope: 'fetch' | 'ledger-only' } {
  return folder.scope !== 'ignore' && mustLook(status, folder.generation, { at: new Date(), flags });
}
