import { z } from 'zod';

import { cancelDeletion, findDeletion, listDeletions, type Deletion } from '../../db/deletion/deletions';
import { insertAudit } from '../../db/mailbox-write';
import { publicId } from '../../domain/ids';
import type { Api, ApiContext } from '../context';
import { idInPath } from '../fields';
import { readerOf } from '../mailboxes/people';
import { tellEngine } from '../mailboxes/tell-engine';
import { decodeCursor, pageFrom, pageOf, pageQuery } from '../paging';
import { notFound } from '../problems';
import { actorOf, type Viewer } from '../viewer';
import { deletionSchema, presentDeletion } from './presenter';
import { deletionBegun } from './refusals';

const tags = ['deletions'];
const params = idInPath('deletion');

/** /v1/deletions: what became of mailboxes, records and users that were deleted. */
export function deletionRoutes(api: Api, context: ApiContext): void {
  const { db, limits, now } = context;
  const listQuery = z.strictObject(pageQuery(limits.maxPageSize));
  api.get(
    '/v1/deletions',
    {
      schema: {
        tags,
        summary: 'List deletions, newest first',
        querystring: listQuery,
        response: { 200: pageOf(deletionSchema) },
      },
    },
    async ({ viewer, query }) => {
      const filter = {};
      const beforeId = decodeCursor(query.cursor, filter, z.uuid());
      const rows = await db.inTenant(viewer.tenantId, (sql) =>
        listDeletions(sql, readerOf(viewer), { beforeId, limit: query.limit + 1 }),
      );
      const present = (row: Deletion) => presentDeletion(row, now());
      return pageFrom(rows, { limit: query.limit, filter, keyOf: (row) => row.id, present });
    },
  );

  api.get(
    '/v1/deletions/:id',
    { schema: { tags, summary: 'How far a deletion is, or its report', params, response: { 200: deletionSchema } } },
    async ({ viewer, params: { id } }) => {
      const deletion = await db.inTenant(viewer.tenantId, (sql) => findDeletion(sql, readerOf(viewer), id));
      if (deletion === null) throw notFound();
      return presentDeletion(deletion, now());
    },
  );

  api.delete(
    '/v1/deletions/:id',
    {
      schema: { tags, summary: 'Take a deletion back before it begins', params, response: { 200: deletionSchema } },
    },
    async ({ viewer, params: { id } }) => presentDeletion(await takeBack(context, viewer, id), now()),
  );
}

/** Second run: the same answer. @throws Problem 404, or 409 where it has begun */
async function takeBack(context: ApiContext, viewer: Viewer, deletionId: string): Promise<Deletion> {
  const { tenantId } = viewer;
  const { found, cancelled } = await context.db.inTenant(tenantId, async (sql) => {
    const found = await findDeletion(sql, readerOf(viewer), deletionId);
    if (found === null) throw notFound();
    const ref = { tenantId, sourceId: found.targetId, deletionId, actor: actorOf(viewer) };
    const cancelled = found.state === 'cancelled' ? null : await cancelDeletion(sql, ref);
    // Whoever took it back meanwhile is seen by now: the mailbox was waited for.
    if (cancelled === null)
      return { found: (await findDeletion(sql, readerOf(viewer), deletionId)) ?? found, cancelled };
    const ids = { mailboxId: publicId('mailbox', found.targetId), deletionId: publicId('deletion', deletionId) };
    await insertAudit(sql, tenantId, { actor: actorOf(viewer), action: 'mailbox keep', ids });
    return { found, cancelled };
  });
  if (cancelled === null && found.state !== 'cancelled') throw deletionBegun();
  if (cancelled === null) return found;
  const { epoch, generation, desired, provider } = cancelled.mailbox;
  const { targetId: mailboxId } = found;
  await tellEngine(context, mailboxId, () => context.temporal.deleteMailbox({ tenantId, mailboxId }));
  if (desired !== 'stopped') {
    const mailbox = { tenantId, mailboxId, fence: { epoch, generation }, desired, provider };
    await tellEngine(context, mailboxId, () => context.temporal.sendWish(mailbox));
  }
  return cancelled.deletion;
}
