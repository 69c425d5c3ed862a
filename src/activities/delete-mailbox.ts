import { activitiesOnDelete, type ActivitiesOnDelete } from '../db/activities/note-write';
import type { Database } from '../db/database';
import { nextContent, type ContentChunk, type ContentPosition } from '../db/deletion/content-chunk';
import { readCatalogue, type Catalogue } from '../db/deletion/catalogue';
import { deleteContent } from '../db/deletion/delete-content';
import type { DeletionRef, DeletionReport } from '../db/deletion/deletions';
import { deleteBeside, deleteEvents, finishDeletion } from '../db/deletion/finish';
import { freeBytes, noteOrphans } from '../db/deletion/free-bytes';
import { deleteRest } from '../db/deletion/rest';
import { beginRows, deletionProgress, takeTurn, type DeletionProgress, type DeletionTurn } from '../db/deletion/steps';
import { createChunkSize, type ChunkSize } from './chunk-size';
import type { ActivityContext, ActivityRun } from './context';
import { fillNews } from './fill-search';
import { readSurvivors } from './read-survivors';

/** How far a deletion is after a share of work. */
export type DeletionShare =
  | { kind: 'more'; progress: DeletionProgress }
  | { kind: 'rows-left'; tables: string[] }
  | { kind: 'done'; messages: number; kept: number; notes: number; bytes: number; seconds: number };

/** Whether the deletion of a mailbox may begin, and begins it. Second run: the same answer. */
export function deletionTurn(
  context: ActivityContext,
  ref: { tenantId: string; mailboxId: string },
): Promise<DeletionTurn> {
  return takeTurn(context.db, ref);
}

/**
 * Deletes what a mailbox that has stopped for certain holds, for some seconds, in short transactions, each of which takes the next of what
 * is there; then counts what is left and writes the report. Second run: goes on with what is there; after the end, the same report.
 */
export async function deleteMailboxRows(
  context: ActivityContext,
  run: ActivityRun,
  input: { tenantId: string; mailboxId: string; deletionId: string },
): Promise<DeletionShare> {
  const { db } = context;
  await context.erasures.compare();
  const ref: DeletionRef = { tenantId: input.tenantId, sourceId: input.mailboxId, deletionId: input.deletionId };
  await beginRows(db, ref);
  const endsAt = Date.now() + context.limits.deletionActivityMs;
  const isOver = () => {
    run.signal.throwIfAborted();
    run.heartbeat();
    return Date.now() >= endsAt;
  };
  const isEmpty = await firstOf(
    emptyContent(context, run, { ref, isOver }),
    // What a killed chunk has retold is searchable again before the deletion says that it is done.
    fillNews(db, ref.tenantId, context.limits.deletionChunkRows),
  );
  if (!isEmpty || !(await emptyBeside(context, ref, isOver))) {
    const progress = await deletionProgress(db, ref);
    if (progress !== null) return { kind: 'more', progress };
  }
  const end = await finishDeletion(db, ref);
  if (end.kind !== 'done') return { kind: 'rows-left', tables: Object.keys(end.tables) };
  // The journal's file is to say that it has ended before anybody hears of it.
  await context.erasures.compare();
  return said(end.report);
}

interface Work {
  ref: DeletionRef;
  isOver: () => boolean;
}

/** What is the same for all chunks of a share. */
interface HowContentGoes {
  catalogue: Catalogue;
  activities: ActivitiesOnDelete;
}

/**
 * Placements, copies, messages, and beside them, on connections of their own, a look at the chunk that comes next, texts and bytes of the
 * chunks before, and events. True when nothing is left.
 */
async function emptyContent(context: ActivityContext, run: ActivityRun, { ref, isOver }: Work): Promise<boolean> {
  const { db } = context;
  const { deletionChunkRows: most, deletionHoldMs: holdMs } = context.limits;
  const size = createChunkSize({ most, holdMs });
  const look = (after: ContentPosition | null) => nextContent(db, ref, { after, limit: size.rows() });
  const [how, first] = await Promise.all([howContentGoes(db, ref), look(null)]);
  let chunk = first;
  while (!isOver()) {
    if (chunk === null) return true;
    const next = await firstOf(
      chunk.next === null ? Promise.resolve(null) : look(chunk.next),
      deleteChunk(context, run, { ref, chunk, how, size }),
      deleteRest(db, ref),
      freeAllBytes(context, ref, isOver),
      deleteEvents(db, ref),
    );
    chunk = next ?? (await firstOf(look(null), deleteRest(db, ref)));
  }
  return false;
}

function howContentGoes(db: Database, ref: DeletionRef): Promise<HowContentGoes> {
  return db.inTenant(ref.tenantId, async (sql) => ({
    catalogue: await readCatalogue(sql),
    activities: await activitiesOnDelete(sql, ref),
  }));
}

/** What the first comes to, when all have ended. */
async function firstOf<T>(first: Promise<T>, ...others: Promise<unknown>[]): Promise<T> {
  for (const one of await Promise.allSettled([first, ...others])) if (one.status === 'rejected') throw one.reason;
  return first;
}

/** What must be read before it can go is known when the rest has gone: usually nothing. */
async function deleteChunk(
  context: ActivityContext,
  run: ActivityRun,
  { ref, chunk, how, size }: { ref: DeletionRef; chunk: ContentChunk; how: HowContentGoes; size: ChunkSize },
): Promise<void> {
  const { db } = context;
  const { retold, unread, heldMs } = await deleteContent(db, ref, {
    chunk,
    contents: new Map(),
    ...how,
    rest: 'noted',
  });
  size.took(chunk.copyIds.length, heldMs);
  // What stays is searchable again at once, and does not wait for the hourly run.
  await fillNews(db, ref.tenantId, retold);
  if (unread.messages.length === 0) return;
  const contents = await readSurvivors(context, run, { tenantId: ref.tenantId, messages: unread.messages });
  const left = {
    ...chunk,
    copyIds: unread.copyIds,
    messageIds: unread.messages.map(({ messageId }) => messageId),
  };
  const told = await deleteContent(db, ref, { chunk: left, contents, ...how, rest: 'noted' });
  await fillNews(db, ref.tenantId, told.retold);
}

async function freeAllBytes(context: ActivityContext, ref: DeletionRef, isOver: () => boolean): Promise<boolean> {
  return whileThereIs(() => freeBytes(context.db, ref), isOver);
}

/** The last texts and bytes, and all that carries the mailbox beside its content, beside one another. True when nothing is left. */
async function emptyBeside(context: ActivityContext, ref: DeletionRef, isOver: () => boolean): Promise<boolean> {
  const { db } = context;
  const parts = [
    whileThereIs(() => deleteRest(db, ref), isOver),
    freeLastBytes(context, ref, isOver),
    whileThereIs(async () => (await deleteBeside(db, ref)) > 0, isOver),
  ];
  await firstOf(Promise.resolve(), ...parts);
  return (await Promise.all(parts)).every(Boolean);
}

async function freeLastBytes(context: ActivityContext, ref: DeletionRef, isOver: () => boolean): Promise<boolean> {
  do {
    if (!(await freeAllBytes(context, ref, isOver))) return false;
  } while ((await noteOrphans(context.db, ref)) > 0);
  return true;
}

/** Does it again for as long as it says that there is more; false where the time is over before. */
async function whileThereIs(next: () => Promise<boolean>, isOver: () => boolean): Promise<boolean> {
  while (await next()) if (isOver()) return false;
  return true;
}

function said(report: DeletionReport): DeletionShare {
  const { tables, messagesKept: kept, activityNotes: notes = 0, bytesFreed: bytes, seconds } = report;
  return { kind: 'done', messages: tables['message'] ?? 0, kept, notes, bytes, seconds };
}
