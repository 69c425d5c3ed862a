import type { Sql } from './database';

/**
 * Messages a second of this tenant's imports that ended in the last thirty days, over all of them; null where there was none of a
 * hundred messages or more, because what a smaller one takes is mostly its beginning. Only time in which somebody worked counts (domain/progress.ts):
 * an import goes on being one while its mailbox is paused or waits for a password. That of one which was over too soon to be noted is what
 * the clock says.
 */
export async function recentImportRate(sql: Sql, tenantId: string): Promise<number | null> {
  const rows = await sql.query<{ rate: number | null }>(
    `SELECT (sum(done) / nullif(sum(coalesce(nullif(active_ms, 0) / 1000, extract(epoch FROM finished_at - started_at))), 0))::float8 AS rate
     FROM (SELECT done, started_at, finished_at, (track ->> 'activeMs')::numeric AS active_ms FROM operation
           WHERE tenant_id = $1 AND kind = 'import' AND state = 'done' AND done >= 100
             AND started_at IS NOT NULL AND finished_at > now() - interval '30 days'
           ORDER BY finished_at DESC LIMIT 20) AS recent`,
    [tenantId],
  );
  return rows[0]?.rate ?? null;
}
