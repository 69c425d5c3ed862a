import type { FastifyRequest } from 'fastify';
import { z } from 'zod';

import type { Sql } from '../db/database';
import { insertAudit } from '../db/mailbox-write';
import { threadOf } from '../db/messages-thread';
import { lockTenantForWriting } from '../db/tenant-lock';
import { readsThread } from '../db/thread-links/thread-links';
import { saidVisibility, sayVisibility, sourcesHeld, type SaidVisibility } from '../db/thread-visibility';
import { publicId } from '../domain/ids';
import { visibilityLevels, type Visibility } from '../domain/policy';
import { carryOutVisibility, operationOfChange } from './carry-out-visibility';
import type { Api, ApiContext } from './context';
import { idInPath } from './fields';
import { etagOf, requireMatch } from './precondition';
import { forbidden, notFound } from './problems';
import { actorOf, type Viewer } from './viewer';

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
  const sourceIds = await context.db.inTenant(tenantId, (sql) => held(sql, viewer, wish.id));
  const { threadId, job } = await context.db.inTenant(tenantId, async (sql) => {
    await lockTenantForWriting(sql, tenantId);
    const thread = await threadOf(sql, tenantId, wish.id);
    if (thread === null) throw notFound();
    requireMatch(request, etagOfSaid(await saidVisibility(sql, viewer, thread)));
    const level = wish.visibility === null ? null : visibilityLevels[wish.visibility];
    if (sourceIds.length === 0) {
      throw forbidden('Only the owner or a member of a mailbox with a copy can say who else reads a thread.');
    }
    const said = { threadId: thread, sourceIds, level, actor: actorOf(viewer) };
    const queued = await sayVisibility(sql, viewer, said);
    const ids = { threadId: publicId('thread', thread), visibility: wish.visibility ?? 'as the copies say' };
    await insertAudit(sql, tenantId, { actor: actorOf(viewer), action: 'thread visibility said', ids });
    return { threadId: thread, job: queued };
  });
  return { threadId, operationId: await carryOutVisibility(context, tenantId, job) };
}

/** The viewer's mailboxes with copies of the thread, asked for before the tenant's mail has to wait. @throws Problem 404 where they see none of it */
async function held(sql: Sql, viewer: Viewer, id: string): Promise<string[]> {
  const threadId = await threadOf(sql, viewer.tenantId, id);
  if (threadId === null || !(await readsThread(sql, viewer, threadId))) throw notFound();
  return sourcesHeld(sql, viewer, threadId);
}
