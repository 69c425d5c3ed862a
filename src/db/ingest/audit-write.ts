import { outcomeName } from '../../domain/ledger';
import type { Database, Sql } from '../database';
import { lockSource, type FencedSource } from './source-lock';
import { changeFlag } from '../events/state-write';

/** What a comparison of one folder with its server came to. */
export interface FolderAudit {
  folderId: string;
  /** null: never listed. */
  genId: number | null;
  verdict: 'complete' | 'missing' | 'not-provable';
  reason: string | null;
  serverCount: number | null;
  serverBytes: number | null;
  missing: number[];
  extra: number[];
}

const uidsShown = 1_000;

/**
 * Writes the comparison of a folder, with the ledger's side counted in the same transaction. A folder that misses something is looked at
 * by the next round whatever its cursor says. Second run: writes the newer comparison.
 * @throws StaleFence where the mailbox has a newer wish
 */
export async function recordAudit(db: Database, source: FencedSource, audit: FolderAudit): Promise<void> {
  await db.inTenant(source.tenantId, async (sql) => {
    await lockSource(sql, source);
    const ledger = await ledgerSide(sql, audit.genId);
    const proven = audit.verdict === 'complete';
    await sql.execute(
      `INSERT INTO folder_audit (tenant_id, source_id, folder_id, verdict, reason, server_count, server_bytes, ledger_counts,
         ledger_bytes, missing, missing_count, extra, extra_count, checked_at, proven_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, now(), CASE WHEN $14 THEN now() END)
       ON CONFLICT (tenant_id, folder_id) DO UPDATE SET verdict = excluded.verdict, reason = excluded.reason,
         server_count = excluded.server_count, server_bytes = excluded.server_bytes, ledger_counts = excluded.ledger_counts,
         ledger_bytes = excluded.ledger_bytes, missing = excluded.missing, missing_count = excluded.missing_count,
         extra = excluded.extra, extra_count = excluded.extra_count, checked_at = excluded.checked_at,
         proven_at = coalesce(excluded.proven_at, folder_audit.proven_at)`,
      [
        source.tenantId,
        source.sourceId,
        audit.folderId,
        audit.verdict,
        audit.reason,
        audit.serverCount,
        audit.serverBytes,
        JSON.stringify(ledger.counts),
        ledger.bytes,
        audit.missing.slice(0, uidsShown),
        audit.missing.length,
        audit.extra.slice(0, uidsShown),
        audit.extra.length,
        proven,
      ],
    );
    await sql.execute(
      `UPDATE folder_generation SET audited_at = now(), proven_at = CASE WHEN $2 THEN now() ELSE proven_at END,
         listed_at = CASE WHEN $3 THEN NULL ELSE listed_at END WHERE id = $1`,
      [audit.genId, proven, audit.missing.length + audit.extra.length > 0],
    );
  });
}

async function ledgerSide(sql: Sql, genId: number | null): Promise<{ counts: Record<string, number>; bytes: number }> {
  const rows = await sql.query<{ outcome: number; count: number; bytes: string | null }>(
    'SELECT outcome, count(*) AS count, sum(size) AS bytes FROM placement WHERE gen_id = $1 AND presence = 1 GROUP BY outcome',
    [genId],
  );
  return {
    counts: Object.fromEntries(rows.map((row) => [outcomeName(row.outcome), row.count])),
    bytes: rows.reduce((sum, row) => sum + Number(row.bytes ?? 0), 0),
  };
}

/**
 * Ends an audit: the mailbox says whether it is proven complete, its operation is done. Second run: no change.
 * @throws StaleFence where the mailbox has a newer wish
 */
export async function recordAuditDone(
  db: Database,
  source: FencedSource,
  audit: { operationId: string; complete: boolean; result: object },
): Promise<void> {
  const { tenantId, sourceId } = source;
  await db.inTenant(tenantId, async (sql) => {
    await lockSource(sql, source);
    if (audit.complete) {
      const proven = 'UPDATE mailbox SET last_proven_at = now() WHERE tenant_id = $1 AND source_id = $2';
      await sql.execute(proven, [tenantId, sourceId]);
    }
    await changeFlag(sql, source, { flag: 'incomplete', to: audit.complete ? 'clear' : 'set' });
    await sql.execute(
      `UPDATE operation SET state = 'done', result = $3, started_at = coalesce(started_at, now()), finished_at = now()
       WHERE tenant_id = $1 AND id = $2 AND state IN ('waiting', 'running')`,
      [tenantId, audit.operationId, JSON.stringify(audit.result)],
    );
  });
}

/** Ends the operation of an audit that could not compare. Second run, or one that has ended: no change. */
export async function recordAuditFailed(
  db: Database,
  audit: { tenantId: string; operationId: string },
  error: { kind?: string; code: string },
): Promise<void> {
  await db.inTenant(audit.tenantId, (sql) =>
    sql.execute(
      `UPDATE operation SET state = 'failed', error = $3, started_at = coalesce(started_at, now()), finished_at = now()
       WHERE tenant_id = $1 AND id = $2 AND state IN ('waiting', 'running')`,
      [audit.tenantId, audit.operationId, JSON.stringify(error)],
    ),
  );
}
