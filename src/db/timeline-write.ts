import type { Sql } from './database';

/** The pseudo-record under which `timeline` holds all mail that a principal may see. */
export const allMailRecord = '00000000-0000-0000-0000-000000000000';
/** The pseudo-record of a principal's mail without an active link. */
export const unassignedRecord = '00000000-0000-0000-0000-000000000001';
/** The principal of API keys that stand for the tenant. */
export const tenantPrincipal = -1;
/** The principal of everybody in the tenant who may see the record. */
export const everybodyPrincipal = 0;

/**
 * Writes the timeline rows of these messages anew: who may read what where (product promise C12).
 * The tenant's own keys, the source's owner and members, and users in From, To or Cc read in full; everybody else reads
 * as much as the most open copy allows, and only where a record is linked.
 * Call it in the transaction that changed a link, a copy or a visibility. Second run: no change.
 */
export async function refreshTimelines(sql: Sql, tenantId: string, messageIds: string[]): Promise<void> {
  if (messageIds.length === 0) return;
  await sql.execute('DELETE FROM timeline WHERE tenant_id = $1 AND message_id = ANY ($2::uuid[])', [
    tenantId,
    messageIds,
  ]);
  await insertTimelines(sql, tenantId, messageIds);
}

/** The same for messages that have no timeline rows yet. */
export async function insertTimelines(sql: Sql, tenantId: string, messageIds: string[]): Promise<void> {
  if (messageIds.length === 0) return;
  await sql.execute(insertStatement, [tenantId, messageIds, allMailRecord, unassignedRecord]);
}

const insertStatement = `
WITH held AS MATERIALIZED (
  SELECT c.message_id, c.id AS copy_id, c.source_id, c.visibility, m.sort_at
  FROM copy c JOIN message m ON m.tenant_id = c.tenant_id AND m.id = c.message_id
  WHERE c.tenant_id = $1 AND c.message_id = ANY ($2::uuid[])
), linked AS MATERIALIZED (
  -- A link that only Bcc or a delivery header explains is nobody's business but of those who hold such a copy.
  SELECT l.message_id, l.record_id, EXISTS (
    SELECT FROM link_reason r WHERE r.tenant_id = $1 AND r.link_id = l.id
      AND NOT (r.kind = 'address' AND (r.key LIKE 'bcc:%' OR r.key LIKE 'delivered-to:%'))) AS is_open
  FROM link l WHERE l.tenant_id = $1 AND l.message_id = ANY ($2::uuid[]) AND l.state = 'active'
), readers AS MATERIALIZED (
  SELECT message_id, sort_at, -1 AS principal FROM held
  UNION
  SELECT h.message_id, h.sort_at, u.principal
  FROM held h JOIN source s ON s.tenant_id = $1 AND s.id = h.source_id
  JOIN app_user u ON u.tenant_id = $1 AND u.id = s.owner_user_id
  UNION
  SELECT h.message_id, h.sort_at, u.principal
  FROM held h JOIN source_member sm ON sm.tenant_id = $1 AND sm.source_id = h.source_id
  JOIN app_user u ON u.tenant_id = $1 AND u.id = sm.user_id
  UNION
  SELECT h.message_id, h.sort_at, u.principal
  FROM held h JOIN copy_address ca ON ca.tenant_id = $1 AND ca.copy_id = h.copy_id AND ca.role IN ('from', 'to', 'cc')
  JOIN user_address ua ON ua.tenant_id = $1 AND ua.address_key = ca.address_key
  JOIN app_user u ON u.tenant_id = $1 AND u.id = ua.user_id
), open_to_all AS MATERIALIZED (
  SELECT message_id, sort_at, max(visibility)::smallint AS level FROM held GROUP BY message_id, sort_at HAVING max(visibility) > 0
)
INSERT INTO timeline (tenant_id, record_id, principal, sort_at, message_id, level)
SELECT $1, $3::uuid, principal, sort_at, message_id, 3 FROM readers
UNION ALL
SELECT $1, $4::uuid, principal, sort_at, message_id, 3 FROM readers r
WHERE NOT EXISTS (SELECT FROM linked l WHERE l.message_id = r.message_id)
UNION ALL
SELECT $1, l.record_id, r.principal, r.sort_at, r.message_id, 3 FROM linked l JOIN readers r USING (message_id)
UNION ALL
SELECT $1, l.record_id, 0, o.sort_at, o.message_id, o.level FROM linked l JOIN open_to_all o USING (message_id) WHERE l.is_open
UNION ALL
SELECT $1, $3::uuid, 0, o.sort_at, o.message_id, o.level FROM open_to_all o
WHERE EXISTS (SELECT FROM linked l WHERE l.message_id = o.message_id AND l.is_open)
ON CONFLICT DO NOTHING`;
