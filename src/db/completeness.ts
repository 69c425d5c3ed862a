import type { Sql } from './database';
import { insertOperation, type Operation } from './operations';

/** What the last comparison of a folder with its server found. A folder that was never compared is `not-provable`. */
export interface FolderCompleteness {
  folder: string;
  role: string | null;
  verdict: 'complete' | 'missing' | 'not-provable';
  reason: string | null;
  serverCount: number | null;
  serverBytes: number | null;
  ledgerCounts: Record<string, number>;
  ledgerBytes: number | null;
  /** The first 1,000. */
  missing: number[];
  missingCount: number;
  extra: number[];
  extraCount: number;
  checkedAt: Date | null;
  provenAt: Date | null;
}

/** All folders of a mailbox that are in its scope, by name, each with its last comparison. */
export function readCompleteness(sql: Sql, tenantId: string, sourceId: string): Promise<FolderCompleteness[]> {
  return sql.query<FolderCompleteness>(
    `SELECT f.path AS folder, f.role, coalesce(a.verdict, 'not-provable') AS verdict,
       CASE WHEN a.verdict IS NULL THEN 'not-compared-yet' ELSE a.reason END AS reason,
       a.server_count AS "serverCount", a.server_bytes AS "serverBytes", coalesce(a.ledger_counts, '{}') AS "ledgerCounts",
       a.ledger_bytes AS "ledgerBytes", coalesce(a.missing, '{}') AS missing, coalesce(a.missing_count, 0) AS "missingCount",
       coalesce(a.extra, '{}') AS extra, coalesce(a.extra_count, 0) AS "extraCount",
       a.checked_at AS "checkedAt", a.proven_at AS "provenAt"
     FROM folder f LEFT JOIN folder_audit a ON a.tenant_id = f.tenant_id AND a.folder_id = f.id
     WHERE f.tenant_id = $1 AND f.source_id = $2 AND f.gone_at IS NULL AND (f.in_scope OR a.folder_id IS NOT NULL)
     ORDER BY f.path`,
    [tenantId, sourceId],
  );
}

/** The operation of a comparison: the one that has not ended, so that two callers wait for the same, or a new one. */
export async function auditOperation(sql: Sql, tenantId: string, sourceId: string): Promise<Operation> {
  const [pending] = await sql.query<Operation>(
    `SELECT id, kind, source_id AS "sourceId", state, done, total, result, error, created_at AS "createdAt",
       started_at AS "startedAt", finished_at AS "finishedAt"
     FROM operation WHERE tenant_id = $1 AND source_id = $2 AND kind = 'audit' AND state IN ('waiting', 'running')
     ORDER BY created_at LIMIT 1`,
    [tenantId, sourceId],
  );
  return pending ?? insertOperation(sql, tenantId, { kind: 'audit', sourceId, generation: null });
}
