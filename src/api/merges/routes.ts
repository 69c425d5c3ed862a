import { z } from 'zod';

import { mergesOf, readMerge, type Merge } from '../../db/merges/merges';
import { publicId } from '../../domain/ids';
import type { Api, ApiContext } from '../context';
import { idField, idInPath, noBody, time, timeOrNull } from '../fields';
import { decodeCursor, pageFrom, pageOf, pageQuery } from '../paging';
import { askForMerge, askForUndo, requireSeen, requireSeenMerge } from './ask';

const tags = ['records'];

const mergeSchema = z.object({
  id: z.string().describe('mrg_...'),
  recordId: z.string().describe('What has become a part of the other'),
  intoRecordId: z.string(),
  operationId: z.string().describe('What merges them, or takes them apart'),
  state: z.enum(['merging', 'merged', 'undoing', 'undone', 'final']).describe('`final`: it cannot be undone any more'),
  actor: z.string(),
  createdAt: time,
  undoUntil: time,
  undoneAt: time.nullable(),
});

const askedSchema = z.object({ mergeId: z.string(), operationId: z.string() });

/** Merging two records, and taking them apart again. */
export function mergeRoutes(api: Api, context: ApiContext): void {
  askingRoutes(api, context);
  const { db, limits } = context;
  const querystring = z.strictObject(pageQuery(limits.maxPageSize));
  api.get(
    '/v1/records/:id/merges',
    {
      schema: {
        tags,
        summary: 'The merges that a record was part of, newest first',
        params: idInPath('record'),
        querystring,
        response: { 200: pageOf(mergeSchema) },
      },
    },
    async ({ viewer, params: { id }, query: { limit, cursor } }) => {
      const filter = { recordId: id };
      const beforeId = decodeCursor(cursor, filter, z.uuid());
      const rows = await db.inTenant(viewer.tenantId, async (sql) => {
        await requireSeen(sql, viewer, [id]);
        return mergesOf(sql, viewer.tenantId, { recordId: id, beforeId, limit: limit + 1 });
      });
      return pageFrom(rows, { limit, filter, keyOf: (row) => row.id, present: presentMerge });
    },
  );

  api.get(
    '/v1/merges/:id',
    { schema: { tags, summary: 'A merge of two records', params: idInPath('merge'), response: { 200: mergeSchema } } },
    async ({ viewer, params: { id } }) => {
      const merge = await db.inTenant(viewer.tenantId, async (sql) =>
        requireSeenMerge(sql, viewer, await readMerge(sql, viewer.tenantId, id)),
      );
      return presentMerge(merge);
    },
  );
}

function askingRoutes(api: Api, context: ApiContext): void {
  const config = { creates: { withhold: [] } };
  api.post(
    '/v1/records/:id/merge',
    {
      config,
      schema: {
        tags,
        summary: 'Make a record a part of another',
        description:
          'Addresses, links with their reasons, activities, files, links of threads, and records whose company or intermediary it is, move to ' +
          'the other, which also takes what it lacks: number, external id, company, intermediary, owner. Where one of the two is restricted, ' +
          'they are together. The id answers 301 from now on; where a filter or a body names it, 400 says what it is a part of.',
        params: idInPath('record'),
        body: z.strictObject({ into: idField('record', 'rec_0192f0c1...') }),
        response: { 202: askedSchema },
      },
    },
    async (request, reply) => {
      const { params, body } = request;
      const asked = await askForMerge(context, request, { recordId: params.id, intoRecordId: body.into });
      return reply.code(202).header('location', `/v1/merges/${asked.mergeId}`).send(asked);
    },
  );

  api.post(
    '/v1/merges/:id/undo',
    {
      config,
      schema: {
        tags,
        summary: 'Take two records apart that were merged',
        params: idInPath('merge'),
        body: noBody,
        response: { 202: askedSchema },
      },
    },
    async ({ viewer, params }, reply) => {
      const asked = await askForUndo(context, viewer, params.id);
      return reply.code(202).header('location', `/v1/merges/${asked.mergeId}`).send(asked);
    },
  );
}

function presentMerge(merge: Merge): z.output<typeof mergeSchema> {
  return {
    id: publicId('merge', merge.id),
    recordId: publicId('record', merge.recordId),
    intoRecordId: publicId('record', merge.intoRecordId),
    operationId: publicId('operation', merge.operationId),
    state: merge.state,
    actor: merge.actor,
    createdAt: merge.createdAt.toISOString(),
    undoUntil: merge.undoUntil.toISOString(),
    undoneAt: timeOrNull(merge.undoneAt),
  };
}
