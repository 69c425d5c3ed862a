import type { Sql } from './database';
import { partsOfThread, wholeThread } from './thread-parts';
import {
  pageOfWindow,
  principalsOf,
  readingPrincipals,
  windowsOf,
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
  const rows = await sql.query<WindowedRow>(threadStatement(windowsOf(reader).narrowed), [
    reader.tenantId,
    page.threadId,
    principalsOf(reader),
    allMailRecord,
    page.after?.sortAt ?? null,
    page.after?.messageId ?? null,
    page.limit,
  ]);
  return pageOfWindow(rows);
}

// The rows of each message by its id, and then those of all mail: the other way round all mail would be read.
const threadStatement = (narrowed: number) => `WITH ${readingPrincipals('$3')}, rows AS MATERIALIZED (
    SELECT t.principal, r.narrowed, m.id AS message_id, t.sort_at, t.level FROM message m
    CROSS JOIN LATERAL (
      SELECT record_id, principal, sort_at, level FROM timeline
      WHERE tenant_id = $1 AND message_id = m.id AND principal = ANY ($3::integer[]) OFFSET 0) t
    JOIN reader r ON r.principal = t.principal
    WHERE m.tenant_id = $1 AND m.thread_id = ANY (${partsOfThread('$2::uuid')}) AND t.record_id = $4
      AND ($5::timestamptz IS NULL OR (t.sort_at, m.id) < ($5, $6::uuid))
  ), asked AS MATERIALIZED (
    SELECT * FROM rows WHERE narrowed ORDER BY sort_at DESC, message_id DESC LIMIT ${String(narrowed)})
  SELECT message_id AS "messageId", sort_at AS "sortAt", max(level) AS level, bool_or(is_end) AS "isEnd" FROM (
    SELECT message_id, sort_at, level, false AS is_end FROM rows WHERE NOT narrowed
    UNION ALL SELECT message_id, sort_at, least(level, still), false FROM (
      SELECT a.*, level_still_read($4, a.principal, a.message_id) AS still FROM asked a OFFSET 0) b WHERE still IS NOT NULL
    UNION ALL (SELECT message_id, sort_at, 0, true FROM asked ORDER BY sort_at DESC, message_id DESC OFFSET ${String(narrowed - 1)})
  ) seen GROUP BY sort_at, message_id ORDER BY sort_at DESC, message_id DESC LIMIT $7`;
