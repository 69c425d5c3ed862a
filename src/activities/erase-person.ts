import type { DeletionReport } from '../db/deletion/deletions';
import { freeBytes } from '../db/deletion/free-bytes';
import { deletionProgress, type DeletionProgress } from '../db/deletion/steps';
import { BlobDamaged, BlobNotFound } from '../db/blobs/blob-store';
import { addressesOf, type PersonRef } from '../db/people/begin-erasure';
import { readDependents } from '../db/people/dependents';
import { eraseBeside, eraseNotes, eraseParked, parkedMail, type ParkedMail } from '../db/people/erase-beside';
import { eraseMessages, stepOf } from '../db/people/erase-messages';
import { isStillThere } from '../db/people/find-again';
import { finishErasure } from '../db/people/finish-erasure';
import type { ActivityContext, ActivityRun } from './context';
import { findErasedPeople } from './find-erased-people';
import { holdsAny } from './holds-address';

/** How far the erasure of a person is after a share of work. */
export type ErasureShare =
  | { kind: 'more'; progress: DeletionProgress }
  | { kind: 'rows-left'; tables: string[] }
  | { kind: 'done'; messages: number; bytes: number; seconds: number };

const parkedAtOnce = 200;

/**
 * Erases what there is of a person, for some seconds, in short transactions, each of which takes the next of what is there; then looks
 * through parked mail, counts what is left and writes the report. Nothing goes before the journal's file says so; after a restore it is looked
 * first whose erasure it is. Second run: goes on with what is there; after the end, the same report.
 */
export async function erasePersonRows(
  context: ActivityContext,
  run: ActivityRun,
  ref: PersonRef,
): Promise<ErasureShare> {
  const { db } = context;
  await context.erasures.compare();
  const beat = () => {
    run.signal.throwIfAborted();
    run.heartbeat();
  };
  await findErasedPeople(context, { tenantId: ref.tenantId, beat });
  if (!(await isStillThere(db, ref))) return { kind: 'done', messages: 0, bytes: 0, seconds: 0 };
  const dependents = await db.inTenant(ref.tenantId, readDependents);
  const endsAt = Date.now() + context.limits.deletionActivityMs;
  const isOver = () => {
    beat();
    return Date.now() >= endsAt;
  };
  const chunk = { limit: context.limits.deletionChunkRows, dependents, runId: run.runId ?? null };
  while ((await eraseMessages(db, ref, chunk)) > 0) {
    await freeBytes(db, stepOf(ref));
    if (isOver()) return unfinished(context, ref);
  }
  while ((await eraseNotes(db, ref, chunk.limit)) > 0) if (isOver()) return unfinished(context, ref);
  await lookThroughParked(context, ref, beat);
  await eraseBeside(db, ref);
  while (await freeBytes(db, stepOf(ref))) if (isOver()) return unfinished(context, ref);
  const end = await finishErasure(db, ref);
  if (end.kind !== 'done') return { kind: 'rows-left', tables: Object.keys(end.tables) };
  // The journal's file is to say that it has ended before anybody hears of it.
  await context.erasures.compare();
  return said(end.report);
}

async function unfinished(context: ActivityContext, ref: PersonRef): Promise<ErasureShare> {
  const progress = await deletionProgress(context.db, stepOf(ref));
  return { kind: 'more', progress: progress ?? { done: 0, total: null, rate: null, etaSeconds: null } };
}

/** What could not be read has no addresses; its bytes are looked through for them. */
async function lookThroughParked(context: ActivityContext, ref: PersonRef, beat: () => void): Promise<void> {
  const addressKeys = await context.db.inTenant(ref.tenantId, (sql) => addressesOf(sql, ref));
  let after: ParkedMail | null = null;
  for (;;) {
    const page: ParkedMail[] = await parkedMail(context.db, ref, { after, limit: parkedAtOnce });
    for (const parked of page) {
      beat();
      if (await holdsPerson(context, ref, { blobId: parked.blobId, addressKeys })) {
        await eraseParked(context.db, ref, parked);
      }
    }
    after = page.at(-1) ?? null;
    if (page.length < parkedAtOnce) return;
  }
}

async function holdsPerson(
  { blobs }: ActivityContext,
  { tenantId }: PersonRef,
  { blobId, addressKeys }: { blobId: string; addressKeys: string[] },
): Promise<boolean> {
  try {
    const { content } = await blobs.open(tenantId, blobId);
    return await holdsAny(content as AsyncIterable<Buffer>, addressKeys);
  } catch (error) {
    // It was read or deleted meanwhile, or its bytes are damaged for good.
    if (error instanceof BlobNotFound || error instanceof BlobDamaged) return false;
    throw error;
  }
}

function said({ tables, bytesFreed: bytes, seconds }: DeletionReport): ErasureShare {
  return { kind: 'done', messages: tables['message'] ?? 0, bytes, seconds };
}
