/**
 * Statements over the links of messages ($4), of a merge ($5), of one record ($2) and the other that it is a part of ($3). A link of the
 * merged record waits where it is, in a state of its own; its reasons stand at the other record too, marked with the merge.
 */

const mine = `mine AS MATERIALIZED (
  SELECT w.message_id, l.id, l.state FROM unnest($4::uuid[]) AS w(message_id)
  CROSS JOIN LATERAL (
    SELECT id, state FROM link WHERE tenant_id = $1 AND message_id = w.message_id AND record_id = $2 OFFSET 0) l
)`;
const theirs = `theirs AS MATERIALIZED (
  SELECT w.message_id, l.id, l.state, l.merge_id FROM unnest($4::uuid[]) AS w(message_id)
  CROSS JOIN LATERAL (
    SELECT id, state, merge_id FROM link WHERE tenant_id = $1 AND message_id = w.message_id AND record_id = $3 OFFSET 0) l
)`;

/** Links that the other record has not yet; $6: an id for each message. */
export const giveLinks = `WITH ${mine}
INSERT INTO link (tenant_id, id, message_id, record_id, state, merge_id)
SELECT $1, ids.id, m.message_id, $3, m.state, CASE WHEN m.state = 'suppressed' THEN $5::uuid END
FROM mine m JOIN unnest($4::uuid[], $6::uuid[]) AS ids(message_id, id) USING (message_id)
WHERE m.state IN ('active', 'suppressed') ON CONFLICT (message_id, record_id, tenant_id) DO NOTHING`;

/** What a person took away stays away, unless a person has linked it to the other record. */
export const suppressLinks = `WITH ${mine}, ${theirs}
UPDATE link l SET state = 'suppressed', merge_id = $5 FROM mine m JOIN theirs t USING (message_id)
WHERE l.tenant_id = $1 AND l.id = t.id AND m.state = 'suppressed' AND t.state = 'active'
  AND NOT EXISTS (SELECT FROM link_reason r WHERE r.tenant_id = $1 AND r.link_id = t.id AND r.kind = 'person')`;

export const giveReasons = `WITH ${mine}, ${theirs}
INSERT INTO link_reason (tenant_id, link_id, kind, key, actor, record_version, created_at, merge_id)
SELECT $1, t.id, r.kind, r.key, r.actor, r.record_version, r.created_at, $5 FROM mine m JOIN theirs t USING (message_id)
CROSS JOIN LATERAL (SELECT * FROM link_reason WHERE tenant_id = $1 AND link_id = m.id OFFSET 0) r
WHERE NOT (m.state = 'suppressed' AND t.state = 'active') ON CONFLICT DO NOTHING`;

export const putAside = `UPDATE link SET state = CASE state WHEN 'active' THEN 'merged' ELSE 'merged-suppressed' END
WHERE tenant_id = $1 AND record_id = $2 AND message_id = ANY ($4::uuid[]) AND state IN ('active', 'suppressed')
  AND $3::uuid IS NOT NULL AND $5::uuid IS NOT NULL`;

export const takeReasonsBack = `WITH ${theirs}
DELETE FROM link_reason r USING theirs t WHERE r.tenant_id = $1 AND r.link_id = t.id AND r.merge_id = $5 AND $2::uuid IS NOT NULL`;

/** What another record that is a part of the same one gives too. */
export const giveOthersReasons = `WITH ${theirs}, others AS MATERIALIZED (
  SELECT m.record_id, m.id AS merge_id FROM record_merge m
  WHERE m.tenant_id = $1 AND m.into_record_id = $3 AND m.record_id <> $2 AND m.state IN ('merging', 'merged', 'final') AND m.id <> $5
)
INSERT INTO link_reason (tenant_id, link_id, kind, key, actor, record_version, created_at, merge_id)
SELECT $1, t.id, r.kind, r.key, r.actor, r.record_version, r.created_at, o.merge_id FROM theirs t CROSS JOIN others o
CROSS JOIN LATERAL (
  SELECT id FROM link WHERE tenant_id = $1 AND message_id = t.message_id AND record_id = o.record_id OFFSET 0) l
CROSS JOIN LATERAL (SELECT * FROM link_reason WHERE tenant_id = $1 AND link_id = l.id OFFSET 0) r ON CONFLICT DO NOTHING`;

/** Links that the merge made, and that have no other reason. */
export const takeLinksBack = `WITH ${theirs}
DELETE FROM link l USING theirs t WHERE l.tenant_id = $1 AND l.id = t.id AND $2::uuid IS NOT NULL
  AND (t.state = 'active' OR t.merge_id = $5)
  AND NOT EXISTS (SELECT FROM link_reason r WHERE r.tenant_id = $1 AND r.link_id = l.id)`;

/** Links that only the merge suppressed. */
export const unsuppressLinks = `UPDATE link SET state = 'active', merge_id = NULL
WHERE tenant_id = $1 AND record_id = $3 AND message_id = ANY ($4::uuid[]) AND merge_id = $5 AND state = 'suppressed' AND $2::uuid IS NOT NULL`;

export const takeUpAgain = `UPDATE link SET state = CASE state WHEN 'merged' THEN 'active' ELSE 'suppressed' END
WHERE tenant_id = $1 AND record_id = $2 AND message_id = ANY ($4::uuid[]) AND state IN ('merged', 'merged-suppressed')
  AND $3::uuid IS NOT NULL AND $5::uuid IS NOT NULL`;
