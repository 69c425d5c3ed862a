import type { Sql } from '../../db/database';
import { beginDeletion } from '../../db/deletion/deletions';
import { insertStopOperation, writeWish, type Wished } from '../../db/desired-state';
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
import type { TemporalGateway } from '../temporal-gateway';
import { tellEngine } from './tell-engine';

export type WishKind = Wished['kind'];

const desiredBy: Record<WishKind, DesiredState> = {
  pause: 'paused',
  resume: 'running',
  stop: 'stopped',
  start: 'running',
};

/** A wish as it was written: its operation, and the deletion that it has become by the policy `onStop: delete`. */
export interface WishOutcome {
  operation: Operation;
  deletionId: string | null;
}

/**
 * Writes what is wished of a mailbox, then tells the engine. By the policy `onStop: delete` a stop is a deletion.
 * @throws Problem 404 for one that the viewer does not see, 409 where the wish does not fit, e.g. resuming a stopped mailbox
 */
export async function setDesiredState(
  context: ApiContext,
  viewer: Viewer,
  wish: { mailboxId: string; kind: WishKind },
): Promise<WishOutcome> {
  const { tenantId } = viewer;
  const { mailboxId, kind } = wish;
  const written = await context.db.inTenant(tenantId, async (sql) => {
    const mailbox = await lockMailbox(sql, readerOf(viewer), mailboxId);
    if (mailbox === null) throw notFound();
    requireManager(viewer, mailbox);
    refuseWhileDeleting(mailbox);
    refuseFromStopped(mailbox, kind);
    const ids = { mailboxId: publicId('mailbox', mailboxId) };
    await insertAudit(sql, tenantId, { actor: actorOf(viewer), action: `mailbox ${kind}`, ids });
    return isDeletion(mailbox, kind)
      ? stopAndDelete(sql, viewer, mailboxId)
      : plainWish(sql, viewer, { mailboxId, kind, provider: mailbox.provider });
  });
  if (written.operation.state !== 'done') await tellEngine(context, mailboxId, () => written.tell(context.temporal));
  return written;
}

type WrittenOutcome = WishOutcome & { tell: (temporal: TemporalGateway) => Promise<void> };

async function plainWish(
  sql: Sql,
  viewer: Viewer,
  { mailboxId, kind, provider }: { mailboxId: string; kind: WishKind; provider: string },
): Promise<WrittenOutcome> {
  const { tenantId } = viewer;
  const desired = desiredBy[kind];
  const wish = await writeWish(sql, tenantId, { mailboxId, kind, desired, actor: actorOf(viewer) });
  const { operation, ...fence } = wish;
  return {
    operation,
    deletionId: null,
    tell: (temporal) =>
      desired === 'stopped'
        ? temporal.stopMailbox({ tenantId, mailboxId })
        : temporal.sendWish({ tenantId, mailboxId, fence, desired, provider }),
  };
}

function isDeletion({ policy }: Mailbox, kind: WishKind): boolean {
  return kind === 'stop' && policy.onStop === 'delete';
}

/** The operation ends with the stop; it goes with the mailbox, the deletion stays. */
async function stopAndDelete(sql: Sql, viewer: Viewer, mailboxId: string): Promise<WrittenOutcome> {
  const { tenantId } = viewer;
  const deletion = await beginDeletion(sql, { tenantId, sourceId: mailboxId, actor: actorOf(viewer) });
  const ids = { mailboxId: publicId('mailbox', mailboxId), deletionId: publicId('deletion', deletion.id) };
  await insertAudit(sql, tenantId, { actor: actorOf(viewer), action: 'mailbox delete', ids });
  const operation = await insertStopOperation(sql, tenantId, mailboxId);
  return {
    operation,
    deletionId: deletion.id,
    // The stop does not wait for the time in which the deletion can be taken back.
    tell: async (temporal) => {
      await temporal.stopMailbox({ tenantId, mailboxId });
      await temporal.deleteMailbox({ tenantId, mailboxId });
    },
  };
}

function refuseFromStopped(mailbox: Mailbox, kind: WishKind): void {
  if (mailbox.desired !== 'stopped') return;
  if (kind === 'pause' || kind === 'resume') {
    throw conflict('mailbox-stopped', 'The mailbox is stopped. POST .../start starts it again.');
  }
}
