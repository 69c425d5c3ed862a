import type { FastifyRequest } from 'fastify';

import { changeActivity, type ActivityChange } from '../../db/activities/change';
import { readActivity, type ShownActivity } from '../../db/activities/read';
import { activityTypes } from '../../db/activities/types';
import type { Sql } from '../../db/database';
import { insertAudit } from '../../db/mailbox-write';
import { lockStatus, writeStatus, type MessageStatus } from '../../db/message-status';
import { lockTenantForWriting } from '../../db/tenant-lock';
import { usersAmong } from '../../db/viewers';
import { publicId } from '../../domain/ids';
import type { ApiContext } from '../context';
import { goneMessage } from '../messages/moved';
import { requireMatch } from '../precondition';
import { invalidField, notFound } from '../problems';
import { actorOf } from '../viewer';
import { etagOfVersion } from './presenter';

/** Changes an activity for a person. @throws Problem 400, 404, 412 */
export function changeOneActivity(
  { db }: ApiContext,
  request: FastifyRequest,
  { id, values }: { id: string; values: Partial<ActivityChange> },
): Promise<ShownActivity> {
  const { viewer } = request;
  const { tenantId } = viewer;
  return db.inTenant(tenantId, async (sql) => {
    await lockTenantForWriting(sql, tenantId);
    const activity = await readActivity(sql, viewer, id);
    if (activity === null) throw notFound();
    requireMatch(request, etagOfVersion(activity));
    const { type, status, ownerUserId } = { ...activity, ...values };
    const change = { type, status, ownerUserId };
    await checkChange(sql, tenantId, { activity, change });
    await changeActivity(sql, tenantId, { activity, change });
    const ids = { activityId: publicId('activity', id), messageId: publicId('message', activity.messageId) };
    await insertAudit(sql, tenantId, { actor: actorOf(viewer), action: 'activity changed', ids });
    return (await readActivity(sql, viewer, id)) ?? activity;
  });
}

/** What is there already may stay, also where the list has changed since. */
async function checkChange(
  sql: Sql,
  tenantId: string,
  { activity, change }: { activity: ActivityChange; change: ActivityChange },
): Promise<void> {
  const { ownerUserId, type, status } = change;
  if (ownerUserId !== activity.ownerUserId && ownerUserId !== null) {
    const users = await usersAmong(sql, tenantId, [ownerUserId]);
    if (!users.has(ownerUserId)) {
      throw invalidField('ownerUserId', 'is no user of yours.', 'Name a user of GET /v1/users, or null for nobody.');
    }
  }
  if (type === activity.type && status === activity.status) return;
  const known = (await activityTypes(sql, tenantId)).find((one) => one.type === type);
  if (known === undefined) {
    throw invalidField('type', 'is not in your list.', 'Name a type of GET /v1/activity-types, or add it there.');
  }
  if (!known.statuses.includes(status)) {
    throw invalidField('status', 'is not one of this type.', `Use one of: ${known.statuses.join(', ')}.`);
  }
}

/** The ETag of a message as far as it can be changed. */
export function etagOfStatus(status: MessageStatus): string {
  return `"${status}"`;
}

/** Says what becomes of a message. @throws Problem 404, 412 */
export function changeStatus(
  { db }: ApiContext,
  request: FastifyRequest,
  { messageId, status }: { messageId: string; status: MessageStatus },
): Promise<{ id: string; status: MessageStatus }> {
  const { viewer } = request;
  const id = publicId('message', messageId);
  return db.inTenant(viewer.tenantId, async (sql) => {
    await lockTenantForWriting(sql, viewer.tenantId);
    const before = await lockStatus(sql, viewer, messageId);
    if (before === null) throw await goneMessage(sql, viewer, messageId);
    requireMatch(request, etagOfStatus(before));
    if (before === status) return { id, status };
    await writeStatus(sql, viewer.tenantId, { messageId, status });
    const entry = { actor: actorOf(viewer), action: `message ${status}`, ids: { messageId: id } };
    await insertAudit(sql, viewer.tenantId, entry);
    return { id, status };
  });
}
