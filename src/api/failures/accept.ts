import { z } from 'zod';

import { acceptFailure, reopenFailure, type Acceptance } from '../../db/failures-accept';
import { findFailure, type Failure } from '../../db/failures';
import { findMailbox } from '../../db/mailboxes';
import type { Sql } from '../../db/database';
import type { Api, ApiContext } from '../context';
import { idInPath } from '../fields';
import { readerOf, requireManager } from '../mailboxes/people';
import { conflict, notFound } from '../problems';
import { actorOf, type Viewer } from '../viewer';
import { failureSchema, presentFailure } from './schemas';

const tags = ['failures'];
const params = idInPath('failure');
const maxReasonCharacters = 1_000;
const body = z.strictObject({
  reason: z.string().trim().min(1).max(maxReasonCharacters).describe('Why it may stay as it is'),
});

/** /v1/failures/{id}/accept: a person says that a message may stay unread, and it counts as accounted for. */
export function acceptRoutes(api: Api, { db }: ApiContext): void {
  api.post(
    '/v1/failures/:id/accept',
    { schema: { tags, summary: 'Accept a failure', params, body, response: { 200: failureSchema } } },
    ({ viewer, params: { id }, body: { reason } }) =>
      db.inTenant(viewer.tenantId, async (sql) => {
        const acceptance = await managedFailure(sql, viewer, id);
        if (!(await acceptFailure(sql, viewer.tenantId, { ...acceptance, reason }))) throw wasRead();
        return presentFailure(await knownFailure(sql, viewer, id));
      }),
  );

  api.delete(
    '/v1/failures/:id/accept',
    { schema: { tags, summary: 'Take an acceptance back', params, response: { 200: failureSchema } } },
    ({ viewer, params: { id } }) =>
      db.inTenant(viewer.tenantId, async (sql) => {
        const acceptance = await managedFailure(sql, viewer, id);
        if (!(await reopenFailure(sql, viewer.tenantId, acceptance))) throw wasRead();
        return presentFailure(await knownFailure(sql, viewer, id));
      }),
  );
}

/** A failure that the viewer sees. @throws Problem 404 */
export async function knownFailure(sql: Sql, viewer: Viewer, id: string): Promise<Failure> {
  const failure = await findFailure(sql, readerOf(viewer), id);
  if (failure === null) throw notFound();
  return failure;
}

/** A failure of a mailbox that the viewer may change. @throws Problem 404, 403 */
async function managedFailure(sql: Sql, viewer: Viewer, id: string): Promise<Acceptance> {
  const { sourceId } = await knownFailure(sql, viewer, id);
  const mailbox = await findMailbox(sql, readerOf(viewer), sourceId);
  if (mailbox === null) throw notFound();
  requireManager(viewer, mailbox);
  return { failureId: id, mailboxId: sourceId, actor: actorOf(viewer) };
}

function wasRead() {
  return conflict('failure-replayed', 'The message has been read meanwhile: there is nothing to accept.');
}
