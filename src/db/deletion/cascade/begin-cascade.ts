import type { Database, Sql } from '../../database';
import { lockTenantForWriting } from '../../tenant-lock';
import type { DeletionProgress } from '../steps';
import type { CascadeSteps } from './cascade-steps';
import type { Cascade, CascadeKind } from './cascades';
import { ledgerRowsOfMailboxes } from './mailboxes-of';

const countTimeoutMs = 1_800_000;

/**
 * Closes the doors, also where nobody asked by API: keys end, a record matches nothing more. Counts once what there is to do in the
 * mailboxes that go first. Second run: no change, but for newer keys.
 */
export async function beginWithMailboxes(db: Database, cascade: Cascade): Promise<void> {
  const { tenantId, deletionId, state } = cascade;
  await db.inTenant(tenantId, async (sql) => {
    await lockTenantForWriting(sql, tenantId);
    await closeDoors(sql, cascade);
    if (state !== 'stopping') return;
    await sql.execute(`SET LOCAL statement_timeout = ${String(countTimeoutMs)}`);
    const [row] = await sql.query('SELECT FROM deletion WHERE tenant_id = $1 AND id = $2 AND total IS NULL', [
      tenantId,
      deletionId,
    ]);
    if (row === undefined) return;
    const total = await ledgerRowsOfMailboxes(sql, cascade);
    await sql.execute('UPDATE deletion SET total = $3 WHERE tenant_id = $1 AND id = $2', [tenantId, deletionId, total]);
  });
}

/**
 * From now on no key of the tenant, or of the user, opens anything, and nothing new is linked to the record. Second run: ends the keys that
 * were made meanwhile.
 */
export async function closeDoors(
  sql: Sql,
  door: { tenantId: string; kind: CascadeKind; targetId: string },
): Promise<void> {
  const { tenantId, kind, targetId } = door;
  if (kind === 'record') {
    await sql.execute(
      `UPDATE record SET deleted_at = now(), updated_at = now(), version = version + 1
       WHERE tenant_id = $1 AND id = $2 AND deleted_at IS NULL`,
      [tenantId, targetId],
    );
    return;
  }
  await sql.execute(
    `UPDATE api_key SET revoked_at = now() WHERE tenant_id = $1 AND ($2 OR user_id = $3) AND revoked_at IS NULL`,
    [tenantId, kind === 'tenant', targetId],
  );
}

/** The mailboxes are gone: counts what is left to do. Second run: no change. */
export async function beginRowsOf(db: Database, cascade: Cascade, steps: CascadeSteps): Promise<void> {
  const { tenantId, deletionId } = cascade;
  await db.inTenant(tenantId, async (sql) => {
    const stopping = await sql.query(
      `SELECT FROM deletion WHERE tenant_id = $1 AND id = $2 AND state = 'stopping' FOR UPDATE`,
      [tenantId, deletionId],
    );
    await sql.execute(
      `UPDATE deletion SET state = 'deleting' WHERE tenant_id = $1 AND id = $2 AND state IN ('stopping', 'verifying')`,
      [tenantId, deletionId],
    );
    if (stopping.length === 0) return;
    await sql.execute(
      `UPDATE deletion SET total = $3 + coalesce((
         SELECT sum(part.done) FROM deletion part WHERE part.tenant_id = $1 AND part.parent_id = $2), 0)
       WHERE tenant_id = $1 AND id = $2`,
      [tenantId, deletionId, await steps.count(sql)],
    );
  });
}

/** How far a deletion is, that of its mailboxes included; null where it has ended. */
export async function cascadeProgress(
  db: Database,
  { tenantId, deletionId }: { tenantId: string; deletionId: string },
): Promise<DeletionProgress | null> {
  const [row] = await db.inTenant(tenantId, (sql) =>
    sql.query<{ done: number; total: number | null; seconds: number }>(
      `SELECT (done + coalesce((SELECT sum(part.done) FROM deletion part WHERE part.tenant_id = $1 AND part.parent_id = $2), 0))::bigint AS done,
         total, extract(epoch FROM now() - started_at)::double precision AS seconds
       FROM deletion WHERE tenant_id = $1 AND id = $2 AND state NOT IN ('done', 'cancelled')`,
      [tenantId, deletionId],
    ),
  );
  return row === undefined ? null : progressOf(row);
}

function progressOf({
  done,
  total,
  seconds,
}: {
  done: number;
  total: number | null;
  seconds: number;
}): DeletionProgress {
  const rate = done > 0 && seconds > 0 ? done / seconds : null;
  const etaSeconds = rate === null || total === null ? null : Math.ceil(Math.max(0, total - done) / rate);
  return { done, total, rate, etaSeconds };
}
