import type { Database } from './database';

/** Forgets the answers that were kept for repeated requests, after the 24 hours that the API promises. Returns how many. */
export async function sweepIdempotencyKeys(db: Database, tenantId: string): Promise<number> {
  return db.inTenant(tenantId, (sql) =>
    sql.execute(`DELETE FROM idempotency_key WHERE tenant_id = $1 AND created_at < now() - interval '24 hours'`, [
      tenantId,
    ]),
  );
}
