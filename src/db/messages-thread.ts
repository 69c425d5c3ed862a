import type { Sql } from './database';
import { partsOfThread, wholeThread } from './thread-parts';
import {
  pageOfWindow,
  principalsOf,
  readingPrincipals,
  windowsOf,
  type PageWindows,
  type Reader,
  type TimelinePage,
  type TimelinePlace,
  type WindowedRow,
} from './timeline-read';
import { allMailRecord } from './timeline-write';

/** The thread that an id stands for: itself, or the one that it became a part of. Null where there is none. */
export async function threadOf(sql: Sql, tenantId: string, threadId: string): Promise<string | null> {
  const [row] = await sql.query<{ id: string }>(
    `SELECT ${wholeThread('coalesce(t.merged_into, t.id)')} AS id FROM thread t WHERE t.tenant_id = $1 AND t.id = $2`,
    [tenantId, threadId],
  );
  return row?.id ?? null;
}

/** The messages of a thread that the reader may see, newest first, from after `after` on; short pages as of `readTimeline`. */
export async function readThread(
  sql: Sql,
  reader: Reader,
  page: { threadId: string; after: TimelinePlace | null; limit: number },
): Promise<TimelinePage> {
  const rows = await sql.query<WindowedRow>(threadStatement(windowsOf(reader)), [
    reader.tenantId,
    page.threadId,
    principalsOf(reader),
    allMailRecord,
    page.after?.sortAt ?? 'infinity',
    page.after?.messageId ?? lastUuid,
    page.limit,
  ]);
  return pageOfWindow(rows);
}

const lastUuid = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

// Of each part of the thread so many messages are walked through, along the index, and then their rows by their ids: the other way round all mail would be
// read. Beyond the newest place where one of these walks ends nothing is known yet.
const threadStatement = ({
  filtered,
  narrowed,
}: PageWindows) => `WITH ${readingPrincipals('$3')}, walked AS MATERIALIZED (
    SELECT part.id AS part_id, m.id, m.sort_at FROM unnest(${partsOfThread('$2::uuid')}) AS part(id) CROSS JOIN LATERAL (
      SELECT id, sort_at FROM message
      WHERE tenant_id = $1 AND thread_id = part.id AND sort_at <= $5::timestamptz AND (sort_at, id) < ($5, $6::uuid)
      ORDER BY sort_at DESC, id DESC LIMIT ${String(filtered)}) m
  ), rows AS MATERIALIZED (
    SELECT t.principal, r.narrowed, m.id AS message_id, m.sort_at, t.level FROM walked m
    CROSS JOIN LATERAL (
      SELECT record_id, principal, level FROM timeline
      WHERE tenant_id = $1 AND message_id = m.id AND principal = ANY ($3::integer[]) OFFSET 0) t
    JOIN reader r ON r.principal = t.principal
    WHERE t.record_id = $4
  ), asked AS MATERIALIZED (
    SELECT * FROM rows WHERE narrowed ORDER BY sort_at DESC, message_id DESC LIMIT ${String(narrowed)})
  SELECT message_id AS "messageId", sort_at AS "sortAt", max(level) AS level, bool_or(is_end) AS "isEnd" FROM (
    SELECT message_id, sort_at, level, false AS is_end FROM rows WHERE NOT narrowed
    UNION ALL SELECT message_id, sort_at, least(level, still), false FROM (
      SELECT a.*, level_still_read($4, a.principal, a.message_id) AS still FROM asked a OFFSET 0) b WHERE still IS NOT NULL
    UNION ALL (SELECT message_id, sort_at, 0, true FROM asked ORDER BY sort_at DESC, message_id DESC OFFSET ${String(narrowed - 1)})
    UNION ALL SELECT id, sort_at, 0, true FROM (
      SELECT id, sort_at, row_number() OVER (PARTITION BY part_id ORDER BY sort_at DESC, id DESC) AS n FROM walked) w WHERE n = ${String(filtered)}
  ) seen GROUP BY sort_at, message_id ORDER BY sort_at DESC, message_id DESC LIMIT $7`;
