import type { FastifyReply, FastifyRequest } from 'fastify';

import type { Sql } from '../../db/database';
import { mergedInto } from '../../db/records';
import { publicId } from '../../domain/ids';
import type { ApiContext } from '../context';
import type { FieldProblem, Problem } from '../problem';
import { invalidRequest, notFound } from '../problems';
import type { Viewer } from '../viewer';
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

/** 400: what is asked for names a record that is a part of another now; null where it was not merged, or the viewer may not see what it is a part of. */
export async function mergedRecordNamed(
  sql: Sql,
  viewer: Viewer,
  { recordId, ...place }: { recordId: string } & Pick<FieldProblem, 'in' | 'field'>,
): Promise<Problem | null> {
  const into = await mergedInto(sql, viewer.tenantId, { ...recordReaderOf(viewer), recordId });
  if (into === null) return null;
  const reason = `names a record that was merged into ${publicId('record', into)}.`;
  return invalidRequest([{ ...place, reason, remedy: 'Name that one, or undo the merge.' }]);
}

/** A filter names a record that the viewer may not read: nothing fits it. @throws Problem 400 where it was merged, so that nobody takes its history for empty */
export async function refuseMergedFilter({ db }: ApiContext, viewer: Viewer, recordId: string): Promise<void> {
  const named = { recordId, in: 'query' as const, field: 'recordId' };
  const merged = await db.inTenant(viewer.tenantId, (sql) => mergedRecordNamed(sql, viewer, named));
  if (merged !== null) throw merged;
}
