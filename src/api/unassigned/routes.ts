import { z } from 'zod';

import { suggestRecords } from '../../db/unassigned/suggest-records';
import { unassignedGroups, type GroupedBy, type UnassignedGroup } from '../../db/unassigned/unassigned-groups';
import { publicId } from '../../domain/ids';
import { suggestionSentence } from '../../domain/suggestion-words';
import type { Api, ApiContext } from '../context';
import { idInPath, instant, time } from '../fields';
import { languageFor } from '../language';
import { notFound } from '../problems';
import { assign, assignedSchema, assignSchema } from './assign';

const tags = ['unassigned'];

const groupsSchema = z.object({
  items: z
    .array(
      z.object({
        key: z.string().describe('An address, a domain or a thread id: what `sender`, `domain` or `threadId` takes'),
        messages: z.int(),
        newestAt: time,
        newestMessageId: z.string(),
        subject: z.string().nullable().describe('Of the newest message'),
      }),
    )
    .describe('The largest first'),
  counted: z.int().describe('Messages that were counted, the newest first'),
  complete: z.boolean().describe('false where older ones were not counted'),
});

const suggestionsSchema = z.object({
  items: z
    .array(
      z.object({
        recordId: z.string(),
        type: z.string(),
        name: z.string(),
        reasons: z.array(
          z.object({ kind: z.enum(['same-thread', 'same-address', 'same-name', 'same-domain']), words: z.string() }),
        ),
      }),
    )
    .describe('The likeliest first'),
});

/** /v1/unassigned: mail that belongs to no record. The mail itself is GET /v1/messages?unassigned=true. */
export function unassignedRoutes(api: Api, context: ApiContext): void {
  const { db, limits } = context;
  api.get(
    '/v1/unassigned/groups',
    {
      schema: {
        tags,
        summary: 'How much unassigned mail is of one sender, domain or thread',
        querystring: z.strictObject({
          by: z.enum(['sender', 'domain', 'thread']).default('sender'),
          since: instant.optional(),
          until: instant.optional(),
          limit: z.coerce.number().int().min(1).max(limits.maxPageSize).default(Math.min(50, limits.maxPageSize)),
        }),
        response: { 200: groupsSchema },
      },
    },
    async ({ viewer, query: { by, since, until, limit } }) => {
      const window = limits.unassignedGrouped;
      const { groups, counted } = await db.inTenant(viewer.tenantId, (sql) =>
        unassignedGroups(sql, viewer, { by, since: since ?? null, until: until ?? null, limit, window }),
      );
      return { items: groups.map((group) => presentGroup(by, group)), counted, complete: counted < window };
    },
  );
  suggestionRoute(api, context);
  assignRoute(api, context);
}

function suggestionRoute(api: Api, { db }: ApiContext): void {
  api.get(
    '/v1/messages/:id/suggestions',
    {
      schema: {
        tags,
        summary: 'Records that a message may belong to, and why, in the language of Accept-Language',
        params: idInPath('message'),
        response: { 200: suggestionsSchema },
      },
    },
    async (request, reply) => {
      const { viewer, params: of } = request;
      const language = languageFor(request, reply);
      const suggestions = await db.inTenant(viewer.tenantId, (sql) => suggestRecords(sql, viewer, of.id));
      if (suggestions === null) throw notFound();
      const items = suggestions.map(({ recordId, type, name, reasons }) => ({
        recordId: publicId('record', recordId),
        type,
        name,
        reasons: reasons.map((kind) => ({ kind, words: suggestionSentence(kind, language) })),
      }));
      return { items };
    },
  );
}

function assignRoute(api: Api, context: ApiContext): void {
  api.post(
    '/v1/unassigned/assign',
    {
      config: { creates: { withhold: [] } },
      schema: {
        tags,
        summary: 'Assign messages to a record: one, many, or all unassigned ones that fit a filter',
        body: assignSchema(context.limits.assignedAtOnce),
        response: { 202: assignedSchema },
      },
    },
    async ({ viewer, body }, reply) => {
      const assigned = await assign(context, viewer, body);
      return reply.code(202).header('location', `/v1/operations/${assigned.operationId}`).send(assigned);
    },
  );
}

function presentGroup(by: GroupedBy, { key, newestMessageId, newestAt, messages, subject }: UnassignedGroup) {
  return {
    key: by === 'thread' ? publicId('thread', key) : key,
    messages,
    newestAt: newestAt.toISOString(),
    newestMessageId: publicId('message', newestMessageId),
    subject,
  };
}
