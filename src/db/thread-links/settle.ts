import { reasonKeys } from '../../domain/link-reasons';
import { refreshActivities } from '../activities/refresh';
import { uuidArray } from '../binary-array';
import type { Sql } from '../database';
import { refreshTimelines } from '../timeline-write';
import { isItsOwn } from './reason-sql';
import { spreadReasons, takeAgain } from './spread';

/**
 * Makes links by reply agree with what they came from, after links of these messages changed, or these messages were deleted: who answers
 * what is no longer linked loses the reason, unless something else that it answers gives it again; who answers what is linked now gets one.
 * Links that have no reason left go. Returns the messages whose links changed, whose timelines and activities are then the caller's. To be
 * called under the tenant's lock, in the transaction of the change. Second run: no change.
 */
export async function settleReplies(sql: Sql, tenantId: string, messageIds: string[]): Promise<string[]> {
  if (messageIds.length === 0) return [];
  const lost = await takeBack(sql, tenantId, messageIds);
  const again = await takeAgain(sql, tenantId, [...new Set([...messageIds, ...lost])]);
  const taken = await spreadReasons(sql, tenantId, [...new Set([...messageIds, ...again])]);
  await dropBareLinks(sql, tenantId, [...new Set([...messageIds, ...lost])]);
  return [...new Set([...lost, ...taken])];
}

/** The same after these messages were deleted; with the timelines and activities of what they had passed on to. */
export async function settleDeleted(sql: Sql, tenantId: string, messageIds: string[]): Promise<void> {
  if (messageIds.length === 0) return;
  const lost = await takeBack(sql, tenantId, messageIds);
  if (lost.length === 0) return;
  const changed = [...new Set([...lost, ...(await settleReplies(sql, tenantId, lost))])];
  await refreshTimelines(sql, tenantId, changed);
  await refreshActivities(sql, tenantId, changed);
}

/** Takes back what these messages gave and do not have any more, and what was given on from there. */
async function takeBack(sql: Sql, tenantId: string, messageIds: string[]): Promise<string[]> {
  const lost = new Set<string>();
  let from = messageIds;
  while (from.length > 0) {
    const rows = await sql.query<{ message_id: string }>(takeBackStatement, [
      tenantId,
      uuidArray(from),
      from.map(reasonKeys.reply),
    ]);
    from = [...new Set(rows.map((row) => row.message_id))];
    for (const messageId of from) lost.add(messageId);
  }
  return [...lost];
}

const takeBackStatement = `WITH kept AS MATERIALIZED (
  SELECT r.link_id, r.key, l.message_id, l.record_id, w.id AS giver
  FROM unnest($2::uuid[], $3::text[]) AS w(id, key)
  CROSS JOIN LATERAL (SELECT link_id, key FROM link_reason WHERE tenant_id = $1 AND kind = 'thread' AND key = w.key OFFSET 0) r
  CROSS JOIN LATERAL (SELECT message_id, record_id FROM link WHERE tenant_id = $1 AND id = r.link_id OFFSET 0) l
), stale AS MATERIALIZED (
  SELECT k.* FROM kept k WHERE NOT EXISTS (
    SELECT FROM link g JOIN link_reason r ON r.tenant_id = $1 AND r.link_id = g.id
    WHERE g.tenant_id = $1 AND g.message_id = k.giver AND g.record_id = k.record_id AND g.state = 'active' AND ${isItsOwn('r')} OFFSET 0)
), gone AS (
  DELETE FROM link_reason r USING stale s WHERE r.tenant_id = $1 AND r.link_id = s.link_id AND r.kind = 'thread' AND r.key = s.key
)
SELECT DISTINCT message_id FROM stale`;

async function dropBareLinks(sql: Sql, tenantId: string, messageIds: string[]): Promise<void> {
  if (messageIds.length === 0) return;
  await sql.execute(
    `DELETE FROM link l WHERE l.tenant_id = $1 AND l.message_id = ANY ($2::uuid[]) AND l.state = 'active'
       AND NOT EXISTS (SELECT FROM link_reason r WHERE r.tenant_id = $1 AND r.link_id = l.id)`,
    [tenantId, uuidArray(messageIds)],
  );
}
