import { z } from 'zod';

import type { Api, ApiContext } from './context';
import { idInPath } from './fields';
import { messageListQuery, searchDescription, timelineOfRecord } from './messages/list';
import { messagePageSchema } from './messages/schemas';
import { movedRecord } from './records/moved';
import { mergedRecordSchema } from './records/schemas';

/** /v1/records/{id}/timeline */
export function timelineRoutes(api: Api, context: ApiContext): void {
  const { limits } = context;
  api.get(
    '/v1/records/:id/timeline',
    {
      schema: {
        tags: ['records'],
        summary: 'The correspondence of a record, newest first',
        description: `With \`query\` the best hits first. ${searchDescription}`,
        params: idInPath('record'),
        querystring: z.strictObject(messageListQuery(limits.maxPageSize)),
        response: { 200: messagePageSchema, 301: mergedRecordSchema },
      },
    },
    async (request, reply) => {
      const { viewer, query } = request;
      const { id } = request.params;
      const page = await timelineOfRecord(context, viewer, { recordId: id, wish: query });
      if (page !== null) return reply.send(page);
      return reply.send(await movedRecord(context, request, { recordId: id, reply }));
    },
  );
}
