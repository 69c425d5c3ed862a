import type { FastifyRequest } from 'fastify';

import type { Sql } from '../../db/database';
import { insertAudit } from '../../db/mailbox-write';
import { readRecord, type RecordValues, type StoredRecord } from '../../db/records';
import { queueRematch } from '../../db/records-rematch';
import { createRecord, deleteRecord, replaceRecord, type RecordWritten } from '../../db/records-write';
import { lockTenantForWriting } from '../../db/tenant-lock';
import { publicId } from '../../domain/ids';
import type { ApiContext } from '../context';
import { requireMatch } from '../precondition';
import { notFound } from '../problems';
import { actorOf, type Viewer } from '../viewer';
import { carryOutRematch } from './carry-out-rematch';
import { refusedRecord } from './refusals';
import { etagOfRecord } from './schemas';

/** A record as it was written, and the job that links its stored mail, where that was too much to be done at once. */
export interface Written {
  record: StoredRecord;
  operationId: string | null;
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
      const stored = await readRecord(sql, tenantId, change.id);
      if (stored === null) throw notFound();
      requireMatch(request, etagOfRecord(stored));
      return replaceRecord(sql, tenantId, { stored, values: change.valuesOf(stored) });
    },
  });
}

/** Deletes a record; its mail is no longer linked to it. Returns the job, as `addRecord`. @throws Problem 404, 412 */
export async function dropRecord(
  context: ApiContext,
  request: FastifyRequest,
  recordId: string,
): Promise<string | null> {
  const { viewer } = request;
  const job = await context.db.inTenant(viewer.tenantId, async (sql) => {
    await lockTenantForWriting(sql, viewer.tenantId);
    const stored = await readRecord(sql, viewer.tenantId, recordId);
    if (stored === null) throw notFound();
    requireMatch(request, etagOfRecord(stored));
    const addressKeys = (await deleteRecord(sql, viewer.tenantId, recordId)) ?? [];
    await audit(sql, viewer, { action: 'record deleted', recordId });
    return queueRematch(sql, viewer.tenantId, addressKeys);
  });
  return carryOutRematch(context, viewer.tenantId, job);
}

async function writing(
  context: ApiContext,
  viewer: Viewer,
  { action, write }: { action: string; write: (sql: Sql) => Promise<RecordWritten> },
): Promise<Written> {
  const { record, job } = await context.db.inTenant(viewer.tenantId, async (sql) => {
    await lockTenantForWriting(sql, viewer.tenantId);
    const written = await write(sql);
    if (written.kind === 'refused') throw refusedRecord(written.refusals);
    const { record, changedKeys } = written;
    await audit(sql, viewer, { action, recordId: record.id });
    return { record, job: await queueRematch(sql, viewer.tenantId, changedKeys) };
  });
  return { record, operationId: await carryOutRematch(context, viewer.tenantId, job) };
}

function audit(sql: Sql, viewer: Viewer, what: { action: string; recordId: string }): Promise<void> {
  const ids = { recordId: publicId('record', what.recordId) };
  return insertAudit(sql, viewer.tenantId, { actor: actorOf(viewer), action: what.action, ids });
}
