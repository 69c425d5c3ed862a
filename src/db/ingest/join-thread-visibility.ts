import type { Sql } from '../database';
import { partsOfThread } from '../thread-parts';
import { refreshTimelines } from '../timeline-write';
import { queueVisibility } from '../visibility-job';

/** So many messages are told anew in the transaction that joins their threads; more are left to a job. */
const toldAtOnce = 500;

/**
 * What was said of threads that became a part of others is said of these from now on: for each mailbox what was said last. Tells their mail anew, or
 * leaves that to a job: what it takes away nobody reads from the commit on. To be called after the messages have moved, or what is left of that was
 * written down, in the same transaction. Second run: no change.
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
  await sql.execute(
    `WITH moved AS (
       DELETE FROM thread_visibility v USING unnest($2::uuid[], $3::uuid[]) AS m(loser, winner)
       WHERE v.tenant_id = $1 AND v.thread_id = m.loser RETURNING v.*, m.winner
     )
     INSERT INTO thread_visibility (tenant_id, thread_id, source_id, level, actor, created_at)
     SELECT DISTINCT ON (winner, source_id) tenant_id, winner, source_id, level, actor, created_at FROM moved
     ORDER BY winner, source_id, created_at DESC, level
     ON CONFLICT (thread_id, tenant_id, source_id) DO UPDATE SET level = excluded.level, actor = excluded.actor, created_at = excluded.created_at
       WHERE excluded.created_at > thread_visibility.created_at`,
    [tenantId, ...pairs],
  );
  for (const { winner } of touched) {
    await sayOfParts(sql, tenantId, winner);
    await tellAnew(sql, tenantId, winner);
  }
}

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
    `INSERT INTO thread_visibility (tenant_id, thread_id, source_id, level, actor, created_at)
     SELECT v.tenant_id, part.id, v.source_id, v.level, v.actor, v.created_at FROM thread_visibility v CROSS JOIN unnest($3::uuid[]) AS part(id)
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
