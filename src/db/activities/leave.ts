import type { Sql } from '../database';
import { decideActivities, refreshActivities } from './refresh';

/**
 * Takes a record that has been deleted out of the next activities in which it takes part, at most `limit`; how many. To be called under the
 * tenant's lock. Second run: the next ones; 0 where none is left.
 */
export async function leaveRecord(
  sql: Sql,
  tenantId: string,
  { recordId, limit }: { recordId: string; limit: number },
): Promise<number> {
  const messageIds = await messagesWith(sql, 'record_id', [tenantId, recordId, limit]);
  if (messageIds.length === 0) return 0;
  await refreshActivities(sql, tenantId, messageIds);
  // What the rules do not reach any more.
  const values = [tenantId, recordId, messageIds];
  const named = 'WHERE tenant_id = $1 AND record_id = $2 AND message_id = ANY ($3::uuid[])';
  await sql.execute(`DELETE FROM activity_party ${named} AND address_key IS NULL`, values);
  await sql.execute(`UPDATE activity_party SET record_id = NULL, kind = 'external' ${named}`, values);
  return messageIds.length;
}

/**
 * Gives the next activities of a user who goes to whom the heir is, or to nobody in particular: then the rules decide again. The user's
 * addresses are gone already. To be called under the tenant's lock. Second run: the next ones; 0 where none is left.
 */
export async function leaveUser(
  sql: Sql,
  tenantId: string,
  { userId, heirId, limit }: { userId: string; heirId: string | null; limit: number },
): Promise<number> {
  const owned = await sql.query<{ message_id: string }>(
    `UPDATE activity SET owner_user_id = $3::uuid, updated_at = now(),
       touched = CASE WHEN $3::uuid IS NULL THEN array_remove(touched, 'owner') ELSE array_append(array_remove(touched, 'owner'), 'owner') END
     WHERE tenant_id = $1 AND message_id = ANY (ARRAY(
       SELECT message_id FROM activity WHERE tenant_id = $1 AND owner_user_id = $2 LIMIT $4)) RETURNING message_id`,
    [tenantId, userId, heirId, limit],
  );
  const changedIds = new Set(owned.map((row) => row.message_id));
  const taking = await messagesWith(sql, 'user_id', [tenantId, userId, limit]);
  const messageIds = [...new Set([...changedIds, ...taking])];
  await decideActivities(sql, tenantId, { messageIds, createdIds: new Set(), changedIds });
  await sql.execute(
    `UPDATE activity_party SET user_id = NULL, kind = 'external' WHERE tenant_id = $1 AND user_id = $2 AND message_id = ANY ($3::uuid[])`,
    [tenantId, userId, taking],
  );
  return messageIds.length;
}

async function messagesWith(
  sql: Sql,
  column: 'record_id' | 'user_id',
  values: [tenantId: string, id: string, limit: number],
): Promise<string[]> {
  const rows = await sql.query<{ message_id: string }>(
    `SELECT DISTINCT message_id FROM (
       SELECT message_id FROM activity_party WHERE tenant_id = $1 AND ${column} = $2 LIMIT $3) AS taking`,
    values,
  );
  return rows.map((row) => row.message_id);
}
