import type { FolderGeneration } from '../db/ingest/folder-read';
import { followFlags, seenDone, seenDue } from '../db/ingest/presence-write';
import { outside, type UidRanges } from '../domain/uid-set';
import type { MailboxForSync } from '../db/sync/mailbox-for-sync';
import type { Mailbox, OpenFolder } from '../mail/mailbox';
import type { ActivityContext } from './context';

const allFlagsEveryMs = 3_600_000;
const smallFolder = 2_000;

interface FlagWork {
  mailbox: MailboxForSync;
  open: OpenFolder;
  generation: FolderGeneration;
  /** What has a ledger row: a message that comes now counts as changed too, and gets its flags with its row. */
  known: UidRanges;
  /** Those changed since the cursor, where they have been asked for already. */
  changed?: FlagsShown | null;
}

/** Flags as a server shows them, ascending by UID. */
export type FlagsShown = Awaited<ReturnType<OpenFolder['flagsSince']>>;

/**
 * Makes recorded flags follow the server's: those changed since the cursor (RFC 7162 CHANGEDSINCE), or, where the server cannot say, all
 * flags, each time for small folders and hourly for big ones.
 */
export async function followServerFlags(
  context: ActivityContext,
  { mailbox, open, generation, known, changed }: FlagWork,
): Promise<void> {
  if (mailbox.policy.flags === 'ignore') return;
  const { snapshot } = open;
  const since = changedSince(generation.modseq, snapshot.highestModseq);
  if (since === null && !allFlagsAreDue(generation, snapshot.messages, new Date())) return;
  if (since !== null && since === snapshot.highestModseq) return;
  const asked = since === null ? null : (changed ?? null);
  const flags = within(asked ?? (await open.flagsSince(since)), known);
  if (flags.length === 0 && since !== null) return;
  await followFlags(context.db, mailbox, { genId: generation.id, flags, allRead: since === null });
}

/** Makes recorded flags follow those that the server has shown as changed. All of them have a row. Second run: no change. */
export async function followShownFlags(
  context: ActivityContext,
  { mailbox, genId, flags }: { mailbox: MailboxForSync; genId: number; flags: FlagsShown },
): Promise<void> {
  if (mailbox.policy.flags === 'ignore' || flags.length === 0) return;
  await followFlags(context.db, mailbox, { genId, flags, allRead: false });
}

function within<Row extends { uid: number }>(rows: Row[], known: UidRanges): Row[] {
  const ascending = rows.map(({ uid }) => uid).sort((one, other) => one - other);
  const unknown = new Set(outside(ascending, known));
  return rows.filter(({ uid }) => !unknown.has(uid));
}

/** Where to go on from; null where the server's number is missing or has fallen, and only all flags tell the truth. */
function changedSince(stored: string | null, current: string | null): string | null {
  if (stored === null || current === null) return null;
  return BigInt(stored) > BigInt(current) ? null : stored;
}

/** Whether all flags are to be read from a server that cannot say which have changed. An empty folder has none. */
export function allFlagsAreDue(generation: FolderGeneration, messages: number, now: Date): boolean {
  const last = generation.flagsCheckedAt?.getTime() ?? 0;
  return messages > 0 && (messages <= smallFolder || now.getTime() - last > allFlagsEveryMs);
}

/** Sets \Seen on what has been recorded, where the policy says so. Second run: sets it once more, no change. */
export async function setSeen(
  context: ActivityContext,
  work: { mailbox: MailboxForSync; open: Mailbox; path: string; generation: FolderGeneration },
): Promise<void> {
  const { mailbox, generation } = work;
  const uids = await seenDue(context.db, mailbox.tenantId, generation.id);
  if (uids.length === 0) return;
  await work.open.markSeen(work.path, generation.uidValidity, uids);
  await seenDone(context.db, mailbox, { genId: generation.id, uids });
}
