import type { FastifyReply, FastifyRequest } from 'fastify';

import { mergedInto } from '../../db/records';
import { publicId } from '../../domain/ids';
import type { ApiContext } from '../context';
import { notFound } from '../problems';
import { recordReaderOf } from './reader';

/**
 * What is asked of a record that was merged: where the same is of the one that it is a part of. The status and the header of the reply are set; what is
 * returned is its body. @throws Problem 404 where it was not merged, or the viewer may not see what it is a part of
 */
export async function movedRecord(
  { db }: ApiContext,
  { viewer, url }: FastifyRequest,
  { recordId, reply }: { recordId: string; reply: FastifyReply },
): Promise<{ id: string; mergedInto: string }> {
  const wanted = { ...recordReaderOf(viewer), recordId };
  const found = await db.inTenant(viewer.tenantId, (sql) => mergedInto(sql, viewer.tenantId, wanted));
  if (found === null) throw notFound();
  const into = publicId('record', found);
  void reply.code(301).header('location', url.replace(/^(\/v1\/records\/)[^/?]+/, `$1${into}`));
  return { id: publicId('record', recordId), mergedInto: into };
}
