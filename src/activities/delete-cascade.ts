import type { DeletionReport } from '../db/deletion/deletions';
import type { DeletionProgress } from '../db/deletion/steps';
import { beginRowsOf, beginWithMailboxes, cascadeProgress } from '../db/deletion/cascade/begin-cascade';
import { readCascade, type Cascade, type CascadeRef } from '../db/deletion/cascade/cascades';
import { endCascade, reportOfEnded } from '../db/deletion/cascade/end-cascade';
import { askForMailboxes, mailboxesLeft, nextMailboxes } from '../db/deletion/cascade/mailboxes-of';
import { stepsOf } from '../db/deletion/cascade/steps-of';
import type { ActivityContext, ActivityRun } from './context';

/** How far the deletion of a record, user or tenant is after a share of work. */
export type CascadeShare =
  | { kind: 'none' }
  /** These mailboxes are to be deleted next, each by its own workflow; `left` is how many there are in all. */
  | { kind: 'mailboxes'; mailboxIds: string[]; left: number; progress: DeletionProgress | null }
  | { kind: 'more'; progress: DeletionProgress }
  | { kind: 'rows-left'; tables: string[] }
  | { kind: 'done'; rows: number; mailboxes: number; kept: number; bytes: number; seconds: number };

const mailboxesPerShare = 100;

/**
 * Stops the mailboxes that go with a user or a tenant, all of them before the first is deleted, and says which are deleted next. When they
 * are gone, deletes the rest for some seconds, in short transactions, each of which takes the next of what is there; then counts what is
 * left and writes the report. Nothing goes before the journal's file says so. Second run: goes on with what is there; after the end, the
 * same report.
 */
export async function deleteCascade(
  context: ActivityContext,
  run: ActivityRun,
  ref: CascadeRef,
): Promise<CascadeShare> {
  const { db } = context;
  await context.erasures.compare();
  const cascade = await readCascade(db, ref);
  if (cascade === null) return ended(await reportOfEnded(db, ref));
  const endsAt = Date.now() + context.limits.deletionActivityMs;
  const isOver = () => {
    run.signal.throwIfAborted();
    run.heartbeat();
    return Date.now() >= endsAt;
  };
  await beginWithMailboxes(db, cascade);
  const share = (await shareOfMailboxes(context, cascade, isOver)) ?? (await shareOfRows(context, cascade, isOver));
  // The journal's file is to say that it has ended before anybody hears of it.
  if (share.kind === 'done') await context.erasures.compare();
  return share;
}

/** Null when no mailbox is left. */
async function shareOfMailboxes(
  { db }: ActivityContext,
  cascade: Cascade,
  isOver: () => boolean,
): Promise<CascadeShare | null> {
  const progress = await cascadeProgress(db, cascade);
  while ((await askForMailboxes(db, cascade)) > 0) {
    if (isOver()) return { kind: 'mailboxes', mailboxIds: [], left: await mailboxesLeft(db, cascade), progress };
  }
  const left = await mailboxesLeft(db, cascade);
  if (left === 0) return null;
  return { kind: 'mailboxes', mailboxIds: await nextMailboxes(db, cascade, mailboxesPerShare), left, progress };
}

async function shareOfRows(
  { db, limits }: ActivityContext,
  cascade: Cascade,
  isOver: () => boolean,
): Promise<CascadeShare> {
  const steps = stepsOf(cascade, { chunkRows: limits.deletionChunkRows });
  await beginRowsOf(db, cascade, steps);
  while ((await steps.next(db)) > 0) {
    if (!isOver()) continue;
    const progress = await cascadeProgress(db, cascade);
    if (progress !== null) return { kind: 'more', progress };
  }
  const end = await endCascade(db, cascade, steps);
  return end.kind === 'done' ? ended(end.report) : { kind: 'rows-left', tables: Object.keys(end.tables) };
}

function ended(report: DeletionReport | null): CascadeShare {
  if (report === null) return { kind: 'none' };
  const { tables, messagesKept: kept, bytesFreed: bytes, seconds, mailboxes = 0 } = report;
  const rows = Object.values(tables).reduce((sum, count) => sum + count, 0);
  return { kind: 'done', rows, mailboxes, kept, bytes, seconds };
}
