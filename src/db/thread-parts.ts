/**
 * Pieces of statements ($1: the tenant) that read a thread as one while mail of others that became a part of it still stands under their ids
 * (`thread_move`, ingest/move-threads.ts). Where nothing is being moved each is a look-up in an empty table.
 */

/** The thread that what bears this thread's id belongs to. */
export function wholeThread(threadId: string): string {
  return `coalesce((SELECT v.into_id FROM thread_move v WHERE v.tenant_id = $1 AND v.thread_id = ${threadId}), ${threadId})`;
}

/** All the ids under which mail of this thread stands, as an array. */
export function partsOfThread(threadId: string): string {
  return `ARRAY(SELECT part.id FROM (SELECT ${wholeThread(threadId)} AS id) whole CROSS JOIN LATERAL (
    SELECT whole.id UNION ALL SELECT v.thread_id FROM thread_move v WHERE v.tenant_id = $1 AND v.into_id = whole.id) part)`;
}

/** A list of WITH that ends with `bare`: of these threads those without mail, with all their parts and earlier names, in their order. */
export function emptyThreads(threadIds: string): string {
  return `empty AS MATERIALIZED (
      SELECT t.id FROM unnest(${threadIds}) AS t(id) WHERE NOT ${isMoving} AND NOT EXISTS (
        SELECT FROM message WHERE tenant_id = $1 AND thread_id = t.id OFFSET 0)
      UNION
      SELECT part.id FROM unnest(${threadIds}) AS t(id) CROSS JOIN LATERAL (SELECT ${partsOfThread('t.id')} AS ids) parts
      CROSS JOIN LATERAL unnest(parts.ids) AS part(id) WHERE ${isMoving} AND NOT EXISTS (
        SELECT FROM unnest(parts.ids) AS other(id) CROSS JOIN LATERAL (
          SELECT FROM message WHERE tenant_id = $1 AND thread_id = other.id LIMIT 1) m)
    ), bare AS MATERIALIZED (
      SELECT id FROM empty UNION SELECT id FROM thread WHERE tenant_id = $1 AND merged_into = ANY (ARRAY(SELECT id FROM empty)) ORDER BY id)`;
}

/** Asked once for all threads of a statement. */
const isMoving = 'EXISTS (SELECT FROM thread_move WHERE tenant_id = $1)';
