import type { IncomingHttpHeaders } from 'node:http';

import { z } from 'zod';

import { beginDeletion, type Deletion } from '../../db/deletion/deletions';
import { previewDeletion, type DeletionPreview } from '../../db/deletion/dry-run';
import { insertAudit } from '../../db/mailbox-write';
import { findMailbox, lockMailbox, type Mailbox } from '../../db/mailboxes';
import { normaliseAddress } from '../../domain/address';
import { publicId } from '../../domain/ids';
import type { ApiContext } from '../context';
import { readerOf, requireManager } from '../mailboxes/people';
import { tellEngine } from '../mailboxes/tell-engine';
import { notFound } from '../problems';
import { actorOf, type Viewer } from '../viewer';
import { confirmationFields, wishOf, type DeletionWish } from './confirmation';
import { confirmationMismatch } from './refusals';

/** The query of DELETE /v1/mailboxes/{id}. */
export const deletionQuery = z.strictObject(confirmationFields('The address of the mailbox'));

/**
 * What the query and the header come to, for a mailbox that the viewer may delete.
 * @throws Problem 404 or 403 for another one, 400 where nothing is confirmed, or a count is confirmed
 */
export async function deletionWish(
  context: ApiContext,
  viewer: Viewer,
  {
    mailboxId,
    query,
    headers,
  }: { mailboxId: string; query: z.output<typeof deletionQuery>; headers: IncomingHttpHeaders },
): Promise<DeletionWish> {
  const mailbox = await context.db.inTenant(viewer.tenantId, (sql) => findMailbox(sql, readerOf(viewer), mailboxId));
  if (mailbox === null) throw notFound();
  requireManager(viewer, mailbox);
  return wishOf(query, headers, 'the address of the mailbox');
}

/**
 * Asks for the deletion of a mailbox, durably, then tells the engine. One that is being deleted already is answered with its deletion.
 * @throws Problem 404, 403, or 422 where the confirmed address is another
 */
export async function deleteMailbox(
  context: ApiContext,
  viewer: Viewer,
  wanted: { mailboxId: string; confirmed: string },
): Promise<Deletion> {
  const { tenantId } = viewer;
  const { mailboxId } = wanted;
  const deletion = await context.db.inTenant(tenantId, async (sql) => {
    const mailbox = await lockMailbox(sql, readerOf(viewer), mailboxId);
    if (mailbox === null) throw notFound();
    requireManager(viewer, mailbox);
    if (!isAddressOf(mailbox, wanted.confirmed)) throw confirmationMismatch('the address of this very mailbox');
    const begun = await beginDeletion(sql, { tenantId, sourceId: mailboxId, actor: actorOf(viewer) });
    const ids = { mailboxId: publicId('mailbox', mailboxId), deletionId: publicId('deletion', begun.id) };
    await insertAudit(sql, tenantId, { actor: actorOf(viewer), action: 'mailbox delete', ids });
    return begun;
  });
  await tellEngine(context, mailboxId, () => context.temporal.deleteMailbox({ tenantId, mailboxId }));
  return deletion;
}

function isAddressOf(mailbox: Mailbox, confirmed: string): boolean {
  const given = normaliseAddress(confirmed.trim());
  return given !== null && given === normaliseAddress(mailbox.address);
}

/** Counts what deleting a mailbox would delete. */
export function countMailbox(context: ApiContext, { tenantId }: Viewer, mailboxId: string): Promise<DeletionPreview> {
  return context.db.inTenant(tenantId, (sql) => previewDeletion(sql, { tenantId, sourceId: mailboxId }));
}
