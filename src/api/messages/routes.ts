import { z } from 'zod';

import { readMessage } from '../../db/messages';
import { copyHistories, putRight, removedCopies } from '../../db/messages-trail';
import { allMailRecord, unassignedRecord } from '../../db/timeline-write';
import { etagOfStatus } from '../activities/write';
import type { Api, ApiContext } from '../context';
import { idField, idInPath } from '../fields';
import { languageFor } from '../language';
import { invalidRequest, notFound } from '../problems';
import { isQueueWish, listQueue, queueFields } from '../unassigned/list';
import { attachmentOf, rawMessage } from './bytes';
import { messageAnswer } from './detail';
import { attachmentName, downloadHeaders, servedType } from './download-headers';
import { listMessages, listMessagesOfRecord, messageListQuery, searchDescription } from './list';
import { messagePageSchema, messageSchema, trailSchema } from './schemas';
import { trailOf } from './trail';

const tags = ['messages'];
const params = idInPath('message');
const truth = z.enum(['true', 'false']).transform((text) => text === 'true');

/** /v1/messages: search, and one message with all that is known of it. */
export function messageRoutes(api: Api, context: ApiContext): void {
  listRoute(api, context);
  const detailQuery = z.strictObject({
    html: truth.default(false).describe('`true`: with the HTML, sanitised'),
    remoteContent: z
      .enum(['block', 'allow'])
      .default('block')
      .describe('Pictures from elsewhere tell the sender that they were seen'),
  });
  api.get(
    '/v1/messages/:id',
    {
      schema: {
        tags,
        summary: 'A message',
        description: 'Its ETag is that of what can be changed of it: the status (PATCH).',
        params,
        querystring: detailQuery,
        response: { 200: messageSchema },
      },
    },
    async (request, reply) => {
      const { viewer, params: about, query } = request;
      const shown = query.remoteContent === 'allow' ? 'with-remote-content' : 'without-remote-content';
      const html = query.html ? shown : 'none';
      const wish = { messageId: about.id, html, language: languageFor(request, reply) } as const;
      const answer = await messageAnswer(context, viewer, wish);
      return reply.header('etag', etagOfStatus(answer.status)).send(answer);
    },
  );

  api.get(
    '/v1/messages/:id/trail',
    { schema: { tags, summary: 'What happened to a message when', params, response: { 200: trailSchema } } },
    async (request, reply) => {
      const {
        viewer,
        params: { id },
      } = request;
      const { message, ...told } = await context.db.inTenant(viewer.tenantId, async (sql) => {
        const found = await readMessage(sql, viewer, id);
        const copyIds = (found?.copies ?? []).map((copy) => copy.id);
        return {
          message: found,
          histories: await copyHistories(sql, viewer.tenantId, copyIds),
          removed: await removedCopies(sql, viewer, id),
          putRight: await putRight(sql, viewer, id),
        };
      });
      if (message === null && told.removed.length === 0) throw notFound();
      return { items: trailOf(message, { ...told, language: languageFor(request, reply) }) };
    },
  );

  downloadRoutes(api, context);
}

function listRoute(api: Api, context: ApiContext): void {
  const listQuery = z.strictObject({
    ...messageListQuery(context.limits.maxPageSize),
    recordId: idField('record', 'rec_0192f0c1...').optional(),
    ...queueFields,
    unassigned: truth.default(false).describe('`true`: only mail that belongs to no record'),
  });
  api.get(
    '/v1/messages',
    {
      schema: {
        tags,
        summary: 'Search mail',
        description: searchDescription,
        querystring: listQuery,
        response: { 200: messagePageSchema },
      },
    },
    async ({ viewer, query: { recordId, unassigned, sender, domain, threadId, order, ...wish } }) => {
      const queue = { sender, domain, threadId, order };
      if (isQueueWish(queue, { ...wish, recordId, unassigned })) {
        return listQueue(context, viewer, { ...wish, ...queue });
      }
      if (recordId === undefined) {
        return listMessages(context, viewer, { recordId: unassigned ? unassignedRecord : allMailRecord, wish });
      }
      if (unassigned) throw contradiction();
      return listMessagesOfRecord(context, viewer, { recordId, wish });
    },
  );
}

const copyQuery = z.strictObject({
  copy: idField('copy', 'cpy_0192f0c1...').optional().describe('One of the copies; by default the fullest'),
});

function downloadRoutes(api: Api, context: ApiContext): void {
  api.get(
    '/v1/messages/:id/raw',
    {
      schema: {
        tags,
        summary: 'The message as it was fetched, byte for byte',
        description: rawDescription,
        params,
        querystring: copyQuery,
      },
    },
    async ({ viewer, params: { id }, query }, reply) => {
      const raw = await rawMessage(context, viewer, { messageId: id, copyId: query.copy ?? null });
      void reply.headers(downloadHeaders({ contentType: 'message/rfc822', filename: 'message.eml' }));
      void reply.header('letterbook-raw', raw.rawState);
      if (raw.size !== null) void reply.header('content-length', raw.size);
      return reply.send(raw.content);
    },
  );

  const attachmentParams = z.strictObject({ ...params.shape, n: z.coerce.number().int().min(0).max(1_000_000) });
  api.get(
    '/v1/messages/:id/attachments/:n',
    { schema: { tags, summary: 'An attachment, decoded', params: attachmentParams, querystring: copyQuery } },
    async ({ viewer, params: { id, n }, query }, reply) => {
      const wish = { messageId: id, copyId: query.copy ?? null, n };
      const { part, content } = await attachmentOf(context, viewer, wish);
      void reply.headers(downloadHeaders({ contentType: servedType(part), filename: attachmentName(part) }));
      return reply.send(content);
    },
  );
}

const rawDescription =
  'As a download. `Letterbook-Raw` says `full`, `reduced` (the policy kept no attachments), or `own-header-only`: who sees a message ' +
  'without holding a copy gets it without Bcc, delivery and trace headers, which belong to the copy.';

function contradiction() {
  return invalidRequest([
    {
      in: 'query',
      field: 'unassigned',
      reason: 'stands beside recordId.',
      remedy: 'Unassigned mail belongs to no record: give one of the two.',
    },
  ]);
}
