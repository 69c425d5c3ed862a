import type { Sql } from './database';
import { principalsOf, type Reader, type TimelinePlace, type TimelineSlot } from './timeline-read';
import { allMailRecord } from './timeline-write';

/** The thread that an id stands for: itself, or the one that it became a part of. Null where there is none. */
export async function threadOf(sql: Sql, tenantId: string, threadId: string): Promise<string | null> {
  const [row] = await sql.query<{ id: string }>(
    'SELECT coalesce(merged_into, id) AS id FROM thread WHERE tenant_id = $1 AND id = $2',
    [tenantId, threadId],
  );
  return row?.id ?? null;
}

/** The messages of a thread that the reader may see, newest first, from after `after` on. */
export function readThread(
  sql: Sql,
  reader: Reader,
  page: { threadId: string; after: TimelinePlace | null; limit: number },
): Promise<TimelineSlot[]> {
  return sql.query<TimelineSlot>(
    `SELECT t.message_id AS "messageId", t.sort_at AS "sortAt", max(t.level) AS level
     FROM message m JOIN readable_timeline t ON t.tenant_id = $1 AND t.message_id = m.id AND t.record_id = $4 AND t.principal = ANY ($3::integer[])
     WHERE m.tenant_id = $1 AND m.thread_id = $2
       AND ($5::timestamptz IS NULL OR (t.sort_at, t.message_id) < ($5, $6::uuid))
     GROUP BY t.sort_at, t.message_id ORDER BY t.sort_at DESC, t.message_id DESC LIMIT $7`,
    [
      reader.tenantId,
      page.threadId,
      principalsOf(reader),
      allMailRecord,
      page.after?.sortAt ?? null,
      page.after?.messageId ?? null,
      page.limit,
    ],
  );
}
