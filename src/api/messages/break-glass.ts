import { z } from 'zod';

import { insertAudit } from '../../db/mailbox-write';
import { readMessage } from '../../db/messages';
import { publicId } from '../../domain/ids';
import type { Api, ApiContext } from '../context';
import { idInPath } from '../fields';
import { languageFor } from '../language';
import { forbidden, notFound } from '../problems';
import { actorOf, type Viewer } from '../viewer';
import { messageAnswer } from './detail';
import { messageSchema } from './schemas';

const reasonField = z
  .string()
  .trim()
  .min(10)
  .max(1_000)
  .describe('Why this must be read by somebody who may not; it is kept with who, what and when');

/** POST /v1/messages/{id}/break-glass: an admin reads what they may not, and it is written down first. */
export function breakGlassRoute(api: Api, context: ApiContext): void {
  api.post(
    '/v1/messages/:id/break-glass',
    {
      schema: {
        tags: ['messages'],
        summary: 'Read a message that an admin may not read, for a reason that is kept',
        description:
          'For admins alone. The audit log has it before the answer is made; each reading is asked for anew.',
        params: idInPath('message'),
        body: z.strictObject({ reason: reasonField }),
        response: { 200: messageSchema },
      },
    },
    async (request, reply) => {
      const {
        viewer,
        params: { id },
        body: { reason },
      } = request;
      if (viewer.userId !== null && viewer.role !== 'admin') throw forbidden('Only an admin can break the glass.');
      if (!viewer.scopes.includes('read')) throw forbidden('This call needs a key with the scope `read` too.');
      const all = asTenant(viewer);
      await context.db.inTenant(viewer.tenantId, async (sql) => {
        if ((await readMessage(sql, all, id)) === null) throw notFound();
        const ids = { messageId: publicId('message', id), reason };
        await insertAudit(sql, viewer.tenantId, { actor: actorOf(viewer), action: 'glass broken', ids });
      });
      return messageAnswer(context, all, { messageId: id, html: 'none', language: languageFor(request, reply) });
    },
  );
}

/** Everything of the tenant may be seen as its own keys see it. */
function asTenant({ tenantId, keyId, scopes }: Viewer): Viewer {
  return { tenantId, keyId, scopes, teams: [], userId: null, principal: -1, role: null };
}
