import type { Sql } from '../database';

/** How the `sync` operations of a mailbox end. */
export type SyncEnd =
  | { state: 'done'; result: { recorded: number; filtered: number; parked: number } }
  | { state: 'failed'; error: { kind?: string; code: string } };

/**
 * Ends what was asked for at `askedBy` (the database's clock) or before: the process that asked may be no more. Second run: no change.
 */
export async function endSyncOperations(
  sql: Sql,
  source: { tenantId: string; sourceId: string; askedBy: Date },
  end: SyncEnd,
): Promise<void> {
  await sql.execute(
    `UPDATE operation SET state = $4, result = $5, error = $6, started_at = coalesce(started_at, now()), finished_at = now()
     WHERE tenant_id = $1 AND source_id = $2 AND kind = 'sync' AND state IN ('waiting', 'running') AND created_at <= $3`,
    [
      source.tenantId,
      source.sourceId,
      source.askedBy,
      end.state,
      end.state === 'done' ? JSON.stringify(end.result) : null,
      end.state === 'failed' ? JSON.stringify(end.error) : null,
    ],
  );
}
