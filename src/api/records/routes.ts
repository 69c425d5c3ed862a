import type { Readable } from 'node:stream';

import { z } from 'zod';

import { listRecords, readRecord } from '../../db/records';
import { publicId } from '../../domain/ids';
import type { Api, ApiContext } from '../context';
import { cascadePreviewSchema, deletionAsked, presentAsked } from '../deletions/cascade';
import { eraseRecord, recordDeletionQuery, refuseWithoutErase } from '../deletions/erase-record';
import { idField, idInPath } from '../fields';
import { decodeCursor, pageFrom, pageOf, pageQuery } from '../paging';
import { bodyTooLarge, notFound } from '../problems';
import { uploadRecords } from './bulk';
import {
  bulkAnswerSchema,
  etagOfRecord,
  presentRecord,
  recordBodySchema,
  recordChangeSchema,
  recordSchema,
  valuesAfter,
  writtenRecordSchema,
} from './schemas';
import { addressField } from './text-fields';
import { addRecord, changeRecord, dropRecord, type Written } from './write';

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
  });
  api.get(
    '/v1/records',
    { schema: { tags, summary: 'List records', querystring, response: { 200: pageOf(recordSchema) } } },
    async ({ viewer, query: { limit, cursor, address, ...query } }) => {
      const { type = null, name = null, externalId = null, number = null, companyId = null } = query;
      const filter = { type, name, addressKey: address?.key ?? null, externalId, number, companyId };
      const afterId = decodeCursor(cursor, filter, z.uuid());
      const rows = await db.inTenant(viewer.tenantId, (sql) =>
        listRecords(sql, viewer.tenantId, { filter, afterId, limit: limit + 1 }),
      );
      return pageFrom(rows, { limit, filter, keyOf: (row) => row.id, present: presentRecord });
    },
  );

  api.get(
    '/v1/records/:id',
    { schema: { tags, summary: 'A record', params, response: { 200: recordSchema } } },
    async ({ viewer, params: { id } }, reply) => {
      const record = await db.inTenant(viewer.tenantId, (sql) => readRecord(sql, viewer.tenantId, id));
      if (record === null) throw notFound();
      return reply.header('etag', etagOfRecord(record)).send(presentRecord(record));
    },
  );

  changingRoutes(api, context);
  void api.register((scope, _options, done) => {
    bulkRoute(scope, context);
    done();
  });
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
      const operationId = await dropRecord(context, request, request.params.id);
      if (operationId !== null) void reply.header('letterbook-operation', publicId('operation', operationId));
      return reply.code(204).send();
    },
  );
}

/** In a scope of its own, because only here a body is NDJSON, and is read as it arrives. */
function bulkRoute(api: Api, context: ApiContext): void {
  const { maxNdjsonBytes } = context.limits;
  api.removeAllContentTypeParsers();
  api.addContentTypeParser(/^application\/(x-ndjson|ndjson|jsonl)\b/, (_request, body, done) => {
    done(null, body);
  });
  api.post(
    '/v1/records/bulk',
    {
      bodyLimit: maxNdjsonBytes,
      onRequest: ({ headers }, _reply, done) => {
        done(Number(headers['content-length'] ?? 0) > maxNdjsonBytes ? bodyTooLarge(maxNdjsonBytes) : undefined);
      },
      schema: {
        tags,
        summary: 'Make or change many records',
        description: bulkDescription,
        consumes: ['application/x-ndjson'],
        response: { 200: bulkAnswerSchema },
      },
    },
    async ({ viewer, body }) => uploadRecords(context, viewer, body as Readable),
  );
}

const bulkDescription =
  'NDJSON: one record per line, like the body of POST /v1/records, with `externalId`, by which (and the type) it is found again. ' +
  'What a line leaves out stays as it is. `companyExternalId` may stand in place of `companyId`. Good lines are written, ' +
  'bad ones are told by their number.';

function presentWritten({ record, operationId }: Written) {
  return {
    ...presentRecord(record),
    operationId: operationId === null ? null : publicId('operation', operationId),
  };
}
