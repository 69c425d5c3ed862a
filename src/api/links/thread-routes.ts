import { z } from 'zod';

import type { Sql } from '../../db/database';
import { insertAudit } from '../../db/mailbox-write';
import { threadOf } from '../../db/messages-thread';
import { lockTenantForWriting } from '../../db/tenant-lock';
import {
  beginThreadLink,
  beginThreadRelink,
  beginThreadUnlink,
  type LinkActor,
  type ThreadLinkBegun,
} from '../../db/thread-links/begin';
import { linkedOfThread, linksOfThread, readsThread, type ThreadLink } from '../../db/thread-links/thread-links';
import { publicId } from '../../domain/ids';
import type { LinksToRun } from '../../workflows/contract';
import type { Api, ApiContext } from '../context';
import { idField, idInPath, time } from '../fields';
import { operationSchema } from '../operations';
import { notFound } from '../problems';
import { actorOf, type Viewer } from '../viewer';
import { startedLinks } from './carry-out-links';
import { threadBusy, threadLinked, unknownRecord } from './refusals';

const tags = ['links'];
const mode = z
  .enum(['snapshot', 'follow'])
  .describe(
    '`snapshot`: the messages that are in the thread now; `follow`: also those that come later, from whoever belongs to it',
  );
const linkId = idField('link', 'lnk_0192f0c1...');
const recordId = idField('record', 'rec_0192f0c1...');
/** Why, in a person's words: it stands in the audit log. */
export const reasonField = z
  .string()
  .trim()
  .min(1)
  .max(1_000)
  .optional()
  .describe('Why; it is kept in the database with the entry of the audit log, and told in no answer');
const shownReason = reasonField.describe('Why; it is shown at the link and kept in the audit log');

const begunSchema = operationSchema.extend({ linkId: z.string(), threadId: z.string(), recordId: z.string() });

const threadLinkSchema = z.object({
  linkId: z.string().describe('lnk_...'),
  recordId: z.string(),
  type: z.string(),
  name: z.string(),
  mode: mode.nullable().describe('null: no person has linked the thread, rules have linked messages of it'),
  state: z.enum(['active', 'unlinked']),
  actor: z.string().nullable(),
  reason: z.string().nullable(),
  messages: z.int().describe('Messages of the thread that stand at the record'),
  byRules: z.int().describe('Those of them that rules have linked'),
  createdAt: time,
  changedAt: time.nullable(),
});

const threadLinksSchema = z.object({
  items: z.array(threadLinkSchema),
  nextCursor: z.null(),
  ofNewest: z
    .int()
    .nullable()
    .describe(
      'Links of the thread are told always, those of single messages and their counts only of so many of its newest; null: of all',
    ),
});

/** /v1/threads/{id}/links */
export function threadLinkRoutes(api: Api, context: ApiContext): void {
  const params = idInPath('thread');

  api.get(
    '/v1/threads/:id/links',
    {
      schema: {
        tags,
        summary: 'The records of a thread',
        params,
        response: { 200: threadLinksSchema },
      },
    },
    async ({ viewer, params: { id } }) => listLinks(context, viewer, id),
  );

  api.post(
    '/v1/threads/:id/links',
    {
      config: { creates: { withhold: [] } },
      schema: {
        tags,
        summary: 'Link a thread to a record',
        description: linkDescription,
        params,
        body: z.strictObject({ recordId, mode: mode.default('snapshot'), reason: shownReason }),
        response: { 202: begunSchema },
      },
    },
    async ({ viewer, params: { id }, body }, reply) => {
      const wish = { threadId: id, recordId: body.recordId, mode: body.mode };
      const answer = await change(context, viewer, {
        kind: 'link-thread',
        threadId: id,
        note: body.reason,
        recordId: body.recordId,
        begin: (sql, who) => beginThreadLink(sql, who, wish),
      });
      return reply.code(202).header('location', `/v1/operations/${answer.id}`).send(answer);
    },
  );

  unlinkRoute(api, context);
  relinkRoutes(api, context);
}

function unlinkRoute(api: Api, context: ApiContext): void {
  api.delete(
    '/v1/threads/:id/links/:linkId',
    {
      schema: {
        tags,
        summary: 'Take a thread away from a record',
        description: unlinkDescription,
        params: z.strictObject({ ...idInPath('thread').shape, linkId }),
        querystring: z.strictObject({ reason: shownReason }),
        response: { 202: begunSchema },
      },
    },
    async ({ viewer, params: { id, linkId: link }, query }, reply) => {
      const wish = { threadId: id, linkId: link };
      const answer = await change(context, viewer, {
        kind: 'unlink-thread',
        threadId: id,
        note: query.reason,
        begin: (sql, who) => beginThreadUnlink(sql, who, wish),
      });
      return reply.code(202).header('location', `/v1/operations/${answer.id}`).send(answer);
    },
  );
}

function relinkRoutes(api: Api, context: ApiContext): void {
  const params = idInPath('thread');
  const config = { creates: { withhold: [] } };
  const about = {
    tags,
    summary: 'Link a thread again, as it stands now',
    description: relinkDescription,
    response: { 202: begunSchema },
  };

  api.post(
    '/v1/threads/:id/links/:linkId/relink',
    {
      config,
      schema: {
        ...about,
        params: z.strictObject({ ...params.shape, linkId }),
        body: z.strictObject({ mode: mode.optional(), reason: shownReason }).nullish(),
      },
    },
    async ({ viewer, params: { id, linkId: link }, body }, reply) => {
      const wish = { threadId: id, linkId: link, mode: body?.mode ?? null };
      const answer = await change(context, viewer, {
        kind: 'relink-thread',
        threadId: id,
        note: body?.reason,
        begin: (sql, who) => beginThreadRelink(sql, who, wish),
      });
      return reply.code(202).header('location', `/v1/operations/${answer.id}`).send(answer);
    },
  );

  api.post(
    '/v1/threads/:id/relink',
    {
      config,
      schema: { ...about, params, body: z.strictObject({ recordId, mode: mode.optional(), reason: shownReason }) },
    },
    async ({ viewer, params: { id }, body }, reply) => {
      const wish = { threadId: id, recordId: body.recordId, mode: body.mode ?? null };
      const answer = await change(context, viewer, {
        kind: 'relink-thread',
        threadId: id,
        note: body.reason,
        recordId: body.recordId,
        begin: (sql, who) => beginThreadRelink(sql, who, wish),
      });
      return reply.code(202).header('location', `/v1/operations/${answer.id}`).send(answer);
    },
  );
}

const linkDescription =
  'An operation. It links the messages of the thread that this key may see. A thread has one such operation at a time: a second is answered 409 with ' +
  'whose it is and since when. `POST /v1/operations/{id}/undo` undoes it for 30 days.';
const unlinkDescription =
  'An operation. What people have linked goes; what rules have linked stays away, also of later mail of the thread, until somebody links it again. ' +
  '`linkId` is that of the thread, or of one of its messages. It can be undone as above.';
const relinkDescription =
  'An operation: every message that is in the thread now is linked, whatever was taken away of it. Without `mode` as it was linked before.';

async function listLinks({ db }: ApiContext, viewer: Viewer, id: string): Promise<z.output<typeof threadLinksSchema>> {
  const { links, isWhole } = await db.inTenant(viewer.tenantId, async (sql) =>
    linksOfThread(sql, viewer, { threadId: await seenThread(sql, viewer, id) }),
  );
  return { items: links.map(present), nextCursor: null, ofNewest: isWhole ? null : linkedOfThread };
}

/** @throws Problem 404 where the viewer sees no mail of such a thread */
async function seenThread(sql: Sql, viewer: Viewer, id: string): Promise<string> {
  const threadId = await threadOf(sql, viewer.tenantId, id);
  if (threadId === null || !(await readsThread(sql, viewer, threadId))) throw notFound();
  return threadId;
}

interface ThreadChange {
  kind: LinksToRun['kind'];
  threadId: string;
  note: string | undefined;
  /** The record that the body names. */
  recordId?: string;
  begin: (sql: Sql, who: LinkActor) => Promise<ThreadLinkBegun>;
}

/** Writes the operation with its row in the audit log, and starts it. @throws Problem 400, 404, 409 */
async function change(
  context: ApiContext,
  viewer: Viewer,
  { kind, threadId: id, note, recordId: named, begin }: ThreadChange,
) {
  const actor = actorOf(viewer);
  await context.db.inTenant(viewer.tenantId, (sql) => seenThread(sql, viewer, id));
  const begun = await context.db.inTenant(viewer.tenantId, async (sql) => {
    await lockTenantForWriting(sql, viewer.tenantId);
    const answer = accepted(await begin(sql, { reader: viewer, actor, note: note ?? null }));
    if (answer.kind === 'unknown-record') {
      if (named === undefined) throw notFound();
      throw await unknownRecord(sql, viewer, { recordId: named, field: 'recordId' });
    }
    const ids = {
      threadId: publicId('thread', answer.threadId),
      linkId: publicId('link', answer.linkId),
      recordId: publicId('record', answer.recordId),
      operationId: publicId('operation', answer.operationId),
      ...(note === undefined ? {} : { note }),
    };
    await insertAudit(sql, viewer.tenantId, { actor, action: kind, ids });
    return { answer, ids };
  });
  const { operationId, threadId } = begun.answer;
  const operation = await startedLinks(context, viewer, { operationId, kind, threadId });
  return { ...operation, linkId: begun.ids.linkId, threadId: begun.ids.threadId, recordId: begun.ids.recordId };
}

function accepted(begun: ThreadLinkBegun): Extract<ThreadLinkBegun, { kind: 'begun' | 'unknown-record' }> {
  switch (begun.kind) {
    case 'begun':
    case 'unknown-record':
      return begun;
    case 'none':
      throw notFound();
    case 'busy':
      throw threadBusy(begun.open);
    case 'linked':
      throw threadLinked(begun.linkId);
  }
}

function present(link: ThreadLink): z.output<typeof threadLinkSchema> {
  const { type, name, mode: linkedAs, state, actor, note, messages, byRules } = link;
  return {
    linkId: publicId('link', link.id),
    recordId: publicId('record', link.recordId),
    type,
    name,
    mode: linkedAs,
    state,
    actor,
    reason: note,
    messages,
    byRules,
    createdAt: link.createdAt.toISOString(),
    changedAt: link.changedAt === null ? null : link.changedAt.toISOString(),
  };
}
