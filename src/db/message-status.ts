import type { Sql } from './database';
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

/** Writes the status of a message. Second run: no change. */
export async function writeStatus(
  sql: Sql,
  tenantId: string,
  { messageId, status }: { messageId: string; status: MessageStatus },
): Promise<void> {
  await sql.execute('UPDATE message SET status = $3 WHERE tenant_id = $1 AND id = $2 AND status <> $3', [
    tenantId,
    messageId,
    status,
  ]);
}
