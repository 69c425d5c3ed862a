import type { Database } from '../database';
import type { PersonRef } from './begin-erasure';

/** Erasures of people of all tenants that have not ended. Starting one that runs changes nothing. */
export function unfinishedErasures(db: Database): Promise<PersonRef[]> {
  return db.acrossTenants((sql) =>
    sql.query(
      `SELECT tenant_id AS "tenantId", id AS "deletionId" FROM deletion
       WHERE kind = 'person' AND state NOT IN ('done', 'cancelled') ORDER BY created_at`,
    ),
  );
}
