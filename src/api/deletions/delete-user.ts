import type { FastifyRequest } from 'fastify';
import { z } from 'zod';

import { askForUser, refusalOfUser, type UserWish } from '../../db/deletion/cascade/ask';
import { openDeletionOf } from '../../db/deletion/cascade/cascades';
import { previewUser, type CascadePreview } from '../../db/deletion/cascade/previews';
import type { Deletion } from '../../db/deletion/deletions';
import { insertAudit } from '../../db/mailbox-write';
import { lockTenantForWriting } from '../../db/tenant-lock';
import { readUser, type User } from '../../db/users';
import { normaliseAddress } from '../../domain/address';
import { publicId } from '../../domain/ids';
import type { ApiContext } from '../context';
import { idField } from '../fields';
import { requireMatch } from '../precondition';
import type { Problem } from '../problem';
import { notFound } from '../problems';
import { etagOfUser } from '../users/schemas';
import { actorOf, type Viewer } from '../viewer';
import { requireEraser, startDeletion } from './cascade';
import { confirmationFields, wishOf } from './confirmation';
import { confirmationMismatch, lastAdmin, noSuchHeir, ownsMailboxes, ownUser } from './refusals';

const confirms = 'an address of the user, or their id';

/** The query of DELETE /v1/users/{id}. */
export const userDeletionQuery = z.strictObject({
  reassignTo: idField('user', 'usr_0192f0c1...').optional().describe('Who is given what they own'),
  mailboxes: z
    .enum(['delete', 'reassign'])
    .optional()
    .describe('What becomes of their mailboxes; with `reassignTo` they are reassigned unless this says otherwise'),
  ...confirmationFields('An address of the user, or their id'),
});
type UserQuery = z.output<typeof userDeletionQuery>;

/** Whether a call says more than that a user without mailboxes is to be removed at once. */
export function saysMore(query: UserQuery, headers: FastifyRequest['headers']): boolean {
  return Object.keys(query).length > 0 || headers['letterbook-confirm'] !== undefined;
}

/** What became of asking for a user's end. */
export type UserDeletion = { kind: 'counted'; preview: CascadePreview } | { kind: 'asked'; deletion: Deletion };

/**
 * Counts what deleting a user would delete and give away, or asks for it, durably, then tells the engine. One who is being deleted is
 * answered with their deletion.
 * @throws Problem 400, 403, 404, 409 (the last admin, oneself, mailboxes of which nothing was said), 412, 422
 */
export async function deleteUser(
  context: ApiContext,
  request: FastifyRequest,
  { userId, query }: { userId: string; query: UserQuery },
): Promise<UserDeletion> {
  const { viewer, headers } = request;
  const { tenantId } = viewer;
  requireEraser(viewer, 'make, change or remove users');
  const wish: UserWish = {
    userId,
    reassignTo: query.reassignTo ?? null,
    mailboxes: query.mailboxes ?? 'reassign',
  };
  const wished = await context.db.inTenant(tenantId, async (sql) => {
    if ((await readUser(sql, tenantId, userId)) === null) throw notFound();
    const said = wishOf(query, headers, confirms);
    return said.kind === 'count' ? { ...said, preview: await previewUser(sql, tenantId, wish) } : said;
  });
  if (wished.kind === 'count') return { kind: 'counted', preview: wished.preview };
  const deletion = await askFor(context, request, { wish, confirmed: wished.confirmed });
  await startDeletion(context, viewer, { ...deletion, kind: 'user' });
  return { kind: 'asked', deletion };
}

function askFor(
  { db }: ApiContext,
  request: FastifyRequest,
  { wish, confirmed }: { wish: UserWish; confirmed: string },
): Promise<Deletion> {
  const { viewer } = request;
  const { tenantId } = viewer;
  const { userId } = wish;
  return db.inTenant(tenantId, async (sql) => {
    await lockTenantForWriting(sql, tenantId);
    const user = await readUser(sql, tenantId, userId);
    if (user === null) throw notFound();
    // Before what was confirmed is looked at: their addresses go first.
    const open = await openDeletionOf(sql, tenantId, userId);
    if (open !== null) return open;
    if (!isOf(user, confirmed)) throw confirmationMismatch('an address or the id of this very user');
    requireMatch(request, etagOfUser(user));
    refuseOwn(viewer, userId);
    const refused = await refusalOfUser(sql, tenantId, wish);
    if (refused !== null) throw problemOf(refused);
    const deletion = await askForUser(sql, tenantId, { wish, actor: actorOf(viewer) });
    const ids = { userId: publicId('user', userId), deletionId: publicId('deletion', deletion.id) };
    await insertAudit(sql, tenantId, { actor: actorOf(viewer), action: 'user delete', ids });
    return deletion;
  });
}

/** @throws Problem 409 where somebody would end the key they are using */
export function refuseOwn(viewer: Viewer, userId: string): void {
  if (viewer.userId === userId) throw ownUser();
}

function problemOf(refusal: NonNullable<Awaited<ReturnType<typeof refusalOfUser>>>): Problem {
  switch (refusal.kind) {
    case 'last-admin':
      return lastAdmin();
    case 'owns-mailboxes':
      return ownsMailboxes(refusal.mailboxIds);
    case 'no-such-heir':
      return noSuchHeir();
  }
}

function isOf(user: User, confirmed: string): boolean {
  const given = confirmed.trim();
  const address = normaliseAddress(given);
  return given === publicId('user', user.id) || (address !== null && user.addresses.includes(address));
}
