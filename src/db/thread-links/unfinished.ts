import type { Database } from '../database';
import { linkKinds, type LinkKind } from './link-task';

/** An operation on links that has not ended, and the thread that it is about; null where it is about single messages. */
export interface UnfinishedLinks {
  tenantId: string;
  operationId: string;
  kind: LinkKind;
  threadId: string | null;
}

/**
 * Operations of all tenants that are to be done: written that long ago, so that whoever wrote them had the time to start them; of a thread the
 * first, and at most 200 in all, of more any.
 */
export function unfinishedLinks(db: Database, olderThanMs: number): Promise<UnfinishedLinks[]> {
  return db.acrossTenants((sql) =>
    sql.query<UnfinishedLinks>(
      `SELECT "tenantId", "operationId", kind, "threadId" FROM (
         SELECT DISTINCT ON (tenant_id, coalesce(task -> 'thread' ->> 'id', id::text)) tenant_id AS "tenantId", id AS "operationId", kind,
           task -> 'thread' ->> 'id' AS "threadId" FROM operation
         WHERE kind = ANY ($1::text[]) AND state IN ('waiting', 'running') AND created_at < now() - $2 * interval '1 millisecond'
         ORDER BY tenant_id, coalesce(task -> 'thread' ->> 'id', id::text), created_at) next ORDER BY random() LIMIT 200`,
      [[...linkKinds], olderThanMs],
    ),
  );
}
