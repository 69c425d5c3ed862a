import { z } from 'zod';

import { listNotices, readNotice, type Notice } from '../../db/notices/notice-read';
import { publicId } from '../../domain/ids';
import type { Language } from '../../domain/languages';
import { noticeEnds, noticeKinds } from '../../domain/notice';
import { noticeSentence } from '../../domain/state-sentences';
import type { Api, ApiContext } from '../context';
import { idField, idInPath, noBody, time, timeOrNull, yesOrNo } from '../fields';
import { languageFor } from '../language';
import { decodeCursor, pageFrom, pageOf, pageQuery } from '../paging';
import { notFound } from '../problems';
import type { Viewer } from '../viewer';

const noticeSchema = z.object({
  id: z.string().describe('ntc_...'),
  userId: z.string().nullable().describe('Who is told; null where the tenant has nobody who could be'),
  mailboxId: z.string(),
  kind: z.enum(noticeKinds),
  sentence: z.string().describe('For a person: what is so, or that it is well again, or was stopped'),
  raisedAt: time,
  clearedAt: time.nullable().describe('Since when it no longer holds'),
  clearedBy: z.enum(noticeEnds).nullable().describe('`stopped`: the mailbox was stopped before it was well again'),
  readAt: time.nullable().describe('Taken back when it is well again: that is news too'),
});

const tags = ['notices'];

/** /v1/notices: what people are told of their mailboxes, once when it begins and once when it ends. */
export function noticeRoutes(api: Api, { db, limits }: ApiContext): void {
  const querystring = z.strictObject({
    ...pageQuery(limits.maxPageSize),
    userId: idField('user', 'usr_0192f0c1...').optional(),
    mailboxId: idField('mailbox', 'mbx_0192f0c1...').optional(),
    open: yesOrNo.optional().describe('Only those that still hold, or only those that do not'),
    unread: yesOrNo.optional(),
  });
  api.get(
    '/v1/notices',
    {
      schema: {
        tags,
        summary: 'What people are told, newest first',
        querystring,
        response: { 200: pageOf(noticeSchema) },
      },
    },
    async (request, reply) => {
      const { viewer, query } = request;
      const { mailboxId = null, open = null, unread = null } = query;
      const filter = { userId: whose(viewer, query.userId), mailboxId, open, unread };
      const beforeId = decodeCursor(query.cursor, filter, z.uuid());
      const rows = await db.inTenant(viewer.tenantId, (sql) =>
        listNotices(sql, viewer.tenantId, { filter, beforeId, limit: query.limit + 1 }),
      );
      const language = languageFor(request, reply);
      const present = (notice: Notice) => presentNotice(notice, language);
      return pageFrom(rows, { limit: query.limit, filter, keyOf: ({ id }) => id, present });
    },
  );

  api.post(
    '/v1/notices/:id/read',
    {
      schema: {
        tags,
        summary: 'Note that a notice has been read',
        params: idInPath('notice'),
        body: noBody,
        response: { 200: noticeSchema },
      },
    },
    async (request, reply) => {
      const { tenantId, userId } = request.viewer;
      const notice = await db.inTenant(tenantId, (sql) => readNotice(sql, { tenantId, userId }, request.params.id));
      if (notice === null) throw notFound();
      return presentNotice(notice, languageFor(request, reply));
    },
  );
}

/** A user sees their own, whatever they ask for; that there are others is not said. */
function whose(viewer: Viewer, asked: string | undefined): string | null {
  if (viewer.userId === null) return asked ?? null;
  if (asked !== undefined && asked !== viewer.userId) throw notFound();
  return viewer.userId;
}

function presentNotice(notice: Notice, language: Language): z.output<typeof noticeSchema> {
  const { id, userId, mailboxId, kind, raisedAt, clearedAt, clearedBy, readAt } = notice;
  return {
    id: publicId('notice', id),
    userId: userId === null ? null : publicId('user', userId),
    mailboxId: publicId('mailbox', mailboxId),
    kind,
    sentence: noticeSentence(kind, clearedBy ?? 'raised', language),
    raisedAt: raisedAt.toISOString(),
    clearedAt: timeOrNull(clearedAt),
    clearedBy,
    readAt: timeOrNull(readAt),
  };
}
