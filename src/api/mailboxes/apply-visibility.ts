import { insertAudit } from '../../db/mailbox-write';
import { findMailbox, lockMailbox } from '../../db/mailboxes';
import { lockTenantForWriting } from '../../db/tenant-lock';
import { applyVisibility, type QueuedVisibility } from '../../db/visibility-job';
import { findOperation } from '../../db/operations';
import { publicId } from '../../domain/ids';
import { visibilityLevels, type Visibility } from '../../domain/policy';
import { carryOutVisibility } from '../carry-out-visibility';
import type { Api, ApiContext } from '../context';
import { refuseWhileDeleting } from '../deletions/refusals';
import { idInPath } from '../fields';
import { operationSchema, presentOperation } from '../operations';
import { forbidden, notFound } from '../problems';
import { actorOf, type Viewer } from '../viewer';
import { contentReaderOf, readerOf } from './people';

/** POST /v1/mailboxes/{id}/apply-visibility: what a change of the policy leaves out. */
export function applyVisibilityRoute(api: Api, context: ApiContext): void {
  api.post(
    '/v1/mailboxes/:id/apply-visibility',
    {
      config: { creates: { withhold: [] } },
      schema: {
        tags: ['mailboxes'],
        summary: 'Give mail that was recorded before the visibility that new mail gets',
        description:
          'For those who hold the mailbox: its owner and members, and keys of the tenant. What was said of single threads stays. While it goes on, ' +
          'mail that it has not come to is read as before; a later call takes its place.',
        params: idInPath('mailbox'),
        response: { 202: operationSchema },
      },
    },
    async ({ viewer, params: { id } }, reply) => {
      const job = await queue(context, viewer, id);
      await carryOutVisibility(context, viewer.tenantId, job);
      const operation = await findOperation(context.db, readerOf(viewer), job.operationId);
      if (operation === null) throw notFound();
      return reply.code(202).send(presentOperation(operation, context.now()));
    },
  );
}

function queue({ db }: ApiContext, viewer: Viewer, mailboxId: string): Promise<QueuedVisibility> {
  const { tenantId } = viewer;
  return db.inTenant(tenantId, async (sql) => {
    await lockTenantForWriting(sql, tenantId);
    const mailbox = await lockMailbox(sql, readerOf(viewer), mailboxId);
    if (mailbox === null) throw notFound();
    // Whoever opens mail must be able to read it: an admin is not, by that alone.
    if ((await findMailbox(sql, contentReaderOf(viewer), mailboxId)) === null) throw notTheirs();
    refuseWhileDeleting(mailbox);
    const visibility: Visibility = mailbox.policy.visibility;
    const ids = { mailboxId: publicId('mailbox', mailboxId), visibility };
    await insertAudit(sql, tenantId, { actor: actorOf(viewer), action: 'visibility applied', ids });
    return applyVisibility(sql, tenantId, { sourceId: mailboxId, level: visibilityLevels[visibility] });
  });
}

function notTheirs() {
  return forbidden('Only the owner or a member of a mailbox can say who else reads mail that it has.');
}
