import type { Sql } from '../database';
import { linkKinds } from '../thread-links/link-task';

/** How far a merge is: `final` can no longer be undone. */
export type MergeState = 'merging' | 'merged' | 'undoing' | 'undone' | 'final';

/** Two records that are one. Ids are UUIDs. */
export interface Merge {
  id: string;
  /** What has become a part of the other. */
  recordId: string;
  intoRecordId: string;
  /** What merges them, or takes them apart. */
  operationId: string;
  state: MergeState;
  actor: string;
  createdAt: Date;
  undoUntil: Date;
  undoneAt: Date | null;
}

const columns = `m.id, m.record_id AS "recordId", m.into_record_id AS "intoRecordId", m.operation_id AS "operationId", m.state, m.actor,
  m.created_at AS "createdAt", m.undo_until AS "undoUntil", m.undone_at AS "undoneAt"`;

/** A merge, or null. */
export async function readMerge(sql: Sql, tenantId: string, mergeId: string): Promise<Merge | null> {
  const rows = await sql.query<Merge>(`SELECT ${columns} FROM record_merge m WHERE m.tenant_id = $1 AND m.id = $2`, [
    tenantId,
    mergeId,
  ]);
  return rows[0] ?? null;
}

/** The merges that a record was part of, newest first. */
export function mergesOf(
  sql: Sql,
  tenantId: string,
  page: { recordId: string; beforeId: string | null; limit: number },
): Promise<Merge[]> {
  return sql.query<Merge>(
    `SELECT ${columns} FROM record_merge m WHERE m.tenant_id = $1 AND (m.record_id = $2 OR m.into_record_id = $2)
       AND ($3::uuid IS NULL OR m.id < $3) ORDER BY m.id DESC LIMIT $4`,
    [tenantId, page.recordId, page.beforeId, page.limit],
  );
}

/** Whether links of these records, or of what has become a part of them, that a person has made, or taken away, are still being carried out. */
export async function linksAreChanging(sql: Sql, tenantId: string, recordIds: string[]): Promise<boolean> {
  const rows = await sql.query(
    `WITH RECURSIVE part AS (
       SELECT unnest($2::uuid[]) AS id UNION SELECT r.id FROM part JOIN record r ON r.tenant_id = $1 AND r.merged_into = part.id)
     SELECT FROM operation o WHERE o.tenant_id = $1 AND o.kind = ANY ($3::text[]) AND o.state IN ('waiting', 'running') AND (EXISTS (
       SELECT FROM link_change c
       WHERE c.tenant_id = $1 AND c.operation_id = o.id AND c.record_id = ANY (ARRAY(SELECT id FROM part)) AND c.done_at IS NULL)
     OR jsonb_typeof(o.task -> 'staging') = 'object' AND EXISTS (
       SELECT FROM thread_link t
       WHERE t.tenant_id = $1 AND t.id = (o.task -> 'thread' ->> 'linkId')::uuid AND t.record_id = ANY (ARRAY(SELECT id FROM part)))) LIMIT 1`,
    [tenantId, recordIds, [...linkKinds]],
  );
  return rows.length > 0;
}

/** Whether one of these records is just being merged, or taken apart. */
export async function isBeingMerged(sql: Sql, tenantId: string, recordIds: string[]): Promise<boolean> {
  const rows = await sql.query(
    `SELECT FROM record_merge WHERE tenant_id = $1 AND state IN ('merging', 'undoing')
       AND (record_id = ANY ($2::uuid[]) OR into_record_id = ANY ($2::uuid[])) LIMIT 1`,
    [tenantId, recordIds],
  );
  return rows.length > 0;
}
