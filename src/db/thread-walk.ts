import type { Sql } from './database';
import { partsOfThread } from './thread-parts';

const beginning = '-infinity 00000000-0000-0000-0000-000000000000';

/**
 * The next messages of a thread, by its id or an earlier name, in the order of their time, at most `limit`, and where the walk goes on; null where that
 * was all. No page reads what another has read. `after`: what a page before returned as `next`; null at the beginning. What a former release noted there
 * begins anew.
 */
export async function walkThread(
  sql: Sql,
  tenantId: string,
  from: { threadId: string; after: string | null; limit: number },
): Promise<{ messageIds: string[]; next: string | null }> {
  const after = from.after?.includes(' ') === true ? from.after : beginning;
  const blank = after.lastIndexOf(' ');
  const rows = await sql.query<{ id: string; at: string }>(walkStatement, [
    tenantId,
    from.threadId,
    after.slice(0, blank),
    after.slice(blank + 1),
    from.limit,
  ]);
  const last = rows.at(-1);
  return {
    messageIds: rows.map(({ id }) => id),
    next: last === undefined || rows.length < from.limit ? null : `${last.at} ${last.id}`,
  };
}

const walkStatement = `
SELECT m.id, m.sort_at::text AS at
FROM unnest(${partsOfThread('coalesce((SELECT t.merged_into FROM thread t WHERE t.tenant_id = $1 AND t.id = $2), $2::uuid)')}) AS part(id)
CROSS JOIN LATERAL (
  SELECT id, sort_at FROM message
  WHERE tenant_id = $1 AND thread_id = part.id AND sort_at >= $3::timestamptz AND (sort_at, id) > ($3::timestamptz, $4::uuid)
  ORDER BY sort_at, id LIMIT $5) m
ORDER BY m.sort_at, m.id LIMIT $5`;
