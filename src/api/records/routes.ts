import { z } from 'zod';

import { listRecords, readRecord, type RecordFilter } from '../../db/records';
import { publicId } from '../../domain/ids';
import type { Api, ApiContext } from '../context';
import { cascadePreviewSchema, deletionAsked, presentAsked } from '../deletions/cascade';
import { eraseRecord, recordDeletionQuery, refuseWithoutErase } from '../deletions/erase-record';
import { idField, idInPath, noBody, yesOrNo } from '../fields';
import { decodeCursor, pageFrom, pageOf, pageQuery } from '../paging';
import { bulkRoutes } from './bulk-routes';
import { movedRecord } from './moved';
import { recordReaderOf } from './reader';
import {
  etagOfRecord,
  mergedRecordSchema,
  presentRecord,
  recordBodySchema,
  recordChangeSchema,
  recordSchema,
  restoredRecordSchema,
  valuesAfter,
  writtenRecordSchema,
} from './schemas';
import { addressField } from './text-fields';
import { addRecord, bringBack, changeRecord, dropRecord, type Written } from './write';

const tags = ['records'];
const params = idInPath('record');

/** /v1/records: making, looking, changing. */
export function recordRoutes(api: Api, context: ApiContext): void {
  const { db, limits } = context;

  api.post(
    '/v1/records',
    {
      config: { creates: { withhold: [] } },
      schema: { tags, summary: 'Make a record', body: recordBodySchema, response: { 201: writtenRecordSchema } },
    },
    async ({ viewer, body }, reply) => {
      const written = await addRecord(context, viewer, body);
      const answer = presentWritten(written);
      const etag = etagOfRecord(written.record);
      return reply.code(201).header('location', `/v1/records/${answer.id}`).header('etag', etag).send(answer);
    },
  );

  const querystring = z.strictObject({
    ...pageQuery(limits.maxPageSize),
    type: z.string().max(40).optional(),
    name: z.string().min(1).max(500).optional().describe('A part of the name'),
    address: addressField.optional(),
    externalId: z.string().max(200).optional(),
    number: z.string().max(100).optional(),
    companyId: idField('record', 'rec_0192f0c1...').optional(),
    intermediaryId: idField('record', 'rec_0192f0c1...').optional(),
    ownerUserId: idField('user', 'usr_0192f0c1...').optional(),
    deleted: yesOrNo.optional().describe('`true` lists those that were deleted and can be restored'),
  });
  api.get(
    '/v1/records',
    { schema: { tags, summary: 'List records', querystring, response: { 200: pageOf(recordSchema) } } },
    async ({ viewer, query: { limit, cursor, address, ...query } }) => {
      const filter = filterOf(query, address?.key ?? null);
      const afterId = decodeCursor(cursor, filter, z.uuid());
      const rows = await db.inTenant(viewer.tenantId, (sql) =>
        listRecords(sql, viewer.tenantId, { ...recordReaderOf(viewer), filter, afterId, limit: limit + 1 }),
      );
      return pageFrom(rows, { limit, filter, keyOf: (row) => row.id, present: presentRecord });
    },
  );

  readingRoute(api, context);
  changingRoutes(api, context);
  deletionRoutes(api, context);
  bulkRoutes(api, context);
}

function readingRoute(api: Api, context: ApiContext): void {
  api.get(
    '/v1/records/:id',
    {
      schema: {
        tags,
        summary: 'A record; of one that was merged, which it is a part of',
        params,
        response: { 200: recordSchema, 301: mergedRecordSchema },
      },
    },
    async (request, reply) => {
      const { viewer, params: asked } = request;
      const wanted = { ...recordReaderOf(viewer), recordId: asked.id };
      const record = await context.db.inTenant(viewer.tenantId, (sql) => readRecord(sql, viewer.tenantId, wanted));
      if (record !== null) return reply.header('etag', etagOfRecord(record)).send(presentRecord(record));
      return reply.send(await movedRecord(context, request, { recordId: asked.id, reply }));
    },
  );
}

function changingRoutes(api: Api, context: ApiContext): void {
  const response = { 200: writtenRecordSchema };

  api.put(
    '/v1/records/:id',
    { schema: { tags, summary: 'Replace a record', params, body: recordBodySchema, response } },
    async (request, reply) => {
      const { params, body } = request;
      const written = await changeRecord(context, request, { id: params.id, valuesOf: () => body });
      return reply.header('etag', etagOfRecord(written.record)).send(presentWritten(written));
    },
  );

  api.patch(
    '/v1/records/:id',
    { schema: { tags, summary: 'Change a record', params, body: recordChangeSchema, response } },
    async (request, reply) => {
      const { params, body } = request;
      const valuesOf = (stored: Written['record']) => valuesAfter(stored, body);
      const written = await changeRecord(context, request, { id: params.id, valuesOf });
      return reply.header('etag', etagOfRecord(written.record)).send(presentWritten(written));
    },
  );
}

function deletionRoutes(api: Api, context: ApiContext): void {
  api.delete(
    '/v1/records/:id',
    {
      schema: {
        tags,
        summary: 'Delete a record, or erase it for good; its mail stays',
        params,
        querystring: recordDeletionQuery,
        response: { 200: cascadePreviewSchema, 202: deletionAsked, 204: z.undefined() },
      },
    },
    async (request, reply) => {
      const { params, query } = request;
      if (query.erase === true) {
        const erasure = await eraseRecord(context, request, { recordId: params.id, query });
        if (erasure.kind === 'counted') return reply.code(200).send(erasure.preview);
        const { location, body } = presentAsked(erasure.deletion);
        return reply.code(202).header('location', location).send(body);
      }
      refuseWithoutErase(query);
      const { operationId, readersOperationId } = await dropRecord(context, request, request.params.id);
      const goesOn = operationId ?? readersOperationId;
      if (goesOn !== null) void reply.header('letterbook-operation', publicId('operation', goesOn));
      return reply.code(204).send();
    },
  );

  api.post(
    '/v1/records/:id/restore',
    {
      schema: {
        tags,
        summary: 'Bring a deleted record back; its mail is linked again',
        params,
        body: noBody,
        response: { 200: restoredRecordSchema },
      },
    },
    async (request, reply) => {
      const restored = await bringBack(context, request, request.params.id);
      const sharedAddresses = restored.shared.map(({ address, recordIds }) => ({
        address,
        recordIds: recordIds.map((id) => publicId('record', id)),
      }));
      return reply.header('etag', etagOfRecord(restored.record)).send({ ...presentWritten(restored), sharedAddresses });
    },
  );
}

type TextFilter = 'type' | 'name' | 'externalId' | 'number' | 'companyId' | 'intermediaryId' | 'ownerUserId';

/** What a list is asked for, in the order in which cursors know it. */
function filterOf(
  query: Partial<Record<TextFilter, string | undefined>> & { deleted?: boolean | undefined },
  addressKey: string | null,
): RecordFilter {
  const { type = null, name = null, externalId = null, number = null } = query;
  const { companyId = null, intermediaryId = null, ownerUserId = null, deleted = false } = query;
  const ids = { companyId, intermediaryId, ownerUserId };
  return { type, name, addressKey, externalId, number, ...ids, state: deleted ? 'deleted' : 'present' };
}

function presentWritten({ record, operationId, readersOperationId }: Written) {
  const shown = (id: string | null) => (id === null ? null : publicId('operation', id));
  return {
    ...presentRecord(record),
    operationId: shown(operationId),
    readersOperationId: shown(readersOperationId),
  };
}
