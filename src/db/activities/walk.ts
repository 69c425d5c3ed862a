import { readingPrincipals, type PageWindows, type TimelinePlace } from '../timeline-read';

/**
 * Places of `$2` (principals) at the record `$3`, newest first from `$4`, `$5` on; and where the walk of one of them ended before its end. Of a
 * principal who has just lost mail fewer rows are walked, because each is asked whether it is still theirs.
 */
export function walkOfRecord(bound: '<' | '<=', { narrowed, filtered }: PageWindows): string {
  const rows = (most: number) => `SELECT t.sort_at, t.message_id, t.level FROM timeline t
        WHERE t.tenant_id = $1 AND t.record_id = $3 AND t.principal = r.principal
          AND ($4::timestamptz IS NULL OR (t.sort_at, t.message_id) ${bound} ($4, $5::uuid))
        ORDER BY t.sort_at DESC, t.message_id DESC LIMIT ${String(most)}`;
  return `${readingPrincipals('$2')}, walk AS MATERIALIZED (
      SELECT r.principal, r.narrowed, w.sort_at, w.message_id, w.level FROM reader r CROSS JOIN LATERAL (${rows(filtered)}) w WHERE NOT r.narrowed
      UNION ALL
      SELECT r.principal, r.narrowed, w.sort_at, w.message_id, CASE WHEN w.asked > 0 THEN least(w.level, w.asked) END
      FROM reader r CROSS JOIN LATERAL (
        SELECT y.*, coalesce(level_still_read($3, r.principal, y.message_id), 0) AS asked FROM (${rows(narrowed)}) y OFFSET 0) w
      WHERE r.narrowed
    ), reach AS MATERIALIZED (
      SELECT sort_at, message_id FROM (
        SELECT DISTINCT ON (principal) sort_at, message_id, narrowed, count(*) OVER (PARTITION BY principal) AS walked
        FROM walk ORDER BY principal, sort_at, message_id) ends
      WHERE walked = CASE WHEN narrowed THEN ${String(narrowed)} ELSE ${String(filtered)} END
      ORDER BY sort_at DESC, message_id DESC LIMIT 1
    ), seen AS MATERIALIZED (
      SELECT sort_at, message_id, max(level) AS level FROM walk w
      WHERE w.level IS NOT NULL AND NOT EXISTS (SELECT FROM reach r WHERE (w.sort_at, w.message_id) < (r.sort_at, r.message_id))
      GROUP BY sort_at, message_id
    )`;
}

/** Some of a list, and where it goes on although it is short. */
export interface Walked<Row> {
  rows: Row[];
  resumeAfter: TimelinePlace | null;
}

/** Rows as such a statement answers them: the last may be only the place where the walk ended. */
export function walkedOf<Row extends TimelinePlace>(rows: (Row & { isEnd: boolean })[]): Walked<Row> {
  return { rows: rows.filter(({ isEnd }) => !isEnd), resumeAfter: rows.find(({ isEnd }) => isEnd) ?? null };
}
