import { writeWish, type Wished } from '../../db/desired-state';
import { insertAudit } from '../../db/mailbox-write';
import { lockMailbox, type Mailbox } from '../../db/mailboxes';
import type { Operation } from '../../db/operations';
import { publicId } from '../../domain/ids';
import type { DesiredState } from '../../domain/mailbox-state';
import type { ApiContext } from '../context';
import { refuseWhileDeleting } from '../deletions/refusals';
import { conflict, notFound } from '../problems';
import { actorOf, type Viewer } from '../viewer';
import { readerOf, requireManager } from './people';
import { tellEngine } from './tell-engine';

export type WishKind = Wished['kind'];

const desiredBy: Record<WishKind, DesiredState> = {
  pause: 'paused',
  resume: 'running',
  stop: 'stopped',
  start: 'running',
};

/**
 * Writes what is wished of a mailbox, then tells the engine.
 * @throws Problem 404 for one that the viewer does not see, 409 where the wish does not fit, e.g. resuming a stopped mailbox
 */
export async function setDesiredState(
  context: ApiContext,
  viewer: Viewer,
  wish: { mailboxId: string; kind: WishKind },
): Promise<Operation> {
  const { tenantId } = viewer;
  const { mailboxId, kind } = wish;
  const desired = desiredBy[kind];
  const written = await context.db.inTenant(tenantId, async (sql) => {
    const mailbox = await lockMailbox(sql, readerOf(viewer), mailboxId);
    if (mailbox === null) throw notFound();
    requireManager(viewer, mailbox);
    refuseWhileDeleting(mailbox);
    refuseFromStopped(mailbox, kind);
    const ids = { mailboxId: publicId('mailbox', mailboxId) };
    await insertAudit(sql, tenantId, { actor: actorOf(viewer), action: `mailbox ${kind}`, ids });
    const wish = await writeWish(sql, tenantId, { mailboxId, kind, desired, actor: actorOf(viewer) });
    return { ...wish, provider: mailbox.provider };
  });
  const { operation, provider, ...fence } = written;
  if (operation.state !== 'done') {
    await tellEngine(context, mailboxId, () =>
      desired === 'stopped'
        ? context.temporal.stopMailbox({ tenantId, mailboxId })
        : context.temporal.sendWish({ tenantId, mailboxId, fence, desired, provider }),
    );
  }
  return operation;
}

function refuseFromStopped(mailbox: Mailbox, kind: WishKind): void {
  if (mailbox.desired !== 'stopped') return;
  if (kind === 'pause' || kind === 'resume') {
    throw conflict('mailbox-stopped', 'The mailbox is stopped. POST .../start starts it again.');
  }
}
