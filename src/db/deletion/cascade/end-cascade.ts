import type { Database, Sql } from '../../database';
import { lockTenantForWriting } from '../../tenant-lock';
import type { DeletionReport } from '../deletions';
import { noteStep } from '../steps';
import { endVerified, refuseRows, type DeletionEnd } from '../verified-end';
import type { CascadeSteps } from './cascade-steps';
import type { Cascade } from './cascades';

/**
 * Counts everything that carries the record, user or tenant; where nothing is left, deletes the thing itself, counts again, and writes the
 * report in the same transaction. Where rows are left the thing stays, and the deletion says which tables have them. Second run: no change.
 */
export function endCascade(db: Database, cascade: Cascade, steps: CascadeSteps): Promise<DeletionEnd> {
  return endVerified(db, cascade, {
    look: (sql) => steps.look(sql),
    end: async (sql) => {
      await lockTenantForWriting(sql, cascade.tenantId);
      // A tenant's own deletion goes with it, so what it came to is read before.
      const before = cascade.kind === 'tenant' ? await readOutcome(sql, cascade) : null;
      const counts = await steps.last(sql);
      if (before === null) await noteStep(sql, cascade, { counts });
      const { tables, left } = await steps.verify(sql);
      refuseRows(left);
      const outcome = before ?? (await readOutcome(sql, cascade));
      const report = reportOf(cascade, { outcome, counts: before === null ? {} : counts, verifiedTables: tables });
      if (cascade.kind === 'tenant') await keepOfTenant(sql, cascade, { outcome, report });
      else await keep(sql, cascade, report);
      return report;
    },
  });
}

/** What a deletion and its parts came to so far. */
interface Outcome {
  counts: Record<string, number>[];
  kept: number;
  bytes: number;
  mailboxes: number;
  seconds: number;
  now: Date;
  createdAt: Date;
  startedAt: Date | null;
}

async function readOutcome(sql: Sql, { tenantId, deletionId }: Cascade): Promise<Outcome> {
  const [row] = await sql.query<Outcome>(
    `SELECT jsonb_agg(all_of.counts) AS counts, sum(all_of.kept)::bigint AS kept, sum(all_of.bytes)::bigint AS bytes,
       count(*) FILTER (WHERE all_of.parent_id IS NOT NULL) AS mailboxes,
       max(extract(epoch FROM clock_timestamp() - own.started_at))::double precision AS seconds, clock_timestamp() AS now,
       max(own.created_at) AS "createdAt", max(own.started_at) AS "startedAt"
     FROM deletion own JOIN deletion all_of ON all_of.tenant_id = $1 AND (all_of.id = own.id OR all_of.parent_id = own.id)
     WHERE own.tenant_id = $1 AND own.id = $2`,
    [tenantId, deletionId],
  );
  if (row === undefined) throw new Error('a count has no row');
  return row;
}

function reportOf(
  { kind }: Cascade,
  { outcome, counts, verifiedTables }: { outcome: Outcome; counts: Record<string, number>; verifiedTables: string[] },
): DeletionReport {
  const tables: Record<string, number> = {};
  for (const [name, count] of [...outcome.counts, counts].flatMap((one) => Object.entries(one))) {
    if (count > 0) tables[name] = (tables[name] ?? 0) + count;
  }
  return {
    tables,
    // What one of a tenant's mailboxes left to another went with that one.
    messagesKept: kind === 'tenant' ? 0 : outcome.kept,
    bytesFreed: outcome.bytes,
    mailboxes: outcome.mailboxes,
    seconds: Math.round(outcome.seconds * 10) / 10,
    verifiedTables,
    verifiedAt: outcome.now.toISOString(),
  };
}

async function keep(sql: Sql, { tenantId, deletionId }: Cascade, report: DeletionReport): Promise<void> {
  await sql.execute(
    `UPDATE deletion SET state = 'done', finished_at = now(), error = NULL, report = $3, total = done + coalesce((
       SELECT sum(part.done) FROM deletion part WHERE part.tenant_id = $1 AND part.parent_id = $2), 0)
     WHERE tenant_id = $1 AND id = $2`,
    [tenantId, deletionId, JSON.stringify(report)],
  );
}

async function keepOfTenant(
  sql: Sql,
  { tenantId, deletionId, actor }: Cascade,
  { outcome: { createdAt, startedAt }, report }: { outcome: Outcome; report: DeletionReport },
): Promise<void> {
  await sql.execute(
    `INSERT INTO tenant_deletion (id, target_id, actor, report, created_at, started_at, finished_at) VALUES ($1, $2, $3, $4, $5, $6, now())`,
    [deletionId, tenantId, actor, JSON.stringify(report), createdAt, startedAt],
  );
}

/** The report of a deletion that has ended, or null. That of a tenant outlives it. */
export async function reportOfEnded(
  db: Database,
  { tenantId, deletionId }: { tenantId: string; deletionId: string },
): Promise<DeletionReport | null> {
  const [row] = await db.inTenant(tenantId, (sql) =>
    sql.query<{ report: DeletionReport }>(
      `SELECT report FROM deletion WHERE tenant_id = $1 AND id = $2 AND state = 'done'
       UNION ALL SELECT report FROM tenant_deletion WHERE target_id = $1 AND id = $2`,
      [tenantId, deletionId],
    ),
  );
  return row?.report ?? null;
}
