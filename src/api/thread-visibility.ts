import type { FastifyRequest } from 'fastify';
import { z } from 'zod';

import { insertAudit } from '../db/mailbox-write';
import { readThread, threadOf } from '../db/messages-thread';
import { lockTenantForWriting } from '../db/tenant-lock';
import { saidVisibility, sayVisibility, type SaidVisibility } from '../db/thread-visibility';
import { publicId } from '../domain/ids';
import { visibilityLevels, type Visibility } from '../domain/policy';
import { carryOutVisibility, operationOfChange } from './carry-out-visibility';
import type { Api, ApiContext } from './context';
import { idInPath } from './fields';
import { etagOf, requireMatch } from './precondition';
import { forbidden, notFound } from './problems';
import { actorOf } from './viewer';

const visibility = z.enum(['private', 'metadata', 'subject', 'full']);

const saidSchema = z.object({
  id: z.string().describe('thr_...'),
  visibility: visibility.nullable(),
  operationId: operationOfChange.optional(),
});

/** PATCH /v1/threads/{id} */
export function threadVisibilityRoute(api: Api, context: ApiContext): void {
  api.patch(
    '/v1/threads/:id',
    {
      schema: {
        tags: ['messages'],
        summary: 'Say how far others may read a thread',
        description:
          'For the mailboxes with copies of it that this key holds, whatever their policy says; later mail of the thread in them too, where it ' +
          'is from a user or from somebody who was written to in the thread. `null`: as the copies say. Mail of which it ' +
          'holds no copy stays as it is; of several that were said of a message the last one counts.',
        params: idInPath('thread'),
        body: z.strictObject({ visibility: visibility.nullable() }),
        response: { 200: saidSchema, 202: saidSchema },
      },
    },
    async (request, reply) => {
      const { threadId, operationId } = await say(context, request, { id: request.params.id, ...request.body });
      const body = { id: publicId('thread', threadId), visibility: request.body.visibility };
      if (operationId === null) return body;
      return reply.code(202).send({ ...body, operationId: publicId('operation', operationId) });
    },
  );
}

/** The ETag of what a viewer may say of a thread. */
export function etagOfSaid(said: SaidVisibility | null): string {
  return etagOf(said?.changedAt ?? new Date(0));
}

async function say(
  context: ApiContext,
  request: FastifyRequest,
  wish: { id: string; visibility: Visibility | null },
): Promise<{ threadId: string; operationId: string | null }> {
  const { viewer } = request;
  const { tenantId } = viewer;
  const { threadId, job } = await context.db.inTenant(tenantId, async (sql) => {
    await lockTenantForWriting(sql, tenantId);
    const thread = await threadOf(sql, tenantId, wish.id);
    if (thread === null) throw notFound();
    const seen = await readThread(sql, viewer, { threadId: thread, after: null, limit: 1 });
    if (seen.slots.length === 0 && seen.resumeAfter === null) throw notFound();
    requireMatch(request, etagOfSaid(await saidVisibility(sql, viewer, thread)));
    const level = wish.visibility === null ? null : visibilityLevels[wish.visibility];
    const said = await sayVisibility(sql, viewer, { threadId: thread, level, actor: actorOf(viewer) });
    if (said.kind === 'holds-no-copy') {
      throw forbidden('Only the owner or a member of a mailbox with a copy can say who else reads a thread.');
    }
    const ids = { threadId: publicId('thread', thread), visibility: wish.visibility ?? 'as the copies say' };
    await insertAudit(sql, tenantId, { actor: actorOf(viewer), action: 'thread visibility said', ids });
    return { threadId: thread, job: said.job };
  });
  return { threadId, operationId: await carryOutVisibility(context, tenantId, job) };
}
