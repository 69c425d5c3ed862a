import type { FastifyRequest } from 'fastify';

import type { Sql } from '../../db/database';
import { insertAudit } from '../../db/mailbox-write';
import { isLastAdmin } from '../../db/deletion/cascade/ask';
import { lockTenantForWriting } from '../../db/tenant-lock';
import {
  createUser,
  readUser,
  removeUser,
  updateUser,
  type User,
  type UserValues,
  type UserWritten,
} from '../../db/users';
import { refreshTimelinesOfAddresses } from '../../db/users-timeline';
import { publicId } from '../../domain/ids';
import type { ApiContext } from '../context';
import { refuseOwn } from '../deletions/delete-user';
import { lastAdmin, ownsMailboxes } from '../deletions/refusals';
import { requireMatch } from '../precondition';
import { conflict, forbidden, notFound } from '../problems';
import { actorOf, type Viewer } from '../viewer';
import { etagOfUser } from './schemas';

/** Makes a user. @throws Problem 403, 409 where an address is another user's */
export async function addUser(context: ApiContext, viewer: Viewer, values: UserValues): Promise<User> {
  requireAdmin(viewer);
  const { user, changedAddresses } = await context.db.inTenant(viewer.tenantId, async (sql) => {
    await lockTenantForWriting(sql, viewer.tenantId);
    const written = orConflict(await createUser(sql, viewer.tenantId, values));
    await audit(sql, viewer, { action: 'user created', userId: written.user.id });
    return written;
  });
  await refreshTimelinesOfAddresses(context.db, viewer.tenantId, changedAddresses);
  return user;
}

/** Changes a user. @throws Problem 403, 404, 409, 412 */
export async function changeUser(
  context: ApiContext,
  request: FastifyRequest,
  change: { id: string; values: Partial<UserValues> },
): Promise<User> {
  const { viewer } = request;
  requireAdmin(viewer);
  const { user, changedAddresses } = await context.db.inTenant(viewer.tenantId, async (sql) => {
    await lockTenantForWriting(sql, viewer.tenantId);
    const before = await readUser(sql, viewer.tenantId, change.id);
    if (before === null) throw notFound();
    requireMatch(request, etagOfUser(before));
    const written = orConflict(await updateUser(sql, viewer.tenantId, { ...before, ...change.values }));
    await audit(sql, viewer, { action: 'user changed', userId: change.id });
    return written;
  });
  await refreshTimelinesOfAddresses(context.db, viewer.tenantId, changedAddresses);
  return user;
}

/** Removes a user. @throws Problem 403, 404, 409 where mailboxes are theirs, for the last admin, and for oneself */
export async function dropUser({ db }: ApiContext, request: FastifyRequest, userId: string): Promise<void> {
  const { viewer } = request;
  requireAdmin(viewer);
  await db.inTenant(viewer.tenantId, async (sql) => {
    await lockTenantForWriting(sql, viewer.tenantId);
    const before = await readUser(sql, viewer.tenantId, userId);
    if (before !== null) requireMatch(request, etagOfUser(before));
    refuseOwn(viewer, userId);
    if (await isLastAdmin(sql, viewer.tenantId, userId)) throw lastAdmin();
    const removed = await removeUser(sql, viewer.tenantId, userId);
    if (removed.kind === 'not-found') throw notFound();
    if (removed.kind === 'owns-mailboxes') throw ownsMailboxes(removed.mailboxIds);
    await audit(sql, viewer, { action: 'user removed', userId });
  });
}

function requireAdmin(viewer: Viewer): void {
  if (viewer.userId === null || viewer.role === 'admin') return;
  throw forbidden('Only an admin can make, change or remove users.');
}

function orConflict(written: UserWritten): Extract<UserWritten, { kind: 'written' }> {
  if (written.kind === 'written') return written;
  const userId = publicId('user', written.userId);
  throw conflict('address-taken', `An address is already that of user ${userId}. An address belongs to one user.`);
}

function audit(sql: Sql, viewer: Viewer, what: { action: string; userId: string }): Promise<void> {
  const ids = { userId: publicId('user', what.userId) };
  return insertAudit(sql, viewer.tenantId, { actor: actorOf(viewer), action: what.action, ids });
}
