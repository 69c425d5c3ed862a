import type { Sql } from '../database';
import { tellActivities } from './tell';

/** What a person may change of an activity. */
export interface ActivityChange {
  type: string;
  status: string;
  ownerUserId: string | null;
}

/**
 * Writes what a person changed of an activity: from then on the rules leave those fields alone. To be called under the tenant's lock.
 * Where nothing is other than it was, nothing is written or told.
 */
export async function changeActivity(
  sql: Sql,
  tenantId: string,
  of: { activity: { id: string; messageId: string } & ActivityChange; change: ActivityChange },
): Promise<void> {
  const { activity, change } = of;
  const touched = [
    ...(change.type === activity.type ? [] : ['type']),
    ...(change.status === activity.status ? [] : ['status']),
    ...(change.ownerUserId === activity.ownerUserId ? [] : ['owner']),
  ];
  if (touched.length === 0) return;
  await sql.execute(
    `UPDATE activity SET type = $3, status = $4, owner_user_id = $5, version = version + 1, updated_at = now(),
       touched = ARRAY(SELECT DISTINCT field FROM unnest(touched || $6::text[]) AS field ORDER BY field)
     WHERE tenant_id = $1 AND id = $2`,
    [tenantId, activity.id, change.type, change.status, change.ownerUserId, touched],
  );
  await tellActivities(sql, tenantId, [
    { type: 'activity.updated', activityId: activity.id, messageId: activity.messageId },
  ]);
}
