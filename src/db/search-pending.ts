import { uuidArray } from './binary-array';
import type { Sql } from './database';

/**
 * Has the search rows of messages written anew, after what they say has changed. They are found by what they said before until that is done.
 * Who is just writing search rows from it is waited for, because he holds the row. Second run: no change.
 */
export async function findAgain(sql: Sql, tenantId: string, messageIds: string[]): Promise<void> {
  if (messageIds.length === 0) return;
  await sql.execute(
    `INSERT INTO search_pending (tenant_id, message_id) SELECT $1, id FROM unnest($2::uuid[]) AS id ORDER BY id
     ON CONFLICT (tenant_id, message_id) DO UPDATE SET added_at = now(), behind = false`,
    [tenantId, uuidArray(messageIds)],
  );
}
