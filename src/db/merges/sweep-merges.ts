import type { Database } from '../database';

const linksPerTransaction = 2_000;

/**
 * Ends merges that can no longer be undone: the links of what is a part of another record now go, share by share. Second run: finds nothing
 * left to end.
 */
export async function sweepMerges(db: Database, tenantId: string): Promise<void> {
  while ((await sweepSome(db, tenantId)) > 0);
  await db.inTenant(tenantId, (sql) =>
    sql.execute(
      `UPDATE record_merge SET state = 'final' WHERE tenant_id = $1 AND state = 'merged' AND undo_until < now()`,
      [tenantId],
    ),
  );
}

function sweepSome(db: Database, tenantId: string): Promise<number> {
  return db.inTenant(tenantId, async (sql) => {
    const rows = await sql.query<{ id: string }>(
      `SELECT l.id FROM record_merge m CROSS JOIN LATERAL (
         SELECT id FROM link WHERE tenant_id = $1 AND record_id = m.record_id AND state IN ('merged', 'merged-suppressed')
         LIMIT ${String(linksPerTransaction)}) l
       WHERE m.tenant_id = $1 AND m.state = 'merged' AND m.undo_until < now() LIMIT ${String(linksPerTransaction)}`,
      [tenantId],
    );
    const values = [tenantId, rows.map(({ id }) => id)];
    if (rows.length === 0) return 0;
    await sql.execute('DELETE FROM link_reason WHERE tenant_id = $1 AND link_id = ANY ($2::uuid[])', values);
    return sql.execute('DELETE FROM link WHERE tenant_id = $1 AND id = ANY ($2::uuid[])', values);
  });
}
