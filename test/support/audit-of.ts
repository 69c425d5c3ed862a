import { auditFolders, type AuditResult } from '../../src/activities/audit-folders';
import type { AuditCause } from '../../src/db/ingest/audit-findings';
import { newUuid } from '../../src/db/new-id';
import type { SyncBench, TestMailbox } from './sync-bench';

const run = { signal: new AbortController().signal, heartbeat: () => undefined };

/** How an audit ended, and what its operation says at the end. */
export interface EndedAudit {
  kind: AuditResult['kind'];
  state?: string;
  error?: unknown;
  ended?: boolean;
}

/** An audit as the API asks for one, or made for another cause, without anybody who waits for it. */
export async function auditOf(
  bench: SyncBench,
  { tenantId, mailboxId }: Pick<TestMailbox, 'tenantId' | 'mailboxId'>,
  cause: AuditCause = 'person',
): Promise<EndedAudit> {
  const operationId = newUuid();
  const { db } = bench.database;
  await db.inTenant(tenantId, (sql) =>
    sql.execute(
      `INSERT INTO operation (tenant_id, id, kind, source_id, state, task)
       VALUES ($1, $2, 'audit', $3, 'waiting', jsonb_build_object('cause', $4::text))`,
      [tenantId, operationId, mailboxId, cause],
    ),
  );
  const result = await auditFolders(bench.context, run, { tenantId, mailboxId, operationId });
  const [operation] = await db.inTenant(tenantId, (sql) =>
    sql.query<{ state: string; error: unknown; ended: boolean }>(
      'SELECT state, error, finished_at IS NOT NULL AS ended FROM operation WHERE id = $1',
      [operationId],
    ),
  );
  return { kind: result.kind, ...operation };
}
