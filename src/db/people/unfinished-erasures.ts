import type { Database } from '../database';
import type { PersonRef } from './begin-erasure';

/** Erasures of people of all tenants that have not ended; at most 200, of more any. Starting one that runs changes nothing. */
export function unfinishedErasures(db: Database): Promise<PersonRef[]> {
  return db.acrossTenants((sql) =>
    sql.query(
      `SELECT "tenantId", "deletionId" FROM (
         SELECT tenant_id AS "tenantId", id AS "deletionId", created_at FROM deletion
         WHERE kind = 'person' AND state NOT IN ('done', 'cancelled') ORDER BY random() LIMIT 200) picked ORDER BY created_at`,
    ),
  );
}
