import type { Database } from './database';
import { lockTenantForWriting } from './tenant-lock';
import { refreshTimelines } from './timeline-write';

const messagesPerTransaction = 1_000;

/**
 * Writes the timeline rows of all mail anew in which one of these addresses stands as sender or recipient: after an address was given
 * to a user or taken away, because users see the mail that they are part of. In chunks, so that new mail is not held up.
 * Second run: no change; one that broke off is mended by running it again.
 */
export async function refreshTimelinesOfAddresses(
  db: Database,
  tenantId: string,
  addressKeys: string[],
): Promise<void> {
  if (addressKeys.length === 0) return;
  let afterId: string | null = null;
  do afterId = await refreshChunk(db, tenantId, { addressKeys, afterId });
  while (afterId !== null);
}

/** The last message of the chunk, or null where it was the last chunk. */
function refreshChunk(
  db: Database,
  tenantId: string,
  from: { addressKeys: string[]; afterId: string | null },
): Promise<string | null> {
  return db.inTenant(tenantId, async (sql) => {
    await lockTenantForWriting(sql, tenantId);
    const rows = await sql.query<{ id: string }>(
      `SELECT DISTINCT c.message_id AS id FROM copy_address ca JOIN copy c ON c.tenant_id = $1 AND c.id = ca.copy_id
       WHERE ca.tenant_id = $1 AND ca.address_key = ANY ($2::text[]) AND ca.role IN ('from', 'to', 'cc')
         AND ($3::uuid IS NULL OR c.message_id > $3) ORDER BY 1 LIMIT $4`,
      [tenantId, from.addressKeys, from.afterId, messagesPerTransaction],
    );
    const messageIds = rows.map((row) => row.id);
    await refreshTimelines(sql, tenantId, messageIds);
    return rows.length < messagesPerTransaction ? null : (messageIds.at(-1) ?? null);
  });
}
