import type { AuditCause, FindingKind } from './ingest/audit-findings';
import type { Sql } from './database';

/** What an audit found, and what became of it. */
export interface AuditFinding {
  /** null: of the mailbox as a whole. */
  folder: string | null;
  kind: FindingKind;
  reason: string | null;
  cause: AuditCause;
  count: number;
  /** The first 1,000. */
  uids: number[];
  foundAt: Date;
  seenAt: Date;
  healedAt: Date | null;
}

/** The last audit that has ended, however it did. */
export interface LastAudit {
  cause: AuditCause;
  state: 'done' | 'failed';
  startedAt: Date;
  finishedAt: Date;
  nextAt: Date | null;
}

const findingsShown = 100;

/** The newest 100 findings of a mailbox: first those that have not healed, then by the time they were found. */
export function auditFindings(sql: Sql, tenantId: string, sourceId: string): Promise<AuditFinding[]> {
  return sql.query<AuditFinding>(
    `SELECT f.path AS folder, a.kind, a.reason, a.cause, a.count, a.uids, a.found_at AS "foundAt", a.seen_at AS "seenAt",
       a.healed_at AS "healedAt"
     FROM audit_finding a LEFT JOIN folder f ON f.tenant_id = a.tenant_id AND f.id = a.folder_id
     WHERE a.tenant_id = $1 AND a.source_id = $2 ORDER BY a.healed_at IS NOT NULL, a.found_at DESC, a.id LIMIT ${String(findingsShown)}`,
    [tenantId, sourceId],
  );
}

/** The last audit of a mailbox that has ended, and when the next is due; null before the first. */
export async function lastAudit(sql: Sql, tenantId: string, sourceId: string): Promise<LastAudit | null> {
  const [audit] = await sql.query<LastAudit>(
    `SELECT coalesce(o.task ->> 'cause', 'person') AS cause, o.state, o.started_at AS "startedAt", o.finished_at AS "finishedAt",
       m.audit_due_at AS "nextAt"
     FROM operation o JOIN mailbox m ON m.tenant_id = o.tenant_id AND m.source_id = o.source_id
     WHERE o.tenant_id = $1 AND o.source_id = $2 AND o.kind = 'audit' AND o.state IN ('done', 'failed')
     ORDER BY o.finished_at DESC LIMIT 1`,
    [tenantId, sourceId],
  );
  return audit ?? null;
}

/** Forgets findings that healed that long ago, and the operations of audits that ended then. Second run: finds nothing left to forget. */
export async function sweepAudits(
  sql: Sql,
  tenantId: string,
  { auditFindingsKeptMs }: { auditFindingsKeptMs: number },
): Promise<void> {
  await sql.execute(
    `DELETE FROM audit_finding WHERE tenant_id = $1 AND healed_at < now() - $2::float8 * interval '1 millisecond'`,
    [tenantId, auditFindingsKeptMs],
  );
  await sql.execute(
    `DELETE FROM operation o WHERE tenant_id = $1 AND kind = 'audit' AND finished_at < now() - $2::float8 * interval '1 millisecond'`,
    [tenantId, auditFindingsKeptMs],
  );
}
