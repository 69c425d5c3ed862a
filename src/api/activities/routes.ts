import { z } from 'zod';

import { listFiles } from '../../db/activities/files';
import { hasNotes } from '../../db/activities/note-read';
import { listActivities, readActivity, type ActivityFilter } from '../../db/activities/read';
import { readsRecord } from '../../db/record-readers';
import type { Api, ApiContext } from '../context';
import { idField, idInPath } from '../fields';
import { decodeCursor, encodeCursor, pageOf, pageQuery } from '../paging';
import { notFound } from '../problems';
import { movedRecord, refuseMergedFilter } from '../records/moved';
import { mergedRecordSchema } from '../records/schemas';
import type { Viewer } from '../viewer';
import { etagOfVersion, presentActivity, presentFile } from './presenter';
import {
  activityChangeSchema,
  activitySchema,
  messageChangeSchema,
  messageStatusSchema,
  recordFileSchema,
} from './schemas';
import { changeOneActivity, changeStatus, etagOfStatus } from './write';

const tags = ['activities'];
const params = idInPath('activity');
const recordParams = idInPath('record');

/** /v1/activities, and what of it lies at a record */
export function activityRoutes(api: Api, context: ApiContext): void {
  const { limits } = context;
  const narrowing = {
    ...pageQuery(limits.maxPageSize),
    ownerUserId: idField('user', 'usr_0192f0c1...').optional(),
    status: z.string().min(1).max(100).optional(),
    type: z.string().min(1).max(100).optional(),
  };
  const response = { 200: pageOf(activitySchema) };

  api.get(
    '/v1/activities',
    {
      schema: {
        tags,
        summary: 'List activities, those of the newest messages first',
        description: shortPages,
        querystring: z.strictObject({ ...narrowing, recordId: idField('record', 'rec_0192f0c1...').optional() }),
        response,
      },
    },
    async ({ viewer, query: { recordId = null, ...wish } }) => {
      if (recordId !== null && !(await isReadable(context, viewer, recordId))) {
        await refuseMergedFilter(context, viewer, recordId);
        return { items: [], nextCursor: null };
      }
      return activityPage(context, viewer, { recordId, wish });
    },
  );

  api.get(
    '/v1/records/:id/activities',
    {
      schema: {
        tags,
        summary: 'The activities of a record',
        description: shortPages,
        params: recordParams,
        querystring: z.strictObject(narrowing),
        response: { 200: pageOf(activitySchema).extend({ hasNotes: notesBeside }), 301: mergedRecordSchema },
      },
    },
    async (request, reply) => {
      const { viewer, query } = request;
      const { id } = request.params;
      if (!(await isReadable(context, viewer, id))) {
        return reply.send(await movedRecord(context, request, { recordId: id, reply }));
      }
      const page = await activityPage(context, viewer, { recordId: id, wish: query });
      const notes = await context.db.inTenant(viewer.tenantId, (sql) => hasNotes(sql, viewer, id));
      return reply.send({ ...page, hasNotes: notes });
    },
  );

  oneActivityRoutes(api, context);
  fileRoute(api, context);
  statusRoute(api, context);
}

function oneActivityRoutes(api: Api, context: ApiContext): void {
  api.get(
    '/v1/activities/:id',
    { schema: { tags, summary: 'An activity', params, response: { 200: activitySchema } } },
    async ({ viewer, params: { id } }, reply) => {
      const activity = await context.db.inTenant(viewer.tenantId, (sql) => readActivity(sql, viewer, id));
      if (activity === null) throw notFound();
      return reply.header('etag', etagOfVersion(activity)).send(presentActivity(activity));
    },
  );

  api.patch(
    '/v1/activities/:id',
    {
      schema: {
        tags,
        summary: 'Change status, owner or type of an activity',
        description: 'What a person has changed no rule changes any more.',
        params,
        body: activityChangeSchema,
        response: { 200: activitySchema },
      },
    },
    async (request, reply) => {
      const activity = await changeOneActivity(context, request, { id: request.params.id, values: request.body });
      return reply.header('etag', etagOfVersion(activity)).send(presentActivity(activity));
    },
  );
}

const notesBeside = z
  .boolean()
  .describe('Whether there are notes of activities whose mail is gone: GET /v1/activity-notes?recordId= has them');
const shortPages = 'A page may have fewer items than were asked for, and yet go on: `nextCursor` says so.';

function fileRoute(api: Api, context: ApiContext): void {
  api.get(
    '/v1/records/:id/files',
    {
      schema: {
        tags,
        summary: 'The attachments of the mail at a record, of the newest message first',
        description: shortPages,
        params: recordParams,
        querystring: z.strictObject(pageQuery(context.limits.maxPageSize)),
        response: { 200: pageOf(recordFileSchema), 301: mergedRecordSchema },
      },
    },
    async (request, reply) => {
      const { viewer, query } = request;
      const { id } = request.params;
      const { limit, cursor } = query;
      if (!(await isReadable(context, viewer, id))) {
        return reply.send(await movedRecord(context, request, { recordId: id, reply }));
      }
      const filter = { recordId: id };
      const after = decodeCursor(cursor, filter, filePlace);
      const { rows, resumeAfter } = await context.db.inTenant(viewer.tenantId, (sql) =>
        listFiles(sql, viewer, {
          recordId: id,
          after: after === null ? null : { sortAt: new Date(after[0]), messageId: after[1], n: after[2] },
          limit: limit + 1,
        }),
      );
      const shown = rows.slice(0, limit);
      const last = rows.length > limit ? shown.at(-1) : resumeAfter && { ...resumeAfter, n: behindAllParts };
      const nextCursor = last ? encodeCursor([last.sortAt, last.messageId, last.n], filter) : null;
      return reply.send({ items: shown.map(presentFile), nextCursor });
    },
  );
}

const behindAllParts = 1_000_000_000;
const filePlace = z.tuple([z.iso.datetime(), z.uuid(), z.int()]);

function statusRoute(api: Api, context: ApiContext): void {
  api.patch(
    '/v1/messages/:id',
    {
      schema: {
        tags: ['messages'],
        summary: 'Say whether somebody still has to do with a message',
        description: '`replied` is also set by itself, when a reply of a user is recorded.',
        params: idInPath('message'),
        body: messageChangeSchema,
        response: { 200: messageStatusSchema },
      },
    },
    async (request, reply) => {
      const { params, body } = request;
      const message = await changeStatus(context, request, { messageId: params.id, status: body.status });
      return reply.header('etag', etagOfStatus(message.status)).send(message);
    },
  );
}

const place = z.tuple([z.iso.datetime(), z.uuid()]);

interface ActivityWish extends Partial<Record<'ownerUserId' | 'status' | 'type' | 'cursor', string | undefined>> {
  limit: number;
}

async function activityPage({ db }: ApiContext, viewer: Viewer, of: { recordId: string | null; wish: ActivityWish }) {
  const { limit, cursor, ownerUserId = null, status = null, type = null } = of.wish;
  const filter: ActivityFilter = { recordId: of.recordId, ownerUserId, status, type };
  const after = decodeCursor(cursor, filter, place);
  const { rows, resumeAfter } = await db.inTenant(viewer.tenantId, (sql) =>
    listActivities(sql, viewer, {
      filter,
      after: after === null ? null : { sortAt: new Date(after[0]), messageId: after[1] },
      limit: limit + 1,
    }),
  );
  const shown = rows.slice(0, limit);
  const last = rows.length > limit ? shown.at(-1) : resumeAfter;
  const nextCursor = last ? encodeCursor([last.sortAt, last.messageId], filter) : null;
  return { items: shown.map(presentActivity), nextCursor };
}

function isReadable({ db }: ApiContext, viewer: Viewer, recordId: string): Promise<boolean> {
  return db.inTenant(viewer.tenantId, (sql) => readsRecord(sql, viewer, recordId));
}
