import type { FastifyRequest } from 'fastify';

import type { Sql } from '../../db/database';
import { insertAudit } from '../../db/mailbox-write';
import { mergedInto, readDeletedRecord, readRecord, type RecordValues, type StoredRecord } from '../../db/records';
import { queueRematch, type QueuedRematch } from '../../db/records-rematch';
import {
  createRecord,
  deleteRecord,
  replaceRecord,
  restoreRecord,
  type RecordsChange,
  type RecordWritten,
} from '../../db/records-write';
import { sharedAddresses, type SharedAddress } from '../../db/records-shared';
import { queueRetelling } from '../../db/retelling';
import { lockTenantForWriting } from '../../db/tenant-lock';
import type { QueuedVisibility } from '../../db/visibility-job';
import { publicId } from '../../domain/ids';
import { carryOutVisibility } from '../carry-out-visibility';
import type { ApiContext } from '../context';
import { requireMatch } from '../precondition';
import { conflict, notFound } from '../problems';
import { actorOf, type Viewer } from '../viewer';
import { carryOutRematch } from './carry-out-rematch';
import { recordReaderOf } from './reader';
import { recordMerged, refusedRecord } from './refusals';
import { etagOfRecord } from './schemas';

/** The jobs that go on with stored mail, where there is too much of it to be done at once. */
export interface GoingOn {
  /** Links it anew. */
  operationId: string | null;
  /** Tells anew where it stands, and who may read it there. */
  readersOperationId: string | null;
}

/** A record as it was written. */
export interface Written extends GoingOn {
  record: StoredRecord;
}

/** Makes a record and links the mail that is stored already. @throws Problem 400, 409 */
export function addRecord(context: ApiContext, viewer: Viewer, values: RecordValues): Promise<Written> {
  return writing(context, viewer, {
    action: 'record created',
    write: (sql) => createRecord(sql, viewer.tenantId, values),
  });
}

/** Changes a record to what `valuesOf` makes of it, and links stored mail anew. @throws Problem 400, 404, 409, 412 */
export function changeRecord(
  context: ApiContext,
  request: FastifyRequest,
  change: { id: string; valuesOf: (stored: StoredRecord) => RecordValues },
): Promise<Written> {
  const { tenantId } = request.viewer;
  return writing(context, request.viewer, {
    action: 'record changed',
    write: async (sql) => {
      const stored = await presentRecordOf(sql, request, change.id);
      return replaceRecord(sql, tenantId, { stored, values: change.valuesOf(stored) });
    },
  });
}

/** A record that was restored, and who has its addresses too. */
export interface Restored extends Written {
  shared: SharedAddress[];
}

/** Brings a record back, with its addresses, links by hand and suppressed ones, and links its mail again. @throws Problem 400, 404, 409, 412 */
export async function bringBack(context: ApiContext, request: FastifyRequest, recordId: string): Promise<Restored> {
  const { viewer } = request;
  const reader = recordReaderOf(viewer);
  const written = await writing(context, viewer, {
    action: 'record restored',
    write: async (sql) => {
      const stored = await readDeletedRecord(sql, viewer.tenantId, { ...reader, recordId });
      if (stored === null) throw await notDeleted(sql, viewer, recordId);
      requireMatch(request, etagOfRecord(stored));
      return restoreRecord(sql, viewer.tenantId, stored);
    },
  });
  const shared = await context.db.inTenant(viewer.tenantId, (sql) =>
    sharedAddresses(sql, viewer.tenantId, { ...reader, recordId }),
  );
  return { ...written, shared };
}

async function notDeleted(sql: Sql, viewer: Viewer, recordId: string) {
  const wanted = { ...recordReaderOf(viewer), recordId };
  const into = await mergedInto(sql, viewer.tenantId, wanted);
  if (into !== null) return recordMerged(into);
  if ((await readRecord(sql, viewer.tenantId, wanted)) === null) return notFound();
  return conflict('record-not-deleted', 'The record was not deleted: there is nothing to restore.');
}

/** Deletes a record; its mail is no longer linked to it. Returns the jobs, as `addRecord`. @throws Problem 404, 409, 412 */
export async function dropRecord(context: ApiContext, request: FastifyRequest, recordId: string): Promise<GoingOn> {
  const { viewer } = request;
  const jobs = await context.db.inTenant(viewer.tenantId, async (sql) => {
    await lockTenantForWriting(sql, viewer.tenantId);
    await presentRecordOf(sql, request, recordId);
    const change = (await deleteRecord(sql, viewer.tenantId, recordId)) ?? { changedKeys: [], retoldIds: [] };
    await audit(sql, viewer, { action: 'record deleted', recordId });
    return queueJobs(sql, viewer.tenantId, change);
  });
  return carryOut(context, viewer.tenantId, jobs);
}

/** A record that can be changed as it is now. @throws Problem 404, 409 where it is a part of another now, 412 */
async function presentRecordOf(sql: Sql, request: FastifyRequest, recordId: string): Promise<StoredRecord> {
  const { viewer } = request;
  const wanted = { ...recordReaderOf(viewer), recordId };
  const stored = await readRecord(sql, viewer.tenantId, wanted);
  if (stored === null) {
    const into = await mergedInto(sql, viewer.tenantId, wanted);
    throw into === null ? notFound() : recordMerged(into);
  }
  requireMatch(request, etagOfRecord(stored));
  return stored;
}

async function writing(
  context: ApiContext,
  viewer: Viewer,
  { action, write }: { action: string; write: (sql: Sql) => Promise<RecordWritten> },
): Promise<Written> {
  const { record, jobs } = await context.db.inTenant(viewer.tenantId, async (sql) => {
    await lockTenantForWriting(sql, viewer.tenantId);
    const written = await write(sql);
    if (written.kind === 'refused') throw refusedRecord(viewer, written.refusals);
    await audit(sql, viewer, { action, recordId: written.record.id });
    return { record: written.record, jobs: await queueJobs(sql, viewer.tenantId, written) };
  });
  return { record, ...(await carryOut(context, viewer.tenantId, jobs)) };
}

interface Jobs {
  rematch: QueuedRematch | null;
  visibility: QueuedVisibility | null;
}

async function queueJobs(sql: Sql, tenantId: string, { changedKeys, retoldIds }: RecordsChange): Promise<Jobs> {
  return {
    rematch: await queueRematch(sql, tenantId, changedKeys),
    visibility: await queueRetelling(sql, tenantId, { recordIds: retoldIds }),
  };
}

async function carryOut(context: ApiContext, tenantId: string, { rematch, visibility }: Jobs): Promise<GoingOn> {
  return {
    operationId: await carryOutRematch(context, tenantId, rematch),
    readersOperationId: await carryOutVisibility(context, tenantId, visibility),
  };
}

function audit(sql: Sql, viewer: Viewer, what: { action: string; recordId: string }): Promise<void> {
  const ids = { recordId: publicId('record', what.recordId) };
  return insertAudit(sql, viewer.tenantId, { actor: actorOf(viewer), action: what.action, ids });
}
