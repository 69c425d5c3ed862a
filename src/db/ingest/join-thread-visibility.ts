import { visibilityLevels } from '../../domain/policy';
import type { Sql } from '../database';
import { partsOfThread } from '../thread-parts';
import { refreshTimelines } from '../timeline-write';
import { queueVisibility } from '../visibility-job';

const narrowsNothing = `n.only_narrows AND n.level = ${String(visibilityLevels.full)}`;

/** So many messages are told anew in the transaction that joins their threads; more are left to a job. */
const toldAtOnce = 500;

/**
 * What was said of threads that became one is said of the whole as far as it narrows: anybody can join threads by a message that refers to both, so
 * it opens no mail that it was not said of. Tells their mail anew, or leaves that to a job: what it takes away nobody reads from the commit on. To be
 * called after the messages have moved, or what is left of that was written down, in the same transaction. Second run: no change.
 */
export async function joinThreadVisibility(
  sql: Sql,
  tenantId: string,
  merged: ReadonlyMap<string, string>,
): Promise<void> {
  const pairs = [[...merged.keys()], [...merged.values()]];
  const touched = await sql.query<{ winner: string }>(
    `SELECT DISTINCT m.winner FROM unnest($2::uuid[], $3::uuid[]) AS m(loser, winner)
     JOIN thread_visibility v ON v.tenant_id = $1 AND v.thread_id IN (m.loser, m.winner)`,
    [tenantId, ...pairs],
  );
  if (touched.length === 0) return;
  await sql.execute(joinStatement, [tenantId, ...pairs]);
  for (const { winner } of touched) {
    await sayOfParts(sql, tenantId, winner);
    await tellAnew(sql, tenantId, winner);
  }
}

// What was said of all the threads for one mailbox still opens, as far as the narrowest and from the first time; but where several mailboxes disagree
// the last word counts, and which one that is must not change by a join. All else only narrows, and the widest level narrows nothing.
const joinStatement = `
WITH side AS MATERIALIZED (
  SELECT winner, loser AS thread_id FROM unnest($2::uuid[], $3::uuid[]) AS m(loser, winner) UNION SELECT winner, winner FROM unnest($3::uuid[]) AS winner
), forgotten AS (
  DELETE FROM thread_visibility v USING side WHERE v.tenant_id = $1 AND v.thread_id = side.thread_id AND side.thread_id <> side.winner
), said AS MATERIALIZED (
  SELECT side.winner, v.* FROM side JOIN thread_visibility v ON v.tenant_id = $1 AND v.thread_id = side.thread_id
), alike AS (
  SELECT winner, count(DISTINCT level) = 1 OR count(DISTINCT source_id) = 1 AS is_alike FROM said GROUP BY winner
), narrowest AS (
  SELECT s.winner, s.source_id, min(s.level) AS level, min(s.created_at) AS first_at, max(s.created_at) AS last_at,
    (array_agg(s.actor ORDER BY s.level, s.created_at))[1] AS actor,
    NOT (a.is_alike AND NOT bool_or(s.only_narrows) AND count(*) = (SELECT count(*) FROM side WHERE side.winner = s.winner)) AS only_narrows
  FROM said s JOIN alike a USING (winner) GROUP BY s.winner, s.source_id, a.is_alike
), idle AS (
  DELETE FROM thread_visibility v USING narrowest n WHERE v.tenant_id = $1 AND v.thread_id = n.winner AND v.source_id = n.source_id AND ${narrowsNothing}
)
INSERT INTO thread_visibility (tenant_id, thread_id, source_id, level, actor, created_at, only_narrows)
SELECT $1, n.winner, n.source_id, n.level, n.actor, CASE WHEN n.only_narrows THEN n.last_at ELSE n.first_at END, n.only_narrows
FROM narrowest n WHERE NOT (${narrowsNothing})
ON CONFLICT (thread_id, tenant_id, source_id) DO UPDATE
  SET level = excluded.level, actor = excluded.actor, created_at = excluded.created_at, only_narrows = excluded.only_narrows`;

/**
 * Has what is said of a thread stand at each of its parts too, for the mail that still bears their ids: whoever tells mail looks there. To be called
 * wherever what is said of it changes. Second run: no change.
 */
export async function sayOfParts(sql: Sql, tenantId: string, threadId: string): Promise<void> {
  const parts = await sql.query<{ id: string }>(
    'SELECT thread_id AS id FROM thread_move WHERE tenant_id = $1 AND into_id = $2',
    [tenantId, threadId],
  );
  if (parts.length === 0) return;
  const ids = parts.map(({ id }) => id);
  await forgetPartVisibility(sql, tenantId, ids);
  await sql.execute(
    `INSERT INTO thread_visibility (tenant_id, thread_id, source_id, level, actor, created_at, only_narrows)
     SELECT v.tenant_id, part.id, v.source_id, v.level, v.actor, v.created_at, v.only_narrows FROM thread_visibility v CROSS JOIN unnest($3::uuid[]) AS part(id)
     WHERE v.tenant_id = $1 AND v.thread_id = $2`,
    [tenantId, threadId, ids],
  );
}

/** Forgets what was said of these parts: it stands at the whole. */
export async function forgetPartVisibility(sql: Sql, tenantId: string, partIds: string[]): Promise<void> {
  await sql.execute('DELETE FROM thread_visibility WHERE tenant_id = $1 AND thread_id = ANY ($2::uuid[])', [
    tenantId,
    partIds,
  ]);
}

async function tellAnew(sql: Sql, tenantId: string, threadId: string): Promise<void> {
  const messages = await sql.query<{ id: string }>(
    `SELECT id FROM message WHERE tenant_id = $1 AND thread_id = ANY (${partsOfThread('$2::uuid')}) LIMIT $3`,
    [tenantId, threadId, toldAtOnce + 1],
  );
  const messageIds = messages.map(({ id }) => id);
  if (messageIds.length <= toldAtOnce) await refreshTimelines(sql, tenantId, messageIds);
  else await queueVisibility(sql, tenantId, { mail: { of: 'thread', threadId }, narrowedUserIds: [] });
}
