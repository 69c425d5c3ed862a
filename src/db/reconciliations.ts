import type { Database } from './database';

/** What stood out: one of these (UUIDs). */
interface Finding {
  mailboxId?: string;
  operationId?: string;
  deletionId?: string;
  connectorId?: string;
  reason: string;
  action: string;
}

/** What a run of the reconciler found and did in a tenant. */
export interface Reconciliation {
  id: string;
  startedAt: Date;
  finishedAt: Date;
  desired: number;
  running: number;
  started: number;
  reminded: number;
  ended: number;
  stuck: number;
  queuesWithoutWorkers: string[];
  findings: Finding[];
}

/** Runs of the reconciler, newest first, before `beforeId`. */
export function listReconciliations(
  db: Database,
  tenantId: string,
  page: { beforeId: string | null; limit: number },
): Promise<Reconciliation[]> {
  return db.inTenant(tenantId, (sql) =>
    sql.query<Reconciliation>(
      `SELECT r.id, r.started_at AS "startedAt", r.finished_at AS "finishedAt", r.desired, r.running, r.started, r.reminded, r.ended,
         r.stuck, r.queues_without_workers AS "queuesWithoutWorkers",
         (SELECT coalesce(jsonb_agg(jsonb_build_object('mailboxId', f.source_id, 'reason', f.reason, 'action', f.action) ORDER BY f.source_id), '[]')
          FROM reconciliation_finding f WHERE f.tenant_id = r.tenant_id AND f.reconciliation_id = r.id) || r.jobs AS findings
       FROM reconciliation r WHERE r.tenant_id = $1 AND ($2::uuid IS NULL OR r.id < $2) ORDER BY r.id DESC LIMIT $3`,
      [tenantId, page.beforeId, page.limit],
    ),
  );
}
