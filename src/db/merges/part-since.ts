import type { Sql } from '../database';
import { newUuid } from '../new-id';
import { linkAgain } from '../rematch';
import { settleReplies } from '../thread-links/settle';

/** Two records that are being taken apart. */
interface Parting {
  tenantId: string;
  mergeId: string;
  recordId: string;
  intoRecordId: string;
}

/**
 * Gives mail that came while the two were one back to whose addresses, domains and links of threads it is, from the message after `after` on, at
 * most `limit` messages. Returns these messages, and whatever changed with them. Second run: no change.
 */
export async function partSince(
  sql: Sql,
  { tenantId, mergeId, recordId, intoRecordId }: Parting,
  { after, limit }: { after: string; limit: number },
): Promise<{ messageIds: string[]; changedIds: string[] }> {
  const rows = await sql.query<{ message_id: string }>(comeSince, [tenantId, intoRecordId, mergeId, after, limit]);
  const messageIds = rows.map((row) => row.message_id);
  if (messageIds.length === 0) return { messageIds, changedIds: [] };
  const values = [tenantId, recordId, intoRecordId, messageIds, mergeId];
  await sql.execute(giveLinks, [...values, messageIds.map(() => newUuid())]);
  await sql.execute(giveReasons, values);
  await sql.execute(takeReasons, [tenantId, intoRecordId, messageIds, mergeId]);
  await sql.execute(takeLinks, [tenantId, intoRecordId, messageIds]);
  await linkAgain(sql, tenantId, messageIds);
  const settled = await settleReplies(sql, tenantId, messageIds);
  return { messageIds, changedIds: [...new Set([...messageIds, ...settled])] };
}

const followed = (merge: string) =>
  `r.key = ANY (ARRAY(SELECT 'follow:' || t FROM record_merge m, unnest(m.thread_links) AS t WHERE m.tenant_id = $1 AND m.id = ${merge}))`;

// A transaction knows the moment at which it began, and may have waited for the merge.
const comeSince = `SELECT l.message_id FROM link l
WHERE l.tenant_id = $1 AND l.record_id = $2 AND l.message_id > $4 AND l.state = 'active' AND EXISTS (
  SELECT FROM link_reason r WHERE r.tenant_id = $1 AND r.link_id = l.id AND r.merge_id IS NULL
    AND r.created_at >= (SELECT created_at - interval '5 minutes' FROM record_merge WHERE tenant_id = $1 AND id = $3)
    AND (r.kind IN ('address', 'rule') OR ${followed('$3')}))
ORDER BY l.record_id, l.message_id LIMIT $5`;

const theirs = `theirs AS MATERIALIZED (
  SELECT l.id, l.message_id FROM unnest($4::uuid[]) AS w(message_id)
  CROSS JOIN LATERAL (SELECT id, message_id FROM link WHERE tenant_id = $1 AND message_id = w.message_id AND record_id = $3 OFFSET 0) l
), reasons AS MATERIALIZED (
  SELECT t.message_id, r.* FROM theirs t
  CROSS JOIN LATERAL (SELECT * FROM link_reason WHERE tenant_id = $1 AND link_id = t.id AND merge_id IS NULL OFFSET 0) r
  WHERE ${followed('$5')}
)`;

const giveLinks = `WITH ${theirs}
INSERT INTO link (tenant_id, id, message_id, record_id)
SELECT $1, ids.id, ids.message_id, $2 FROM unnest($4::uuid[], $6::uuid[]) AS ids(message_id, id)
WHERE ids.message_id IN (SELECT message_id FROM reasons) ON CONFLICT (message_id, record_id, tenant_id) DO NOTHING`;

const giveReasons = `WITH ${theirs}
INSERT INTO link_reason (tenant_id, link_id, kind, key, actor, record_version, created_at)
SELECT $1, l.id, r.kind, r.key, r.actor, r.record_version, r.created_at FROM reasons r
CROSS JOIN LATERAL (SELECT id FROM link WHERE tenant_id = $1 AND message_id = r.message_id AND record_id = $2 OFFSET 0) l
ON CONFLICT DO NOTHING`;

const takeReasons = `DELETE FROM link_reason r USING link l
WHERE l.tenant_id = $1 AND l.record_id = $2 AND l.message_id = ANY ($3::uuid[]) AND r.tenant_id = $1 AND r.link_id = l.id
  AND r.merge_id IS NULL AND ${followed('$4')}`;

const takeLinks = `DELETE FROM link l WHERE l.tenant_id = $1 AND l.record_id = $2 AND l.message_id = ANY ($3::uuid[]) AND l.state = 'active'
  AND NOT EXISTS (SELECT FROM link_reason r WHERE r.tenant_id = $1 AND r.link_id = l.id)`;
