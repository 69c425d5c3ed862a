import { z } from 'zod';

import { readRecord } from '../db/records';
import type { Api, ApiContext } from './context';
import { idInPath } from './fields';
import { listMessages, messageListQuery, searchDescription } from './messages/list';
import { messagePageSchema } from './messages/schemas';
import { notFound } from './problems';

/** /v1/records/{id}/timeline */
export function timelineRoutes(api: Api, context: ApiContext): void {
  const { db, limits } = context;
  api.get(
    '/v1/records/:id/timeline',
    {
      schema: {
        tags: ['records'],
        summary: 'The correspondence of a record, newest first',
        description: `With \`query\` the best hits first. ${searchDescription}`,
        params: idInPath('record'),
        querystring: z.strictObject(messageListQuery(limits.maxPageSize)),
        response: { 200: messagePageSchema },
      },
    },
    async ({ viewer, params: { id }, query }) => {
      const record = await db.inTenant(viewer.tenantId, (sql) => readRecord(sql, viewer.tenantId, id));
      if (record === null) throw notFound();
      return listMessages(context, viewer, { recordId: id, wish: query });
    },
  );
}
