import type { Sql } from './database';

/**
 * Messages a second of this tenant's imports that ended in the last thirty days, over all of them; null where there was none of a
 * hundred messages or more, because what a smaller one takes is mostly its beginning.
 */
export async function recentImportRate(sql: Sql, tenantId: string): Promise<number | null> {
  const rows = await sql.query<{ rate: number | null }>(
    `SELECT (sum(done) / nullif(sum(extract(epoch FROM finished_at - started_at)), 0))::float8 AS rate
     FROM (SELECT done, started_at, finished_at FROM operation
           WHERE tenant_id = $1 AND kind = 'import' AND state = 'done' AND done >= 100
             AND started_at IS NOT NULL AND finished_at > now() - interval '30 days'
           ORDER BY finished_at DESC LIMIT 20) AS recent`,
    [tenantId],
  );
  return rows[0]?.rate ?? null;
}
