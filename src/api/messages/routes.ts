import { z } from 'zod';

import { allMailRecord, unassignedRecord } from '../../db/timeline-write';
import { etagOfStatus } from '../activities/write';
import type { Api, ApiContext } from '../context';
import { idField, idInPath } from '../fields';
import { languageFor } from '../language';
import { invalidRequest } from '../problems';
import { isQueueWish, listQueue, queueFields } from '../unassigned/list';
import { attachmentOf, rawMessage } from './bytes';
import { messageAnswer } from './detail';
import { attachmentName, downloadHeaders, servedType } from './download-headers';
import { listMessages, listMessagesOfRecord, messageListQuery, searchDescription } from './list';
import { answerOrMoved, joinedMessageSchema } from './moved';
import { messagePageSchema, messageSchema, trailSchema } from './schemas';
import { messageTrail } from './message-trail';

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
        description:
          'Its ETag is that of what can be changed of it: the status (PATCH). A message that was known by its header alone and turned out to be another ' +
          'answers 301.',
        params,
        querystring: detailQuery,
        response: { 200: messageSchema, 301: joinedMessageSchema },
      },
    },
    async (request, reply) => {
      const { viewer, params: about, query } = request;
      const shown = query.remoteContent === 'allow' ? 'with-remote-content' : 'without-remote-content';
      const html = query.html ? shown : 'none';
      const wish = { messageId: about.id, html, language: languageFor(request, reply) } as const;
      const answer = () => messageAnswer(context, viewer, wish);
      const found = await answerOrMoved(context, request, { messageId: about.id, reply, answer });
      if (found.kind === 'moved') return reply.code(301).send(found.body);
      return reply.header('etag', etagOfStatus(found.answer.status)).send(found.answer);
    },
  );

  trailRoute(api, context);
  downloadRoutes(api, context);
}

function trailRoute(api: Api, context: ApiContext): void {
  const response = { 200: trailSchema, 301: joinedMessageSchema };
  api.get(
    '/v1/messages/:id/trail',
    { schema: { tags, summary: 'What happened to a message when', params, response } },
    async (request, reply) => {
      const messageId = request.params.id;
      const language = languageFor(request, reply);
      const answer = () => messageTrail(context, request.viewer, { messageId, language });
      const found = await answerOrMoved(context, request, { messageId, reply, answer });
      if (found.kind === 'moved') return reply.code(301).send(found.body);
      return reply.send({ items: found.answer });
    },
  );
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
    async (request, reply) => {
      const wish = { messageId: request.params.id, copyId: request.query.copy ?? null };
      const answer = () => rawMessage(context, request.viewer, wish);
      const found = await answerOrMoved(context, request, { messageId: wish.messageId, reply, answer });
      if (found.kind === 'moved') return reply.send(found.body);
      const raw = found.answer;
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
    async (request, reply) => {
      const { params: about, query } = request;
      const wish = { messageId: about.id, copyId: query.copy ?? null, n: about.n };
      const answer = () => attachmentOf(context, request.viewer, wish);
      const found = await answerOrMoved(context, request, { messageId: about.id, reply, answer });
      if (found.kind === 'moved') return reply.send(found.body);
      const { part, content } = found.answer;
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
