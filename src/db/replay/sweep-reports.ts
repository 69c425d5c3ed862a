import type { Database } from '../database';

const rowsPerTransaction = 5_000;

/** Deletes the reports of replays that ended more than `keptMs` ago; the operations stay. Second run: no change. */
export async function sweepReplayReports(db: Database, tenantId: string, keptMs: number): Promise<void> {
  let deleted = rowsPerTransaction;
  while (deleted === rowsPerTransaction) {
    deleted = await db.inTenant(tenantId, (sql) =>
      sql.execute(
        `DELETE FROM replay_item WHERE ctid = ANY (ARRAY(
           SELECT i.ctid FROM operation o JOIN replay_item i ON i.tenant_id = o.tenant_id AND i.operation_id = o.id
           WHERE o.tenant_id = $1 AND o.kind = 'replay' AND o.finished_at < now() - $2 * interval '1 millisecond' LIMIT ${String(rowsPerTransaction)}))`,
        [tenantId, keptMs],
      ),
    );
  }
}
