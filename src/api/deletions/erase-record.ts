import type { FastifyRequest } from 'fastify';
import { z } from 'zod';

import { askForRecord, erasableRecord, type ErasableRecord } from '../../db/deletion/cascade/ask';
import { openDeletionOf } from '../../db/deletion/cascade/cascades';
import { previewRecord, type CascadePreview } from '../../db/deletion/cascade/previews';
import type { Deletion } from '../../db/deletion/deletions';
import { insertAudit } from '../../db/mailbox-write';
import { lockTenantForWriting } from '../../db/tenant-lock';
import { publicId } from '../../domain/ids';
import type { ApiContext } from '../context';
import { yesOrNo } from '../fields';
import { requireMatch } from '../precondition';
import { invalidRequest, notFound } from '../problems';
import { actorOf } from '../viewer';
import { requireEraser, startDeletion } from './cascade';
import { confirmationFields, wishOf } from './confirmation';
import { confirmationMismatch } from './refusals';

const confirms = 'the name or the id of the record';

/** The query of DELETE /v1/records/{id}. */
export const recordDeletionQuery = z
  .strictObject({
    erase: yesOrNo.optional().describe('`true` deletes it for good, with its links and addresses; needs `confirm`'),
    ...confirmationFields('The name or the id of the record'),
  })
  .describe('Without `erase` a record is only taken out of sight');

/** @throws Problem 400 where something is confirmed or counted, and `erase` is forgotten: nothing is half meant */
export function refuseWithoutErase(query: z.output<typeof recordDeletionQuery>): void {
  if (query.confirm === undefined && query.dryRun === undefined) return;
  throw invalidRequest([
    {
      in: 'query',
      field: 'erase',
      reason: 'is not true, and `confirm` and `dryRun` mean a record that is erased.',
      remedy: 'Add erase=true to erase it, or leave out the others.',
    },
  ]);
}

/** What became of asking for a record's end. */
export type RecordErasure = { kind: 'counted'; preview: CascadePreview } | { kind: 'asked'; deletion: Deletion };

/**
 * Counts what erasing a record would delete, or asks for it, durably, then tells the engine. A record that was deleted before can be erased;
 * one that is being erased is answered with its deletion.
 * @throws Problem 400, 403, 404, 412, or 422 where something else is confirmed
 */
export async function eraseRecord(
  context: ApiContext,
  request: FastifyRequest,
  { recordId, query }: { recordId: string; query: z.output<typeof recordDeletionQuery> },
): Promise<RecordErasure> {
  const { viewer, headers } = request;
  const { tenantId } = viewer;
  requireEraser(viewer, 'erase a record');
  const wish = await context.db.inTenant(tenantId, async (sql) => {
    if ((await erasableRecord(sql, tenantId, recordId)) === null) throw notFound();
    const wished = wishOf(query, headers, confirms);
    return wished.kind === 'count' ? { ...wished, preview: await previewRecord(sql, tenantId, recordId) } : wished;
  });
  if (wish.kind === 'count') return { kind: 'counted', preview: wish.preview };
  const deletion = await askFor(context, request, { recordId, confirmed: wish.confirmed });
  await startDeletion(context, viewer, { ...deletion, kind: 'record' });
  return { kind: 'asked', deletion };
}

function askFor(
  { db }: ApiContext,
  request: FastifyRequest,
  { recordId, confirmed }: { recordId: string; confirmed: string },
): Promise<Deletion> {
  const { viewer } = request;
  const { tenantId } = viewer;
  return db.inTenant(tenantId, async (sql) => {
    await lockTenantForWriting(sql, tenantId);
    const record = await erasableRecord(sql, tenantId, recordId);
    if (record === null) throw notFound();
    if (!isOf(record, confirmed)) throw confirmationMismatch('the name or the id of this very record');
    const open = await openDeletionOf(sql, tenantId, recordId);
    if (open !== null) return open;
    requireMatch(request, `"${String(record.version)}"`);
    const deletion = await askForRecord(sql, tenantId, { recordId, actor: actorOf(viewer) });
    const ids = { recordId: publicId('record', recordId), deletionId: publicId('deletion', deletion.id) };
    await insertAudit(sql, tenantId, { actor: actorOf(viewer), action: 'record erase', ids });
    return deletion;
  });
}

function isOf(record: ErasableRecord, confirmed: string): boolean {
  const given = confirmed.trim();
  return given === record.name.trim() || given === publicId('record', record.id);
}
