import type { Readable } from 'node:stream';

import { z } from 'zod';

import { readUpload, refusedLinesOf } from '../../db/record-uploads';
import { publicId } from '../../domain/ids';
import type { Api, ApiContext } from '../context';
import { idempotencyKeyOf } from '../idempotency';
import { bodyTooLarge, notFound } from '../problems';
import { actorOf, type Viewer } from '../viewer';
import { maxRefusedShown, uploadRecords } from './bulk';
import { bulkAnswerSchema, uploadSchema } from './schemas';

const tags = ['records'];
/** Lines are counted in an integer of the database. */
const mostLines = 2_000_000_000;

/** /v1/records/bulk */
export function bulkRoutes(api: Api, context: ApiContext): void {
  void api.register((scope, _options, done) => {
    uploadRoute(scope, context);
    done();
  });
  api.get(
    '/v1/records/bulk',
    {
      schema: {
        tags,
        summary: 'How far an upload of many records is',
        description: 'By the Idempotency-Key that it was sent with, for 24 hours. It goes on at the line after `line`.',
        querystring: z.strictObject({ key: z.string().min(1).max(255).describe('The Idempotency-Key') }),
        response: { 200: uploadSchema },
      },
    },
    ({ viewer, query: { key } }) => shownUpload(context, viewer, key),
  );
}

/** In a scope of its own, because only here a body is NDJSON, and is read as it arrives. */
function uploadRoute(api: Api, context: ApiContext): void {
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
        querystring: z.strictObject({
          fromLine: z.coerce
            .number()
            .int()
            .min(1)
            .max(mostLines)
            .default(1)
            .describe('The number of the first line sent'),
        }),
        response: { 200: bulkAnswerSchema },
      },
    },
    async (request) => {
      const { viewer, body, query } = request;
      const key = idempotencyKeyOf(request);
      return uploadRecords(context, viewer, { body: body as Readable, key, fromLine: query.fromLine });
    },
  );
}

const bulkDescription =
  'NDJSON: one record per line, like the body of POST /v1/records, with `externalId`, by which (and the type) it is found again. ' +
  'What a line leaves out stays as it is. `companyExternalId` and `intermediaryExternalId` may stand in place of the ids. Good lines are ' +
  'written, bad ones are told by their number. With an Idempotency-Key an upload that was cut off goes on: send the same again, and what ' +
  'was done is passed over; or send what comes after `line` of GET /v1/records/bulk, with `fromLine`.';

async function shownUpload({ db }: ApiContext, viewer: Viewer, key: string): Promise<z.output<typeof uploadSchema>> {
  const { tenantId } = viewer;
  return db.inTenant(tenantId, async (sql) => {
    const upload = await readUpload(sql, tenantId, key);
    if (upload?.actor !== actorOf(viewer)) throw notFound();
    const { state, line, created, updated, rematchId } = upload;
    return {
      state,
      line,
      written: created + updated,
      created,
      updated,
      refusedCount: upload.refused,
      refused: await refusedLinesOf(sql, tenantId, { id: upload.id, limit: maxRefusedShown }),
      operationId: rematchId === null ? null : publicId('operation', rematchId),
    };
  });
}
