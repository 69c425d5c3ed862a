import { noteLinks } from './connectors/note-links';
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
 * Makes the timeline rows of these messages what they should be: who may read what where (product promise C12). Only what differs is written.
 * The tenant's own keys, the source's owner and members, and users in From, To or Cc read in full; everybody else reads as much as the
 * most open copy allows, or what was said of the thread, and only through a linked record that they may see. What is linked to a record
 * stands at its company and at its intermediary too. Whether somebody may see the place itself is asked when it is read (record-readers.ts).
 * Call it in the transaction that changed a link, a copy, a company, an intermediary, a scope or a visibility. Second run: no change.
 */
export async function refreshTimelines(sql: Sql, tenantId: string, messageIds: string[]): Promise<void> {
  if (messageIds.length === 0) return;
  await sql.execute(refreshStatement, [tenantId, messageIds, allMailRecord, unassignedRecord]);
}

/** The same for messages that have no timeline rows yet. */
export async function insertTimelines(sql: Sql, tenantId: string, messageIds: string[]): Promise<void> {
  if (messageIds.length === 0) return;
  await sql.execute(insertStatement, [tenantId, messageIds, allMailRecord, unassignedRecord]);
}

// Each LATERAL ... OFFSET 0 is a look-up by key for every row before it. In tables that an import is just filling there are no
// statistics, and a planner that may choose begins with all rows of the tenant.
const dueRows = `
held AS MATERIALIZED (
  SELECT w.message_id, c.copy_id, c.source_id, c.visibility, m.sort_at, m.thread_id
  FROM unnest($2::uuid[]) AS w(message_id)
  CROSS JOIN LATERAL (SELECT sort_at, thread_id FROM message WHERE tenant_id = $1 AND id = w.message_id OFFSET 0) AS m
  CROSS JOIN LATERAL (
    SELECT id AS copy_id, source_id, visibility FROM copy WHERE tenant_id = $1 AND message_id = w.message_id OFFSET 0
  ) AS c
), linked AS MATERIALIZED (
  -- A link that only Bcc or a delivery header explains is nobody's business but of those who hold such a copy.
  -- A record that was deleted is no reason to see a message, and no place to find it, until it is restored.
  SELECT w.message_id, l.link_id, l.record_id, l.is_open, r.company_id, r.intermediary_id, r.restricted FROM unnest($2::uuid[]) AS w(message_id)
  CROSS JOIN LATERAL (
    SELECT id AS link_id, record_id, EXISTS (
      SELECT FROM link_reason r WHERE r.tenant_id = $1 AND r.link_id = link.id
        AND NOT (r.kind IN ('address', 'rule') AND (r.key LIKE 'bcc:%' OR r.key LIKE 'delivered-to:%'))) AS is_open
    FROM link WHERE tenant_id = $1 AND message_id = w.message_id AND state = 'active' OFFSET 0
  ) AS l
  CROSS JOIN LATERAL (
    SELECT company_id, intermediary_id, restricted FROM record WHERE tenant_id = $1 AND id = l.record_id AND deleted_at IS NULL OFFSET 0
  ) AS r
), places AS MATERIALIZED (
  -- Where a link is shown: at the record, at its company and at its intermediary.
  SELECT DISTINCT l.message_id, l.record_id, l.is_open, p.place_id FROM linked l
  CROSS JOIN LATERAL (VALUES (l.record_id), (l.company_id), (l.intermediary_id)) AS p(place_id) WHERE p.place_id IS NOT NULL
), holders AS MATERIALIZED (
  SELECT s.source_id, u.principal
  FROM (SELECT DISTINCT source_id FROM held) AS s CROSS JOIN LATERAL (
    SELECT owner_user_id AS user_id FROM source WHERE tenant_id = $1 AND id = s.source_id
    UNION SELECT user_id FROM source_member WHERE tenant_id = $1 AND source_id = s.source_id OFFSET 0
  ) AS h JOIN app_user u ON u.tenant_id = $1 AND u.id = h.user_id
), readers AS MATERIALIZED (
  SELECT message_id, sort_at, -1 AS principal FROM held
  UNION
  SELECT h.message_id, h.sort_at, o.principal FROM held h JOIN holders o USING (source_id)
  UNION
  SELECT h.message_id, h.sort_at, p.principal FROM held h CROSS JOIN LATERAL (
    SELECT u.principal FROM copy_address ca
    JOIN user_address ua ON ua.tenant_id = $1 AND ua.address_key = ca.address_key
    JOIN app_user u ON u.tenant_id = $1 AND u.id = ua.user_id
    WHERE ca.tenant_id = $1 AND ca.copy_id = h.copy_id AND ca.role IN ('from', 'to', 'cc') OFFSET 0
  ) AS p
), hidden_holders AS MATERIALIZED (
  -- Who holds a copy with the very header that explains such a link.
  SELECT h.message_id, l.record_id, o.principal
  FROM linked l JOIN held h USING (message_id) JOIN holders o USING (source_id)
  WHERE NOT l.is_open AND EXISTS (
    SELECT FROM link_reason r JOIN copy_address ca ON ca.tenant_id = $1 AND ca.copy_id = h.copy_id
      AND ca.role IN ('bcc', 'delivered-to') AND ca.role || ':' || ca.address_key = r.key
    WHERE r.tenant_id = $1 AND r.link_id = l.link_id AND r.kind IN ('address', 'rule') OFFSET 0)
), overridden AS MATERIALIZED (
  -- Nobody asks for threads of a tenant that has set the visibility of none.
  SELECT DISTINCT h.message_id FROM held h CROSS JOIN LATERAL (
    SELECT FROM thread_visibility WHERE thread_id = h.thread_id AND tenant_id = $1 AND source_id = h.source_id OFFSET 0
  ) AS o WHERE EXISTS (SELECT FROM thread_visibility WHERE tenant_id = $1)
), open_to_others AS MATERIALIZED (
  SELECT * FROM (
    SELECT h.message_id, h.sort_at, CASE WHEN EXISTS (SELECT FROM overridden o WHERE o.message_id = h.message_id)
      THEN others_level(h.message_id) ELSE max(h.visibility)::smallint END AS level
    FROM held h GROUP BY h.message_id, h.sort_at
  ) AS o WHERE o.level > 0
), audience AS MATERIALIZED (
  -- Whoever may see the linked record: everybody, or those in its scope. Who reads for a reason of their own has rows of their own.
  SELECT l.message_id, l.record_id, o.sort_at, o.level, p.principal
  FROM linked l JOIN open_to_others o USING (message_id) CROSS JOIN LATERAL (
    SELECT 0 AS principal WHERE NOT l.restricted
    UNION ALL SELECT principal FROM record_scope WHERE l.restricted AND tenant_id = $1 AND record_id = l.record_id
  ) AS p
  WHERE l.is_open AND NOT EXISTS (SELECT FROM readers r WHERE r.message_id = l.message_id AND r.principal = p.principal)
), due AS (
SELECT $3::uuid AS record_id, principal, sort_at, message_id, 3::smallint AS level FROM readers
UNION ALL
SELECT $4::uuid, principal, sort_at, message_id, 3 FROM readers r
WHERE NOT EXISTS (SELECT FROM linked l WHERE l.message_id = r.message_id)
UNION ALL
SELECT l.place_id, r.principal, r.sort_at, r.message_id, 3 FROM places l JOIN readers r USING (message_id)
WHERE l.is_open OR r.principal = -1 OR EXISTS (
  SELECT FROM hidden_holders x WHERE x.message_id = r.message_id AND x.record_id = l.record_id AND x.principal = r.principal)
UNION ALL
SELECT l.place_id, a.principal, a.sort_at, a.message_id, a.level FROM places l JOIN audience a USING (message_id, record_id)
UNION ALL
SELECT $3::uuid, a.principal, a.sort_at, a.message_id, a.level FROM audience a
)`;

const insertStatement = `WITH ${dueRows}
INSERT INTO timeline (tenant_id, record_id, principal, sort_at, message_id, level)
SELECT $1, record_id, principal, sort_at, message_id, level FROM due ON CONFLICT DO NOTHING`;

const refreshStatement = `WITH ${dueRows}, there AS MATERIALIZED (
  SELECT t.* FROM unnest($2::uuid[]) AS w(message_id) CROSS JOIN LATERAL (
    SELECT ctid, record_id, principal, sort_at, message_id, level FROM timeline WHERE tenant_id = $1 AND message_id = w.message_id OFFSET 0) AS t
), compared AS MATERIALIZED (
  SELECT record_id, principal, sort_at, message_id, max(due) AS due, max(level) AS level, max(ctid) AS ctid FROM (
    SELECT record_id, principal, sort_at, message_id, level AS due, NULL::smallint AS level, NULL::tid AS ctid FROM due
    UNION ALL SELECT record_id, principal, sort_at, message_id, NULL, level, ctid FROM there
  ) AS both_sides GROUP BY record_id, principal, sort_at, message_id
), surplus AS (
  DELETE FROM timeline WHERE tenant_id = $1 AND ctid = ANY (ARRAY(SELECT ctid FROM compared WHERE due IS NULL))
), told_again AS (
  -- What a CRM may say of a link is what everybody reads there.
  ${noteLinks(`SELECT message_id, record_id FROM compared WHERE principal = ${String(everybodyPrincipal)} AND due IS DISTINCT FROM level`)}
)
INSERT INTO timeline (tenant_id, record_id, principal, sort_at, message_id, level)
SELECT $1, record_id, principal, sort_at, message_id, due FROM compared WHERE due IS NOT NULL AND due IS DISTINCT FROM level
ON CONFLICT (record_id, tenant_id, principal, sort_at, message_id) DO UPDATE SET level = excluded.level`;

/** A row that is not there although it should be, or the other way round. */
export interface TimelineDifference {
  messageId: string;
  kind: 'missing' | 'surplus';
}

/** How the timeline rows of these messages differ from those that `refreshTimelines` would write: each kind once for a message. */
export function timelineDifferences(sql: Sql, tenantId: string, messageIds: string[]): Promise<TimelineDifference[]> {
  return sql.query<TimelineDifference>(
    `WITH ${dueRows}, there AS (
       SELECT t.record_id, t.principal, t.sort_at, t.message_id, t.level
       FROM unnest($2::uuid[]) AS w(message_id) JOIN timeline t ON t.tenant_id = $1 AND t.message_id = w.message_id
     ), lacking AS (SELECT * FROM due EXCEPT SELECT * FROM there), surplus AS (SELECT * FROM there EXCEPT SELECT * FROM due)
     SELECT DISTINCT message_id AS "messageId", 'missing' AS kind FROM lacking
     UNION ALL SELECT DISTINCT message_id, 'surplus' FROM surplus`,
    [tenantId, messageIds, allMailRecord, unassignedRecord],
  );
}
