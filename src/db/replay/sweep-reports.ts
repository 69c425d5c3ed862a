import type { Database } from '../database';

const rowsPerTransaction = 5_000;

/**
 * Deletes what replays, and jobs that read stored mail again, came to with each message, when they ended more than `keptMs` ago; the operations
 * stay. Second run: no change.
 */
export async function sweepReplayReports(db: Database, tenantId: string, keptMs: number): Promise<void> {
  await sweep(db, tenantId, { table: 'replay_item', kind: 'replay', keptMs });
  await sweep(db, tenantId, { table: 'reprocess_difference', kind: 'reprocess', keptMs });
}

async function sweep(
  db: Database,
  tenantId: string,
  { table, kind, keptMs }: { table: string; kind: string; keptMs: number },
): Promise<void> {
  let deleted = rowsPerTransaction;
  while (deleted === rowsPerTransaction) {
    deleted = await db.inTenant(tenantId, (sql) =>
      sql.execute(
        `DELETE FROM ${table} WHERE ctid = ANY (ARRAY(
           SELECT i.ctid FROM operation o JOIN ${table} i ON i.tenant_id = o.tenant_id AND i.operation_id = o.id
           WHERE o.tenant_id = $1 AND o.kind = $3 AND o.finished_at < now() - $2 * interval '1 millisecond' LIMIT ${String(rowsPerTransaction)}))`,
        [tenantId, keptMs, kind],
      ),
    );
  }
}
