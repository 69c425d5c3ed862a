import { z } from 'zod';

import type { Sql } from '../../db/database';
import { insertAudit } from '../../db/mailbox-write';
import { lockTenantForWriting } from '../../db/tenant-lock';
import { beginMessageLinks, changeMessageLink, findMessageLink } from '../../db/thread-links/message-links';
import type { LinkPair } from '../../db/thread-links/link-task';
import { readableAmong, recordsAmong } from '../../db/thread-links/thread-links';
import { beginUndo } from '../../db/thread-links/undo';
import { publicId } from '../../domain/ids';
import type { Api, ApiContext } from '../context';
import { idField, idInPath, noBody } from '../fields';
import { goneMessage } from '../messages/moved';
import { operationSchema } from '../operations';
import { notFound } from '../problems';
import { actorOf, type Viewer } from '../viewer';
import { startedLinks } from './carry-out-links';
import { notUndoable, threadBusy, unknownMessage, unknownRecord } from './refusals';
import { reasonField } from './thread-routes';

const tags = ['links'];
const linkId = idField('link', 'lnk_0192f0c1...');
const recordId = idField('record', 'rec_0192f0c1...');
const messageId = idField('message', 'msg_0192f0c1...');

const linkedSchema = z.object({
  linkId: z.string().describe('lnk_...'),
  messageId: z.string(),
  recordId: z.string(),
  state: z.enum(['active', 'suppressed']),
  operationId: z.string().describe('By which it can be undone'),
});

/** Links of single messages by hand: /v1/messages/{id}/links, /v1/links/bulk; and undoing what was done to links. */
export function handLinkRoutes(api: Api, context: ApiContext): void {
  const params = idInPath('message');

  api.post(
    '/v1/messages/:id/links',
    {
      config: { creates: { withhold: [] } },
      schema: {
        tags,
        summary: 'Link a message to a record',
        description:
          'Also one that was taken away. Those who answer it are linked too, as they are where a rule has linked it.',
        params,
        body: z.strictObject({ recordId, reason: reasonField }),
        response: { 201: linkedSchema },
      },
    },
    async ({ viewer, params: { id }, body }, reply) => {
      const answer = await linkOne(context, viewer, {
        pair: { messageId: id, recordId: body.recordId },
        note: body.reason,
      });
      return reply.code(201).send(answer);
    },
  );

  api.delete(
    '/v1/messages/:id/links/:linkId',
    {
      schema: {
        tags,
        summary: 'Take a message away from a record',
        description:
          'What a rule has linked stays away until somebody links it again. `Letterbook-Operation` is what it can be undone by.',
        params: z.strictObject({ ...params.shape, linkId }),
        querystring: z.strictObject({ reason: reasonField }),
        response: { 204: z.undefined() },
      },
    },
    async ({ viewer, params: { id, linkId: link }, query }, reply) => {
      const operationId = await unlinkOne(context, viewer, { messageId: id, linkId: link, note: query.reason });
      return reply.code(204).header('letterbook-operation', publicId('operation', operationId)).send();
    },
  );

  bulkRoutes(api, context);
}

function bulkRoutes(api: Api, context: ApiContext): void {
  const { linksAtOnce } = context.limits;
  const bulkBody = z.strictObject({
    action: z.enum(['link', 'unlink']).default('link'),
    links: z.array(z.strictObject({ messageId, recordId })).min(1).max(linksAtOnce),
    reason: reasonField,
  });
  api.post(
    '/v1/links/bulk',
    {
      config: { creates: { withhold: [] } },
      schema: {
        tags,
        summary: 'Link many messages to records, or take them away',
        description: `An operation, for at most ${String(linksAtOnce)} links. Nothing is done where one of the messages or records is not known.`,
        body: bulkBody,
        response: { 202: operationSchema },
      },
    },
    async ({ viewer, body }, reply) => {
      const operation = await changeMany(context, viewer, { does: body.action, pairs: body.links, note: body.reason });
      return reply.code(202).header('location', `/v1/operations/${operation.id}`).send(operation);
    },
  );

  api.post(
    '/v1/operations/:id/undo',
    {
      config: { creates: { withhold: [] } },
      schema: {
        tags,
        summary: 'Undo what an operation did to links',
        description: 'An operation. What somebody has changed since stays as it is.',
        params: idInPath('operation'),
        body: noBody,
        response: { 202: operationSchema },
      },
    },
    async ({ viewer, params: { id } }, reply) => {
      const operation = await undo(context, viewer, id);
      return reply.code(202).header('location', `/v1/operations/${operation.id}`).send(operation);
    },
  );
}

type LinkedAnswer = z.output<typeof linkedSchema>;

async function linkOne(
  { db }: ApiContext,
  viewer: Viewer,
  { pair, note }: { pair: LinkPair; note: string | undefined },
): Promise<LinkedAnswer> {
  const { tenantId } = viewer;
  return db.inTenant(tenantId, async (sql) => {
    await lockTenantForWriting(sql, tenantId);
    if (!(await readableAmong(sql, viewer, [pair.messageId])).has(pair.messageId)) {
      throw await goneMessage(sql, viewer, pair.messageId);
    }
    if (!(await recordsAmong(sql, viewer, [pair.recordId])).has(pair.recordId)) {
      throw await unknownRecord(sql, viewer, { recordId: pair.recordId, field: 'recordId' });
    }
    const operationId = await changeMessageLink(sql, tenantId, { does: 'link', actor: actorOf(viewer), pair });
    const link = await findMessageLink(sql, tenantId, pair);
    if (link === null) throw new Error('a message that was linked has no link');
    await audit(sql, viewer, {
      action: 'link-message',
      ids: { ...idsOf(pair), linkId: publicId('link', link.id) },
      note,
      operationId,
    });
    return {
      linkId: publicId('link', link.id),
      ...idsOf(pair),
      state: link.state,
      operationId: publicId('operation', operationId),
    };
  });
}

async function unlinkOne(
  { db }: ApiContext,
  viewer: Viewer,
  wish: { messageId: string; linkId: string; note: string | undefined },
): Promise<string> {
  const { tenantId } = viewer;
  return db.inTenant(tenantId, async (sql) => {
    await lockTenantForWriting(sql, tenantId);
    const link = await findMessageLink(sql, tenantId, { messageId: wish.messageId, linkId: wish.linkId });
    if (link === null || !(await readableAmong(sql, viewer, [wish.messageId])).has(wish.messageId)) {
      throw await goneMessage(sql, viewer, wish.messageId);
    }
    if (!(await recordsAmong(sql, viewer, [link.recordId])).has(link.recordId)) throw notFound();
    const pair = { messageId: wish.messageId, recordId: link.recordId };
    const operationId = await changeMessageLink(sql, tenantId, { does: 'unlink', actor: actorOf(viewer), pair });
    const ids = { ...idsOf(pair), linkId: publicId('link', link.id) };
    await audit(sql, viewer, { action: 'unlink-message', ids, note: wish.note, operationId });
    return operationId;
  });
}

function idsOf({ messageId: message, recordId: record }: LinkPair) {
  return { messageId: publicId('message', message), recordId: publicId('record', record) };
}

async function changeMany(
  context: ApiContext,
  viewer: Viewer,
  { does, pairs, note }: { does: 'link' | 'unlink'; pairs: LinkPair[]; note: string | undefined },
) {
  const { tenantId } = viewer;
  const operationId = await context.db.inTenant(tenantId, async (sql) => {
    await lockTenantForWriting(sql, tenantId);
    await refuseUnknown(sql, viewer, pairs);
    const begun = await beginMessageLinks(sql, tenantId, { does, actor: actorOf(viewer), pairs });
    await audit(sql, viewer, {
      action: `${does}-messages`,
      ids: { links: String(begun.links) },
      note,
      operationId: begun.operationId,
    });
    return begun.operationId;
  });
  return startedLinks(context, viewer, {
    operationId,
    kind: does === 'link' ? 'link-messages' : 'unlink-messages',
    threadId: null,
  });
}

async function refuseUnknown(sql: Sql, viewer: Viewer, pairs: LinkPair[]): Promise<void> {
  const messages = await readableAmong(
    sql,
    viewer,
    pairs.map((pair) => pair.messageId),
  );
  const records = await recordsAmong(
    sql,
    viewer,
    pairs.map((pair) => pair.recordId),
  );
  for (const [n, { messageId: message, recordId: record }] of pairs.entries()) {
    if (!messages.has(message)) {
      throw await unknownMessage(sql, viewer, { messageId: message, field: `links[${String(n)}].messageId` });
    }
    if (records.has(record)) continue;
    throw await unknownRecord(sql, viewer, { recordId: record, field: `links[${String(n)}].recordId` });
  }
}

async function undo(context: ApiContext, viewer: Viewer, operationId: string) {
  const { tenantId } = viewer;
  const actor = actorOf(viewer);
  const begun = await context.db.inTenant(tenantId, async (sql) => {
    await lockTenantForWriting(sql, tenantId);
    const wish = { operationId, keptMs: context.limits.linkUndoKeptMs };
    const answer = await beginUndo(sql, { reader: viewer, actor, note: null }, wish);
    if (answer.kind === 'none') throw notFound();
    if (answer.kind === 'busy') throw threadBusy(answer.open);
    if (answer.kind !== 'begun') throw notUndoable(answer.kind);
    const ids = { undoes: publicId('operation', operationId) };
    await audit(sql, viewer, { action: 'undo-links', ids, note: undefined, operationId: answer.operationId });
    return answer;
  });
  return startedLinks(context, viewer, {
    operationId: begun.operationId,
    kind: 'undo-links',
    threadId: begun.threadId,
  });
}

function audit(
  sql: Sql,
  viewer: Viewer,
  entry: { action: string; ids: Record<string, string>; note: string | undefined; operationId: string },
): Promise<void> {
  const ids = {
    ...entry.ids,
    operationId: publicId('operation', entry.operationId),
    ...(entry.note === undefined ? {} : { note: entry.note }),
  };
  return insertAudit(sql, viewer.tenantId, { actor: actorOf(viewer), action: entry.action, ids });
}
