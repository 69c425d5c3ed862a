import type { Sql } from '../database';
import { refreshTimelines } from '../timeline-write';

/**
 * What was said of threads that became a part of others is said of these from now on: for each mailbox what was said last. Tells their mail anew.
 * To be called after the messages have moved, in the same transaction. Second run: no change.
 */
export async function joinThreadVisibility(sql: Sql, tenantId: string, merged: Map<string, string>): Promise<void> {
  const pairs = [[...merged.keys()], [...merged.values()]];
  const touched = await sql.query<{ winner: string }>(
    `SELECT DISTINCT m.winner FROM unnest($2::uuid[], $3::uuid[]) AS m(loser, winner)
     JOIN thread_visibility v ON v.tenant_id = $1 AND v.thread_id IN (m.loser, m.winner)`,
    [tenantId, ...pairs],
  );
  if (touched.length === 0) return;
  await sql.execute(
    `WITH moved AS (
       DELETE FROM thread_visibility v USING unnest($2::uuid[], $3::uuid[]) AS m(loser, winner)
       WHERE v.tenant_id = $1 AND v.thread_id = m.loser RETURNING v.*, m.winner
     )
     INSERT INTO thread_visibility (tenant_id, thread_id, source_id, level, actor, created_at)
     SELECT DISTINCT ON (winner, source_id) tenant_id, winner, source_id, level, actor, created_at FROM moved
     ORDER BY winner, source_id, created_at DESC, level
     ON CONFLICT (thread_id, tenant_id, source_id) DO UPDATE SET level = excluded.level, actor = excluded.actor, created_at = excluded.created_at
       WHERE excluded.created_at > thread_visibility.created_at`,
    [tenantId, ...pairs],
  );
  const messages = await sql.query<{ id: string }>(
    'SELECT id FROM message WHERE tenant_id = $1 AND thread_id = ANY ($2::uuid[])',
    [tenantId, touched.map((row) => row.winner)],
  );
  await refreshTimelines(
    sql,
    tenantId,
    messages.map((row) => row.id),
  );
}
