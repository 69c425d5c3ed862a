import type { Database } from './database';
import { lockTenantForWriting } from './tenant-lock';
import { refreshTimelines } from './timeline-write';

const messagesPerTransaction = 1_000;

/**
 * Writes the timeline rows of all mail of a source anew, after its owner or members changed: chunk by chunk, so that new mail
 * is not held up. Second run: no change; one that broke off is mended by running it again.
 */
export async function refreshTimelinesOfSource(db: Database, tenantId: string, sourceId: string): Promise<void> {
  let afterId: string | null = null;
  do afterId = await refreshChunk(db, tenantId, { sourceId, afterId });
  while (afterId !== null);
}

/** The last message of the chunk, or null where it was the last chunk. */
function refreshChunk(
  db: Database,
  tenantId: string,
  from: { sourceId: string; afterId: string | null },
): Promise<string | null> {
  return db.inTenant(tenantId, async (sql) => {
    await lockTenantForWriting(sql, tenantId);
    const rows = await sql.query<{ id: string }>(
      `SELECT DISTINCT message_id AS id FROM copy
       WHERE tenant_id = $1 AND source_id = $2 AND ($3::uuid IS NULL OR message_id > $3) ORDER BY 1 LIMIT $4`,
      [tenantId, from.sourceId, from.afterId, messagesPerTransaction],
    );
    await refreshTimelines(
      sql,
      tenantId,
      rows.map((row) => row.id),
    );
    return rows.length < messagesPerTransaction ? null : (rows.at(-1)?.id ?? null);
  });
}
