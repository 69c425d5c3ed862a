import { reasonKeys } from '../../domain/link-reasons';
import { refreshActivities } from '../activities/refresh';
import { uuidArray } from '../binary-array';
import type { Sql } from '../database';
import type { RematchRef } from '../rematch-task';
import { refreshTimelines } from '../timeline-write';
import { leaveReplies, takeUpReplies, type LeftReplies } from './left-replies';
import { giversAmong } from './pass-on';
import { isItsOwn } from './reason-sql';
import { replyGraph } from './reply-graph';
import { spreadTo } from './spread';

/**
 * Makes links by reply agree with what they came from, after links of these messages changed, or these messages were deleted: who answers
 * what is no longer linked loses the reason, unless something else that it answers gives it again; who answers what is linked now gets one.
 * Links that have no reason left go. Of a long conversation the rest is left to a job (left-replies.ts). Returns the messages whose links changed,
 * whose timelines and activities are then the caller's. To be called under the tenant's lock, in the transaction of the change. Second run: no change.
 */
export async function settleReplies(sql: Sql, tenantId: string, messageIds: string[]): Promise<string[]> {
  if (messageIds.length === 0) return [];
  const { lost, left } = await takeBack(sql, tenantId, messageIds);
  const touched = [...new Set([...messageIds, ...lost])];
  const givers = await giversAmong(sql, tenantId, messageIds);
  const graph = await replyGraph(sql, tenantId, touched);
  const takers = [...new Set([...touched, ...givers.flatMap((giver) => graph.around(giver))])];
  const taken = left.length === 0 ? await spreadTo(sql, tenantId, { graph, takers }) : [];
  if (left.length > 0) await leaveReplies(sql, tenantId, { back: left, again: takers });
  await dropBareLinks(sql, tenantId, touched);
  return [...new Set([...lost, ...taken])];
}

/** The same after these messages were deleted; with the timelines and activities of what they had passed on to. */
export async function settleDeleted(sql: Sql, tenantId: string, messageIds: string[]): Promise<void> {
  if (messageIds.length === 0) return;
  const { lost, left } = await takeBack(sql, tenantId, messageIds);
  if (left.length > 0) await leaveReplies(sql, tenantId, { back: left, again: lost });
  const settled =
    left.length > 0 ? await withoutBareLinks(sql, tenantId, lost) : await settleReplies(sql, tenantId, lost);
  await refresh(sql, tenantId, [...new Set([...lost, ...settled])]);
}

/**
 * Goes on with what was left to a job, and says how much of it was done; 0: nothing of this kind is left. To be called under the tenant's lock, in the
 * transaction that notes how far the job is. Second run: the share after it.
 */
export async function settleLeft(sql: Sql, ref: RematchRef, kind: keyof LeftReplies): Promise<number> {
  const messageIds = await takeUpReplies(sql, ref, kind);
  if (messageIds.length === 0) return 0;
  const { tenantId } = ref;
  if (kind === 'again') {
    const graph = await replyGraph(sql, tenantId, messageIds);
    await refresh(sql, tenantId, await spreadTo(sql, tenantId, { graph, takers: messageIds }));
  } else {
    const { lost, left } = await takeBack(sql, tenantId, messageIds);
    await leaveReplies(sql, tenantId, { back: left, again: lost });
    await refresh(sql, tenantId, await withoutBareLinks(sql, tenantId, lost));
  }
  return messageIds.length;
}

async function refresh(sql: Sql, tenantId: string, messageIds: string[]): Promise<void> {
  await refreshTimelines(sql, tenantId, messageIds);
  await refreshActivities(sql, tenantId, messageIds);
}

/** What one transaction takes back at most: mail that arrives meanwhile waits for it. */
const takenBackAtOnce = 200;
const giversPerPage = 500;

/** Takes back what these messages gave and do not have any more, and what was given on from there; `left` are those of whom it is still to be done. */
async function takeBack(sql: Sql, tenantId: string, messageIds: string[]): Promise<{ lost: string[]; left: string[] }> {
  const lost = new Set<string>();
  const open = new Set(messageIds);
  let takenBack = 0;
  while (open.size > 0 && takenBack < takenBackAtOnce) {
    const page = [...open].slice(0, giversPerPage);
    const rows = await sql.query<{ message_id: string }>(takeBackStatement, [
      tenantId,
      uuidArray(page),
      page.map(reasonKeys.reply),
      takenBackAtOnce,
    ]);
    takenBack += rows.length;
    if (rows.length < takenBackAtOnce) for (const messageId of page) open.delete(messageId);
    for (const { message_id: messageId } of rows) {
      lost.add(messageId);
      open.add(messageId);
    }
  }
  return { lost: [...lost], left: [...open] };
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
  LIMIT $4
), gone AS (
  DELETE FROM link_reason r USING stale s WHERE r.tenant_id = $1 AND r.link_id = s.link_id AND r.kind = 'thread' AND r.key = s.key
)
SELECT message_id FROM stale`;

async function withoutBareLinks(sql: Sql, tenantId: string, messageIds: string[]): Promise<string[]> {
  await dropBareLinks(sql, tenantId, messageIds);
  return messageIds;
}

async function dropBareLinks(sql: Sql, tenantId: string, messageIds: string[]): Promise<void> {
  if (messageIds.length === 0) return;
  await sql.execute(
    `DELETE FROM link l WHERE l.tenant_id = $1 AND l.message_id = ANY ($2::uuid[]) AND l.state = 'active'
       AND NOT EXISTS (SELECT FROM link_reason r WHERE r.tenant_id = $1 AND r.link_id = l.id)`,
    [tenantId, uuidArray(messageIds)],
  );
}
