import type { Sql } from './database';
import {
  isNarrowed,
  narrowedWindowRows,
  pageOfWindow,
  principalsOf,
  type Reader,
  type TimelinePage,
  type TimelinePlace,
  type WindowedRow,
} from './timeline-read';
import { allMailRecord } from './timeline-write';

/** The thread that an id stands for: itself, or the one that it became a part of. Null where there is none. */
export async function threadOf(sql: Sql, tenantId: string, threadId: string): Promise<string | null> {
  const [row] = await sql.query<{ id: string }>(
    'SELECT coalesce(merged_into, id) AS id FROM thread WHERE tenant_id = $1 AND id = $2',
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
  const principals = principalsOf(reader);
  const rows = await sql.query<WindowedRow>(threadStatement, [
    reader.tenantId,
    page.threadId,
    principals,
    allMailRecord,
    page.after?.sortAt ?? null,
    page.after?.messageId ?? null,
    page.limit,
    principals.at(-1),
  ]);
  return pageOfWindow(rows);
}

const rowsOfThread = `SELECT t.message_id, t.sort_at, t.level, false AS is_end
  FROM message m JOIN timeline t ON t.tenant_id = $1 AND t.message_id = m.id AND t.record_id = $4
  WHERE m.tenant_id = $1 AND m.thread_id = $2 AND ($5::timestamptz IS NULL OR (t.sort_at, t.message_id) < ($5, $6::uuid))`;

// $8, the last of the principals, is the only one that can lose mail.
const threadStatement = `WITH asked AS MATERIALIZED (
    ${rowsOfThread} AND t.principal = $8::integer AND ${isNarrowed('$8::integer')}
    ORDER BY t.sort_at DESC, t.message_id DESC LIMIT ${String(narrowedWindowRows)})
  SELECT message_id AS "messageId", sort_at AS "sortAt", max(level) AS level, bool_or(is_end) AS "isEnd" FROM (
    ${rowsOfThread} AND t.principal = ANY ($3::integer[]) AND (t.principal <> $8::integer OR NOT ${isNarrowed('$8::integer')})
    UNION ALL SELECT * FROM asked WHERE still_reads($4, $8::integer, message_id)
    UNION ALL (SELECT message_id, sort_at, 0, true FROM asked ORDER BY sort_at DESC, message_id DESC OFFSET ${String(narrowedWindowRows - 1)})
  ) seen GROUP BY sort_at, message_id ORDER BY sort_at DESC, message_id DESC LIMIT $7`;
