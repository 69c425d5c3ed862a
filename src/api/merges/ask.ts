import type { FastifyRequest } from 'fastify';

import type { Sql } from '../../db/database';
import { insertAudit } from '../../db/mailbox-write';
import { beginMerge, type MergeRefused } from '../../db/merges/begin-merge';
import { readMerge, type Merge } from '../../db/merges/merges';
import { beginUndo, type UndoRefused } from '../../db/merges/undo-merge';
import { mergedInto, readRecord, type StoredRecord } from '../../db/records';
import { queueRetelling } from '../../db/retelling';
import { lockTenantForWriting } from '../../db/tenant-lock';
import type { QueuedVisibility } from '../../db/visibility-job';
import { publicId } from '../../domain/ids';
import { carryOutVisibility } from '../carry-out-visibility';
import type { ApiContext } from '../context';
import { requireMatch } from '../precondition';
import type { Problem } from '../problem';
import { conflict, invalidField, notFound } from '../problems';
import { recordReaderOf } from '../records/reader';
import { recordMerged, refusedRecord } from '../records/refusals';
import { etagOfRecord } from '../records/schemas';
import { EngineUnavailable } from '../temporal-gateway';
import { actorOf, type Viewer } from '../viewer';

/** A merge, or its undoing, that was asked for: public ids. */
export interface AskedMerge {
  mergeId: string;
  operationId: string;
}

interface Begun {
  /** The database's ids. */
  mergeId: string;
  operationId: string;
  retelling: QueuedVisibility | null;
}

/** Makes a record a part of another, durably, then tells the engine of the rest. @throws Problem 400, 404, 409, 412 */
export async function askForMerge(
  context: ApiContext,
  request: FastifyRequest,
  wish: { recordId: string; intoRecordId: string },
): Promise<AskedMerge> {
  const { viewer } = request;
  const { tenantId } = viewer;
  const begun = await context.db.inTenant(tenantId, async (sql): Promise<Begun> => {
    await lockTenantForWriting(sql, tenantId);
    const stored = await presentRecord(sql, viewer, wish.recordId);
    requireMatch(request, etagOfRecord(stored));
    const into = await readRecord(sql, tenantId, { ...recordReaderOf(viewer), recordId: wish.intoRecordId });
    if (into === null) throw invalidField('into', 'names a record that does not exist.', 'GET /v1/records lists them.');
    const undoMs = context.limits.mergeUndoMs;
    const merge = await beginMerge(sql, tenantId, { ...wish, actor: actorOf(viewer), undoMs });
    if (merge.kind !== 'begun') throw refusedMerge(merge);
    await audit(sql, viewer, { action: 'record merge', mergeId: merge.mergeId, recordIds: wish });
    const retelling = await queueRetelling(sql, tenantId, { recordIds: merge.retoldIds });
    return { mergeId: merge.mergeId, operationId: merge.operationId, retelling };
  });
  return carryOut(context, tenantId, begun);
}

/** Takes two records apart, durably, then tells the engine of the rest. @throws Problem 404, 409 */
export async function askForUndo(context: ApiContext, viewer: Viewer, mergeId: string): Promise<AskedMerge> {
  const { tenantId } = viewer;
  const begun = await context.db.inTenant(tenantId, async (sql): Promise<Begun> => {
    await lockTenantForWriting(sql, tenantId);
    const merge = await requireSeenMerge(sql, viewer, await readMerge(sql, tenantId, mergeId));
    const undo = await beginUndo(sql, tenantId, merge);
    if (undo.kind !== 'begun') throw refusedUndo(viewer, undo, merge);
    await audit(sql, viewer, { action: 'record merge undone', mergeId, recordIds: merge });
    const retelling = await queueRetelling(sql, tenantId, { recordIds: undo.retoldIds });
    return { mergeId, operationId: undo.operationId, retelling };
  });
  return carryOut(context, tenantId, begun);
}

/** @throws Problem 404 where the viewer may see none of these records, or what they are a part of */
export async function requireSeen(sql: Sql, viewer: Viewer, recordIds: string[]): Promise<void> {
  for (const recordId of recordIds) {
    const wanted = { ...recordReaderOf(viewer), recordId };
    if ((await readRecord(sql, viewer.tenantId, wanted)) !== null) return;
    if ((await mergedInto(sql, viewer.tenantId, wanted)) !== null) return;
  }
  throw notFound();
}

/** A merge of records that the viewer may see. @throws Problem 404 */
export async function requireSeenMerge(sql: Sql, viewer: Viewer, merge: Merge | null): Promise<Merge> {
  if (merge === null) throw notFound();
  await requireSeen(sql, viewer, [merge.intoRecordId, merge.recordId]);
  return merge;
}

async function presentRecord(sql: Sql, viewer: Viewer, recordId: string): Promise<StoredRecord> {
  const wanted = { ...recordReaderOf(viewer), recordId };
  const stored = await readRecord(sql, viewer.tenantId, wanted);
  if (stored !== null) return stored;
  const into = await mergedInto(sql, viewer.tenantId, wanted);
  throw into === null ? notFound() : recordMerged(into);
}

async function carryOut(context: ApiContext, tenantId: string, begun: Begun): Promise<AskedMerge> {
  const { mergeId, operationId, retelling } = begun;
  await carryOutVisibility(context, tenantId, retelling);
  const asked = { mergeId: publicId('merge', mergeId), operationId: publicId('operation', operationId) };
  try {
    await context.temporal.startMerge({ tenantId, operationId });
  } catch (error) {
    if (!(error instanceof EngineUnavailable)) throw error;
    context.log.warn({ operationId: asked.operationId }, 'engine not told, left to the reconciler');
  }
  return asked;
}

function refusedMerge(refused: MergeRefused): Problem {
  switch (refused.kind) {
    case 'same-record':
      return invalidField('into', 'is the record itself.', 'Give another record.');
    case 'types-differ':
      return conflict(
        'types-differ',
        'The two records are of different types. Give one of them the type of the other first.',
      );
    case 'busy':
      return beingMerged();
  }
}

function refusedUndo(viewer: Viewer, refused: UndoRefused, { intoRecordId }: Merge): Problem {
  switch (refused.kind) {
    case 'busy':
      return beingMerged();
    case 'not-merged':
      return conflict('merge-state', `The merge is ${refused.state}: there is nothing to undo.`);
    case 'too-late':
      return conflict('merge-final', 'The time in which the merge could be undone is over.');
    case 'other-gone': {
      const id = publicId('record', intoRecordId);
      return conflict(
        'record-gone',
        `Record ${id} was deleted, or merged itself. Restore it, or undo that merge first.`,
      );
    }
    case 'refused':
      return refusedRecord(viewer, refused.refusals);
  }
}

function beingMerged(): Problem {
  return conflict(
    'merge-running',
    'One of the records is just being merged, taken apart, or linked by a person. Ask again when that has ended.',
  );
}

function audit(
  sql: Sql,
  viewer: Viewer,
  what: { action: string; mergeId: string; recordIds: { recordId: string; intoRecordId: string } },
): Promise<void> {
  const { recordId, intoRecordId } = what.recordIds;
  const ids = {
    mergeId: publicId('merge', what.mergeId),
    recordId: publicId('record', recordId),
    intoRecordId: publicId('record', intoRecordId),
  };
  return insertAudit(sql, viewer.tenantId, { actor: actorOf(viewer), action: what.action, ids });
}
