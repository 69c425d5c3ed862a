import { z } from 'zod';

import { summariesOf } from '../db/messages-summary';
import { readThread, threadOf } from '../db/messages-thread';
import { readsThread } from '../db/thread-links/thread-links';
import { saidVisibility, type SaidVisibility } from '../db/thread-visibility';
import { allMailRecord } from '../db/timeline-write';
import { publicId } from '../domain/ids';
import type { Api, ApiContext } from './context';
import { idInPath } from './fields';
import { presentItem, visibilityNames } from './messages/presenter';
import { messageItemSchema } from './messages/schemas';
import { cursorOfShortPages, decodeCursor, encodeCursor, pageQuery } from './paging';
import { notFound } from './problems';
import { etagOfSaid } from './thread-visibility';
import type { Viewer } from './viewer';

const threadSchema = z.object({
  id: z.string().describe('thr_...; another one than asked for, where that thread became a part of it'),
  visibility: z
    .enum(visibilityNames)
    .nullable()
    .describe('What was said of it for mailboxes that this key holds; null: as the copies say'),
  items: z.array(messageItemSchema).describe('Newest first'),
  nextCursor: cursorOfShortPages,
});

const place = z.tuple([z.iso.datetime(), z.uuid()]);

/** /v1/threads/{id} */
export function threadRoutes(api: Api, context: ApiContext): void {
  api.get(
    '/v1/threads/:id',
    {
      schema: {
        tags: ['messages'],
        summary: 'The messages of a thread',
        params: idInPath('thread'),
        querystring: z.strictObject(pageQuery(context.limits.maxPageSize)),
        response: { 200: threadSchema },
      },
    },
    async ({ viewer, params: { id }, query }, reply) => {
      const { said, page } = await threadPage(context, viewer, { id, ...query });
      void reply.header('etag', etagOfSaid(said));
      return page;
    },
  );
}

function threadPage(
  { db }: ApiContext,
  viewer: Viewer,
  wish: { id: string; limit: number; cursor?: string | undefined },
): Promise<{ said: SaidVisibility | null; page: z.output<typeof threadSchema> }> {
  return db.inTenant(viewer.tenantId, async (sql) => {
    const threadId = await threadOf(sql, viewer.tenantId, wish.id);
    if (threadId === null) throw notFound();
    const after = decodeCursor(wish.cursor, { threadId }, place);
    const { slots, resumeAfter } = await readThread(sql, viewer, {
      threadId,
      after: after === null ? null : { sortAt: new Date(after[0]), messageId: after[1] },
      limit: wish.limit + 1,
    });
    // A thread of which nothing may be seen is none.
    if (slots.length === 0 && after === null && !(await readsThread(sql, viewer, threadId))) throw notFound();
    const shown = slots.slice(0, wish.limit);
    const last = slots.length > wish.limit ? shown.at(-1) : resumeAfter;
    const items = await summariesOf(sql, viewer, { slots: shown, recordId: allMailRecord });
    const nextCursor =
      last === undefined || last === null ? null : encodeCursor([last.sortAt, last.messageId], { threadId });
    const said = await saidVisibility(sql, viewer, threadId);
    const visibility = said === null ? null : (visibilityNames[said.level] ?? null);
    return { said, page: { id: publicId('thread', threadId), visibility, items: items.map(presentItem), nextCursor } };
  });
}
