import type { Database } from '../database';
import { linkKinds, type LinkKind } from './link-task';

/** An operation on links that has not ended, and the thread that it is about; null where it is about single messages. */
export interface UnfinishedLinks {
  tenantId: string;
  operationId: string;
  kind: LinkKind;
  threadId: string | null;
}

/** Operations of all tenants that are to be done: written that long ago, so that whoever wrote them had the time to start them. */
export function unfinishedLinks(db: Database, olderThanMs: number): Promise<UnfinishedLinks[]> {
  return db.acrossTenants((sql) =>
    sql.query<UnfinishedLinks>(
      `SELECT tenant_id AS "tenantId", id AS "operationId", kind, task -> 'thread' ->> 'id' AS "threadId" FROM operation
       WHERE kind = ANY ($1::text[]) AND state IN ('waiting', 'running') AND created_at < now() - $2 * interval '1 millisecond'
       ORDER BY created_at`,
      [[...linkKinds], olderThanMs],
    ),
  );
}
