import type { Database } from '../database';

const most = 1_000;

/** Mailboxes that run and have had removals overdue for so long: whoever was to look at them was lost. At most 1,000. */
export async function overdueRemovals(db: Database, overdueMs: number): Promise<string[]> {
  const rows = await db.acrossTenants((sql) =>
    sql.query<{ id: string }>(
      `SELECT DISTINCT r.source_id AS id FROM removal r JOIN source s ON s.tenant_id = r.tenant_id AND s.id = r.source_id
       JOIN mailbox m ON m.tenant_id = s.tenant_id AND m.source_id = s.id
       WHERE r.state IN ('waiting', 'confirmed') AND r.due_at < now() - $1::float8 * interval '1 millisecond'
         AND s.desired_state = 'running' AND s.deleted_at IS NULL AND m.state = 'live' AND s.policy ->> 'removals' = 'mirror'
       LIMIT ${String(most)}`,
      [overdueMs],
    ),
  );
  return rows.map(({ id }) => id);
}
