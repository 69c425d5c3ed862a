import type { Database, Sql } from '../database';
import { newUuid } from '../new-id';

/** What a run of the reconciler found and did in one tenant. */
export interface TenantReconciliation {
  desired: number;
  running: number;
  started: number;
  reminded: number;
  ended: number;
  stuck: number;
  findings: (Found & { reason: string; action: string })[];
}

/** A mailbox, or a job that is of no single one. */
type Found = { mailboxId: string } | { operationId: string } | { deletionId: string } | { connectorId: string };

export interface Reconciliation {
  startedAt: Date;
  finishedAt: Date;
  tenants: ReadonlyMap<string, TenantReconciliation>;
  queuesWithoutWorkers: string[];
  /** Older rows are forgotten. */
  keptMs: number;
}

/** A tenant in which nothing was to be done has a row so often all the same. */
const signOfLifeMs = 300_000;

/** Writes down a run for each tenant in which something was to be done, now and then also for the others. Second run: a second row. */
export async function recordReconciliation(db: Database, run: Reconciliation): Promise<void> {
  await db.asWatcher(async (sql) => {
    const told = await toldLately(sql);
    const rows = [...run.tenants]
      .filter(([tenantId, one]) => hasNews(one, run) || !told.has(tenantId))
      .map(([tenantId, one]) => ({ tenantId, id: newUuid(), ...one }));
    await insertRows(sql, run, rows);
    const keptMs = String(run.keptMs);
    await sql.execute(`DELETE FROM reconciliation WHERE finished_at < now() - $1::float8 * interval '1 millisecond'`, [
      keptMs,
    ]);
  });
}

async function toldLately(sql: Sql): Promise<Set<string>> {
  const rows = await sql.query<{ tenant_id: string }>(
    `SELECT DISTINCT tenant_id FROM reconciliation WHERE finished_at > now() - $1::float8 * interval '1 millisecond'`,
    [signOfLifeMs],
  );
  return new Set(rows.map((row) => row.tenant_id));
}

function hasNews({ started, reminded, ended, stuck }: TenantReconciliation, run: Reconciliation): boolean {
  return started + reminded + ended + stuck > 0 || run.queuesWithoutWorkers.length > 0;
}

async function insertRows(
  sql: Sql,
  run: Reconciliation,
  rows: (TenantReconciliation & { tenantId: string; id: string })[],
): Promise<void> {
  if (rows.length === 0) return;
  const json = JSON.stringify(rows);
  await sql.execute(
    `INSERT INTO reconciliation (tenant_id, id, started_at, finished_at, desired, running, started, reminded, ended, stuck, queues_without_workers, jobs)
     SELECT t.tenant_id, r.id, $2, $3, r.desired, r.running, r.started, r.reminded, r.ended, r.stuck, $4,
       (SELECT coalesce(jsonb_agg(f.one), '[]') FROM jsonb_array_elements(r.findings) AS f(one) WHERE NOT f.one ? 'mailboxId')
     FROM json_to_recordset($1::json)
       AS r("tenantId" uuid, id uuid, desired int, running int, started int, reminded int, ended int, stuck int, findings jsonb)
     JOIN tenant t ON t.tenant_id = r."tenantId"`,
    [json, run.startedAt, run.finishedAt, run.queuesWithoutWorkers],
  );
  // A workflow may outlive its mailbox, and with it its tenant.
  await sql.execute(
    `INSERT INTO reconciliation_finding (tenant_id, reconciliation_id, source_id, reason, action)
     SELECT s.tenant_id, r.id, s.id, f.reason, f.action
     FROM json_to_recordset($1::json) AS r("tenantId" uuid, id uuid, findings json)
     CROSS JOIN LATERAL json_to_recordset(r.findings) AS f("mailboxId" uuid, reason text, action text)
     JOIN source s ON s.tenant_id = r."tenantId" AND s.id = f."mailboxId"
     ON CONFLICT DO NOTHING`,
    [json],
  );
}
