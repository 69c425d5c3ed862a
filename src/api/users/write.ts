import type { FastifyRequest } from 'fastify';

import type { Sql } from '../../db/database';
import { insertAudit } from '../../db/mailbox-write';
import { askForUser, isLastAdmin } from '../../db/deletion/cascade/ask';
import type { Deletion } from '../../db/deletion/deletions';
import { rematchOfUsers } from '../../db/own-domains';
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
import { queueVisibility, type QueuedVisibility } from '../../db/visibility-job';
import { publicId } from '../../domain/ids';
import { carryOutVisibility } from '../carry-out-visibility';
import type { ApiContext } from '../context';
import { startDeletion } from '../deletions/cascade';
import { refuseOwn } from '../deletions/delete-user';
import { lastAdmin, ownsMailboxes } from '../deletions/refusals';
import { requireMatch } from '../precondition';
import { carryOutRematch } from '../records/carry-out-rematch';
import { conflict, forbidden, notFound } from '../problems';
import { actorOf, type Viewer } from '../viewer';
import { etagOfUser } from './schemas';

/** A user as they were written, and the job that tells anew what they may read, where that was too much to be done at once. */
interface Written {
  user: User;
  operationId: string | null;
}

/** Makes a user. @throws Problem 403, 409 where an address is another user's */
export async function addUser(context: ApiContext, viewer: Viewer, values: UserValues): Promise<Written> {
  requireAdmin(viewer);
  const { user, job, rematch } = await context.db.inTenant(viewer.tenantId, async (sql) => {
    await lockTenantForWriting(sql, viewer.tenantId);
    const written = orConflict(await createUser(sql, viewer.tenantId, values));
    await audit(sql, viewer, { action: 'user created', userId: written.user.id });
    const job = await queueReaders(sql, viewer.tenantId, { before: null, written });
    return { user: written.user, job, rematch: await rematchOfUsers(sql, viewer.tenantId, written.changedAddresses) };
  });
  await carryOutRematch(context, viewer.tenantId, rematch);
  return { user, operationId: await carryOutVisibility(context, viewer.tenantId, job) };
}

/** Changes a user. @throws Problem 403, 404, 409 also where the last admin would be none any more, 412 */
export async function changeUser(
  context: ApiContext,
  request: FastifyRequest,
  change: { id: string; values: Partial<UserValues> },
): Promise<Written> {
  const { viewer } = request;
  requireAdmin(viewer);
  const { user, job, rematch } = await context.db.inTenant(viewer.tenantId, async (sql) => {
    await lockTenantForWriting(sql, viewer.tenantId);
    const before = await readUser(sql, viewer.tenantId, change.id);
    if (before === null) throw notFound();
    requireMatch(request, etagOfUser(before));
    if ((change.values.role ?? 'admin') !== 'admin' && (await isLastAdmin(sql, viewer.tenantId, change.id))) {
      throw lastAdmin();
    }
    const written = orConflict(await updateUser(sql, viewer.tenantId, { ...before, ...change.values }));
    await audit(sql, viewer, { action: 'user changed', userId: change.id });
    const job = await queueReaders(sql, viewer.tenantId, { before, written });
    return { user: written.user, job, rematch: await rematchOfUsers(sql, viewer.tenantId, written.changedAddresses) };
  });
  await carryOutRematch(context, viewer.tenantId, rematch);
  return { user, operationId: await carryOutVisibility(context, viewer.tenantId, job) };
}

/** Users see the mail that they are part of: the job for the addresses that were given or taken; null where there is none, or no such mail. */
async function queueReaders(
  sql: Sql,
  tenantId: string,
  { before, written }: { before: User | null; written: { user: User; changedAddresses: string[] } },
): Promise<QueuedVisibility | null> {
  const { user, changedAddresses } = written;
  if (changedAddresses.length === 0) return null;
  const isNarrowed = before?.addresses.some((address) => !user.addresses.includes(address)) ?? false;
  const mail = { of: 'addresses' as const, addressKeys: changedAddresses };
  return queueVisibility(sql, tenantId, { mail, narrowedUserIds: isNarrowed ? [user.id] : [] });
}

/**
 * Removes a user at once, or, where that is much to do, has it done: their keys end now all the same. Returns the deletion that goes on, or
 * null. @throws Problem 403, 404, 409 where mailboxes are theirs, for the last admin, and for oneself
 */
export async function dropUser(context: ApiContext, request: FastifyRequest, userId: string): Promise<Deletion | null> {
  const { viewer } = request;
  requireAdmin(viewer);
  const { deletion, rematch } = await context.db.inTenant(viewer.tenantId, async (sql) => {
    await lockTenantForWriting(sql, viewer.tenantId);
    const before = await readUser(sql, viewer.tenantId, userId);
    if (before !== null) requireMatch(request, etagOfUser(before));
    refuseOwn(viewer, userId);
    if (await isLastAdmin(sql, viewer.tenantId, userId)) throw lastAdmin();
    const limit = context.limits.rematchAtOnceMessages;
    const removed = await removeUser(sql, viewer.tenantId, { userId, limit });
    if (removed.kind === 'not-found') throw notFound();
    if (removed.kind === 'owns-mailboxes') throw ownsMailboxes(removed.mailboxIds);
    await audit(sql, viewer, { action: 'user removed', userId });
    if (removed.kind === 'removed') return { deletion: null, rematch: removed.rematch };
    const wish = { userId, reassignTo: null, mailboxes: 'reassign' as const };
    const deletion = await askForUser(sql, viewer.tenantId, { wish, actor: actorOf(viewer) });
    return { deletion, rematch: null };
  });
  await carryOutRematch(context, viewer.tenantId, rematch);
  if (deletion !== null) await startDeletion(context, viewer, { ...deletion, kind: 'user' });
  return deletion;
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
