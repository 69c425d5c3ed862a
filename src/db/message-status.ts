import type { Sql } from './database';
import { newUuid } from './new-id';
import { levelOf, type Reader } from './timeline-read';

/** Whether somebody still has to do with a message (product promise C5). */
export const workingStatuses = ['open', 'replied', 'closed'] as const;
export type MessageStatus = (typeof workingStatuses)[number];

/** The status of a message, or null where there is none that the reader may know of; locked until the end of the transaction. */
export async function lockStatus(sql: Sql, reader: Reader, messageId: string): Promise<MessageStatus | null> {
  if ((await levelOf(sql, reader, messageId)) === null) return null;
  const [row] = await sql.query<{ status: MessageStatus }>(
    'SELECT status FROM message WHERE tenant_id = $1 AND id = $2 FOR UPDATE',
    [reader.tenantId, messageId],
  );
  return row?.status ?? null;
}

/** Writes the status of a message, and tells of it. To be called under the tenant's lock. Second run: no change. */
export async function writeStatus(
  sql: Sql,
  tenantId: string,
  { messageId, status }: { messageId: string; status: MessageStatus },
): Promise<void> {
  const changed = await sql.execute(
    'UPDATE message SET status = $3 WHERE tenant_id = $1 AND id = $2 AND status <> $3',
    [tenantId, messageId, status],
  );
  if (changed > 0) await tellStatus(sql, tenantId, { messageIds: [messageId], status });
}

/**
 * Tells other systems that messages have another status (`message.status-changed`), in the stream of the tenant, numbered without a gap; ids and the
 * status only. To be called under the tenant's lock, in the transaction that changes them.
 */
export async function tellStatus(
  sql: Sql,
  tenantId: string,
  { messageIds, status }: { messageIds: string[]; status: MessageStatus },
): Promise<void> {
  if (messageIds.length === 0) return;
  await sql.execute(
    `WITH numbered AS (
       UPDATE tenant SET next_seq = next_seq + $2 WHERE tenant_id = $1 RETURNING next_seq - $2 AS first_seq
     )
     INSERT INTO outbox (tenant_id, stream, epoch, seq, event_id, type, ids, about_message)
     SELECT $1, $1, 1, n.first_seq + e.n - 1, e.event_id, 'message.status-changed',
       jsonb_build_object('messageId', e.message_id, 'status', $5::text), e.message_id
     FROM numbered n CROSS JOIN unnest($3::uuid[], $4::uuid[]) WITH ORDINALITY AS e(message_id, event_id, n)`,
    [tenantId, messageIds.length, messageIds, messageIds.map(() => newUuid()), status],
  );
}
