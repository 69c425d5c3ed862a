import type { NextCursor } from '../db/ingest/cursor';
import type { FolderGeneration } from '../db/ingest/folder-read';
import { closeFolder, doubtCursor, recordFiltered } from '../db/ingest/generation-write';
import type { OpenFolder } from '../mail/mailbox';
import type { ActivityContext, ActivityRun } from './context';
import { ingestMessages, type Ingested } from './ingest-messages';
import { notePresence, type Presence, type PresenceChanges } from './note-presence';
import type { FolderResult, FolderWork } from './sync-folder';

/** How the ledger of an open folder differs from what the server shows. */
export interface LiveWork {
  work: FolderWork;
  open: OpenFolder;
  generation: FolderGeneration;
  /** UIDs to be recorded now, ascending: none of them has a row that counts. */
  fresh: number[];
  changes: PresenceChanges;
  /** Where the cursor stands when all of this is written; null where nothing is proven, so that the next round looks again. */
  cursor: NextCursor | null;
}

const nothing: Ingested = { recorded: 0, filtered: 0, parked: 0, owed: 0 };

/**
 * New messages are fetched now, up to the limit of a round; a greater gap becomes history, so that it delays no other folder. Then what has
 * gone, then the cursor: where nothing has gone or come back, it moves with the last rows. Second run: goes on with what has no row.
 * @throws MailFailure
 */
export async function ingestLive(context: ActivityContext, run: ActivityRun, live: LiveWork): Promise<FolderResult> {
  const { work, open, generation, fresh, changes, cursor } = live;
  const { mailbox } = work;
  const seen = { mailbox, connection: work.open, path: open.path, generation };
  const genId = generation.id;
  const limit = context.limits.liveRoundMessages;
  await doubtBefore(context, live);
  if (fresh.length > limit && cursor !== null) {
    const { presence } = await notePresence(context, seen, changes);
    // The cursor moves in any case: until then the import fetches nothing.
    await closeFolder(context.db, mailbox, { genId, snapshot: open.snapshot, history: fresh.length, presence });
    return { ...nothing, presence, listing: beliefIn(cursor, presence) };
  }
  const uids = fresh.slice(-limit);
  const moving = changes.kind === 'none' ? cursor : null;
  const of = { mailbox, connection: work.open, open, genId };
  const ingest = { ...of, uids, part: 'live' as const, cursor: moving };
  const result = uids.length > 0 ? await ingestMessages(context, run, ingest) : nothing;
  const { presence, extent } = await notePresence(context, seen, changes);
  const isWhole = result.recorded + result.filtered + result.parked === uids.length;
  const hasMoved = moving !== null && uids.length > 0;
  const snapshot = extent === 'whole' ? cursor : inexact(cursor);
  if (snapshot !== null && presence === 'settled' && isWhole && !hasMoved) {
    await closeFolder(context.db, mailbox, { genId, snapshot, history: 0, presence });
  }
  return { ...result, presence, listing: beliefIn(cursor, presence) };
}

/** A folder that is not fetched: rows for what is there, and what has gone. Second run: no change. */
export async function noteUnread(context: ActivityContext, live: LiveWork): Promise<FolderResult> {
  const { work, open, generation, fresh, changes, cursor } = live;
  const { mailbox } = work;
  const seen = { mailbox, connection: work.open, path: open.path, generation };
  await doubtBefore(context, live);
  await recordFiltered(context.db, mailbox, { genId: generation.id, uids: fresh, reason: 'folder-role' });
  const { presence, extent } = await notePresence(context, seen, changes);
  const snapshot = extent === 'whole' ? cursor : inexact(cursor);
  if (snapshot !== null && presence === 'settled') {
    await closeFolder(context.db, mailbox, { genId: generation.id, snapshot, history: 0, presence });
  }
  return { ...nothing, filtered: fresh.length, presence, listing: beliefIn(cursor, presence) };
}

function beliefIn(cursor: NextCursor | null, presence: Presence): FolderResult['listing'] {
  return cursor === null || presence === 'unsettled' ? 'doubted' : 'believed';
}

/** What changes below an exact cursor makes it inexact until it has moved, also where this run ends before. */
async function doubtBefore(
  context: ActivityContext,
  { work, generation, fresh, changes }: Pick<LiveWork, 'work' | 'generation' | 'fresh' | 'changes'>,
): Promise<void> {
  const isBelow = (fresh[0] ?? Infinity) < (generation.uidNext ?? 0);
  if (!generation.isExact || (changes.kind === 'none' && !isBelow)) return;
  await doubtCursor(context.db, work.mailbox, generation.id);
}

/** The ledger may differ from what was compared. After a look at the tail, which must not pass for one at all UIDs, the cursor stays. */
function inexact(cursor: NextCursor | null): NextCursor | null {
  if (cursor === null || cursor.agreed?.compared === 'tail') return null;
  const { uidValidity, uidNext, messages, highestModseq } = cursor;
  return { uidValidity, uidNext, messages, highestModseq };
}
