import { newsOfTail, type ExactCursor } from '../domain/folder-tail';
import { MailFailure } from '../domain/failure';
import type { FolderGeneration } from '../db/ingest/folder-read';
import { ledgerTail } from '../db/ingest/ledger-ranges';
import type { OpenFolder } from '../mail/mailbox';
import { hasBeenDown } from './audit-after-outage';
import type { ActivityContext } from './context';
import type { FlagsShown } from './follow-flags';
import { suspiciousMessages } from './note-presence';
import type { FolderWork } from './sync-folder';

/** What the newest messages of a folder tell of all of it; or that all UIDs must be compared, with the flags that were asked for by then. */
export type TailLook =
  | { kind: 'told'; fresh: number[]; gone: number[]; flags: FlagsShown }
  | { kind: 'doubtful'; changed: FlagsShown | null };

interface Opened {
  work: FolderWork;
  open: OpenFolder;
  generation: FolderGeneration;
}

/** So often all UIDs of a folder are compared in any case: a server may show an old one late, or not count what it changes. */
export const fullListingEveryMs = 24 * 3_600_000;

/**
 * Looks at the newest UIDs of a big folder, and at what has changed in the rest (docs/decisions/0015): its cost is that of the news. It is only
 * believed where the cursor is exact and the count of messages leaves no room for anything else.
 * @throws MailFailure
 */
export async function lookAtTail(context: ActivityContext, opened: Opened): Promise<TailLook> {
  const cursor = cursorToTrust(context, opened);
  if (cursor === null) return { kind: 'doubtful', changed: null };
  const { work, open, generation } = opened;
  const { comparedTailUids, liveRoundMessages } = context.limits;
  const from = Math.max(1, cursor.uidNext - comparedTailUids);
  const shown = await showTail(open, { from, modseq: cursor.modseq });
  if (shown === null) return { kind: 'doubtful', changed: null };
  const changed = shown.flags.map(({ uid }) => uid);
  const { live, known, others } = await ledgerTail(context.db, work.mailbox.tenantId, {
    genId: generation.id,
    scope: work.folder.scope,
    from,
    others: changed.filter((uid) => uid < from),
  });
  const side = { snapshot: open.snapshot, from, uids: shown.uids, changed };
  const news = newsOfTail(cursor, side, { live, known, changedBelow: others });
  if (news.kind === 'doubtful' || news.gone.length > suspiciousMessages || news.fresh.length > liveRoundMessages) {
    return { kind: 'doubtful', changed: shown.flags };
  }
  const fresh = new Set(news.fresh);
  return { ...news, flags: shown.flags.filter(({ uid }) => !fresh.has(uid)) };
}

/** The cursor, where it may be gone on from without a look at all UIDs; else null. */
function cursorToTrust(context: ActivityContext, opened: Opened): (ExactCursor & { modseq: string }) | null {
  const { uidNext, exists, modseq, isExact, historyDone, listedAt } = opened.generation;
  if (!isExact || !historyDone || uidNext === null || exists === null || modseq === null) return null;
  // A smaller folder costs no more as a whole.
  if (exists <= context.limits.comparedTailUids) return null;
  if (listedAt === null || context.now() - listedAt.getTime() > fullListingEveryMs) return null;
  return isTrustworthy(context, opened) && goesOn(opened, { uidNext, modseq }) ? { uidNext, exists, modseq } : null;
}

function isTrustworthy({ limits }: ActivityContext, { work, open }: Opened): boolean {
  return open.toldUidNext && !work.open.abilities.messageLimit && !hasBeenDown(limits, work.mailbox);
}

/** Whether UIDNEXT and HIGHESTMODSEQ have not fallen (RFC 9051 2.3.1.1, RFC 7162 3.1), and STATUS counts no more than the folder shows. */
function goesOn({ work, open }: Opened, cursor: { uidNext: number; modseq: string }): boolean {
  const { snapshot } = open;
  const { status } = work;
  if (snapshot.highestModseq === null || BigInt(snapshot.highestModseq) < BigInt(cursor.modseq)) return false;
  if (snapshot.uidNext < cursor.uidNext) return false;
  return status?.uidValidity === snapshot.uidValidity && status.messages <= snapshot.messages;
}

/** The UIDs of the tail and what was changed anywhere; null where the server refuses to tell. */
async function showTail(
  open: OpenFolder,
  { from, modseq }: { from: number; modseq: string },
): Promise<{ uids: number[]; flags: FlagsShown } | null> {
  try {
    const { uids } = await open.listUids({ from, to: Infinity });
    return { uids, flags: open.snapshot.highestModseq === modseq ? [] : await open.flagsSince(modseq) };
  } catch (error) {
    if (error instanceof MailFailure && error.kind === 'refused') return null;
    throw error;
  }
}
