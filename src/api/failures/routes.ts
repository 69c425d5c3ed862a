import { z } from 'zod';

import { findFailure, listFailures } from '../../db/failures';
import { publicId } from '../../domain/ids';
import type { Api, ApiContext } from '../context';
import { idField, idInPath } from '../fields';
import { contentReaderOf, readerOf } from '../mailboxes/people';
import { downloadHeaders } from '../messages/download-headers';
import { decodeCursor, pageFrom, pageOf, pageQuery } from '../paging';
import { noBytes, notFound } from '../problems';
import { failureKinds, failureSchema, failureStates, presentFailure } from './schemas';

const tags = ['failures'];
const params = idInPath('failure');

/** /v1/failures: mail that is parked with its bytes, its error and its attempts. */
export function failureRoutes(api: Api, { db, blobs, limits }: ApiContext): void {
  const querystring = z.strictObject({
    ...pageQuery(limits.maxPageSize),
    mailboxId: idField('mailbox', 'mbx_0192f0c1...').optional(),
    kind: z.enum(failureKinds).optional(),
    state: z.enum(failureStates).optional(),
  });
  api.get(
    '/v1/failures',
    { schema: { tags, summary: 'List failures, newest first', querystring, response: { 200: pageOf(failureSchema) } } },
    async ({ viewer, query }) => {
      const filter = { mailboxId: query.mailboxId ?? null, kind: query.kind ?? null, state: query.state ?? null };
      const beforeId = decodeCursor(query.cursor, filter, z.uuid());
      const rows = await db.inTenant(viewer.tenantId, (sql) =>
        listFailures(sql, readerOf(viewer), { filter, beforeId, limit: query.limit + 1 }),
      );
      return pageFrom(rows, { limit: query.limit, filter, keyOf: (row) => row.id, present: presentFailure });
    },
  );

  api.get(
    '/v1/failures/:id',
    { schema: { tags, summary: 'One failure', params, response: { 200: failureSchema } } },
    async ({ viewer, params: { id } }) => {
      const failure = await db.inTenant(viewer.tenantId, (sql) => findFailure(sql, readerOf(viewer), id));
      if (failure === null) throw notFound();
      return presentFailure(failure);
    },
  );

  api.get(
    '/v1/failures/:id/raw',
    {
      schema: {
        tags,
        summary: 'The bytes of a parked message, as a download',
        params,
        response: {
          200: {
            description: 'The bytes as fetched',
            content: { 'message/rfc822': { schema: z.string().meta({ format: 'binary' }) } },
          },
        },
      },
    },
    async ({ viewer, params: { id } }, reply) => {
      const failure = await db.inTenant(viewer.tenantId, (sql) => findFailure(sql, contentReaderOf(viewer), id));
      if (failure === null) throw notFound();
      if (failure.blobId === null) throw noBytes();
      const { size, content } = await blobs.open(viewer.tenantId, failure.blobId);
      const filename = `${publicId('failure', id)}.eml`;
      void reply.headers(downloadHeaders({ contentType: 'message/rfc822', filename })).header('content-length', size);
      return reply.send(content as never);
    },
  );
}
