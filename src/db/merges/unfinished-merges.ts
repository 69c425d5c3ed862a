import type { Database } from '../database';
import type { MergeRef } from './merge-chunk';

/** Operations of all tenants that merge records, or take them apart, and have not ended; at least `olderThanMs` old, at most 200, of more any. */
export function unfinishedMerges(db: Database, olderThanMs: number): Promise<MergeRef[]> {
  return db.acrossTenants((sql) =>
    sql.query<MergeRef>(
      `SELECT "tenantId", "operationId" FROM (
         SELECT tenant_id AS "tenantId", id AS "operationId", created_at FROM operation
         WHERE kind IN ('merge', 'merge-undo') AND state IN ('waiting', 'running') AND created_at < now() - $1 * interval '1 millisecond'
         ORDER BY random() LIMIT 200) picked ORDER BY created_at`,
      [olderThanMs],
    ),
  );
}
