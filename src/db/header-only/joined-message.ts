import type { Sql } from '../database';
import { levelOf, type Reader } from '../timeline-read';

/** Notes which message another is a part of from now on, and with it those that had become a part of that one; what was told of it is of the other. */
export async function noteJoined(
  sql: Sql,
  tenantId: string,
  { from, to }: { from: string; to: string },
): Promise<void> {
  const values = [tenantId, from, to];
  await sql.execute('UPDATE message_join SET message_id = $3 WHERE tenant_id = $1 AND message_id = $2', values);
  await sql.execute(
    'INSERT INTO message_join (tenant_id, joined_id, message_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING',
    values,
  );
  await sql.execute('UPDATE outbox SET about_message = $3 WHERE tenant_id = $1 AND about_message = $2', values);
}

/** The message that this one has become a part of; null where it is none, or the reader may not know of it. */
export async function joinedInto(sql: Sql, reader: Reader, messageId: string): Promise<string | null> {
  const [row] = await sql.query<{ id: string }>(
    'SELECT message_id AS id FROM message_join WHERE tenant_id = $1 AND joined_id = $2',
    [reader.tenantId, messageId],
  );
  return row !== undefined && (await levelOf(sql, reader, row.id)) !== null ? row.id : null;
}
