import type { ParsedMessage } from '../../domain/message';
import type { Sql } from '../database';
import { participantsOf, previewOf } from '../ingest/message-write';
import type { DeletionRef } from './deletions';

/** What the survivor's bytes say, or its header where it has no more; null where it has none that can be read. */
export type SurvivorContent =
  | (Pick<
      ParsedMessage,
      'sentAt' | 'subject' | 'text' | 'textTruncated' | 'from' | 'sender' | 'replyTo' | 'to' | 'cc' | 'marks'
    > & {
      /** What the message is by its header alone; null where it was read whole. */
      headerKey: string | null;
    })
  | null;

/** Writes what messages are told from now on: subject, text, people, dates and marks. */
export async function writeContents(
  sql: Sql,
  { tenantId, sourceId, takes }: DeletionRef,
  messages: { messageId: string; told: SurvivorContent }[],
): Promise<void> {
  if (messages.length === 0) return;
  const told = messages.flatMap(({ messageId, told: content }) =>
    content === null ? [] : [rowOf(messageId, content)],
  );
  const unknown = messages.flatMap(({ messageId, told: content }) => (content === null ? [messageId] : []));
  const rows = `json_to_recordset($2::json) AS r(id uuid, sent_at timestamptz, participants jsonb, marks text[], subject text, preview text, text text, truncated boolean)`;
  const values = [tenantId, JSON.stringify(told)];
  await sql.execute(
    `UPDATE message m SET sent_at = r.sent_at, participants = r.participants, marks = r.marks FROM ${rows} WHERE m.tenant_id = $1 AND m.id = r.id`,
    values,
  );
  await sql.execute(
    `UPDATE message_subject s SET subject = r.subject FROM ${rows} WHERE s.tenant_id = $1 AND s.message_id = r.id`,
    values,
  );
  await sql.execute(
    `UPDATE message_body b SET preview = r.preview, text = r.text, text_truncated = r.truncated FROM ${rows}
     WHERE b.tenant_id = $1 AND b.message_id = r.id`,
    values,
  );
  for (const { messageId, told: content } of messages) {
    if (content?.headerKey != null) await writeHeaderKey(sql, tenantId, { messageId, headerKey: content.headerKey });
  }
  await writeUnknown(sql, { tenantId, sourceId: takes === undefined ? sourceId : null }, unknown);
}

function rowOf(id: string, content: NonNullable<SurvivorContent>) {
  return {
    id,
    sent_at: content.sentAt,
    participants: participantsOf(content),
    marks: content.marks,
    subject: content.subject,
    preview: previewOf(content.text),
    text: content.text,
    truncated: content.textTruncated,
  };
}

/** Under the key of the bytes that went, mail that comes with them would be taken for this one, and be hidden under it. */
const keyOfGone = `sha256(convert_to('bytes gone ' || m.id::text, 'UTF8'))`;

/** What is known by its header alone is joined with the whole when that comes again; one message of the tenant has the key. */
async function writeHeaderKey(
  sql: Sql,
  tenantId: string,
  { messageId, headerKey }: { messageId: string; headerKey: string },
): Promise<void> {
  await sql.execute(
    `UPDATE message m SET message_key =
       CASE WHEN EXISTS (SELECT FROM message WHERE tenant_id = $1 AND message_key = $3) THEN ${keyOfGone} ELSE $3 END
     WHERE tenant_id = $1 AND id = $2`,
    [tenantId, messageId, Buffer.from(headerKey, 'hex')],
  );
}

/** A copy without readable bytes: what is kept of it are its addresses. Who is hidden must not be told from another's header. */
async function writeUnknown(
  sql: Sql,
  { tenantId, sourceId }: { tenantId: string; sourceId: string | null },
  messageIds: string[],
): Promise<void> {
  if (messageIds.length === 0) return;
  const values = [tenantId, messageIds];
  const people = (role: string) =>
    `coalesce(jsonb_agg(DISTINCT jsonb_build_object('name', '', 'address', ca.address_key)) FILTER (WHERE ca.role = '${role}'), '[]')`;
  await sql.execute(
    `UPDATE message m SET message_key = ${keyOfGone}, marks = '{}', participants = (
       SELECT jsonb_build_object('from', ${people('from')}, 'sender', ${people('sender')}, 'replyTo', ${people('reply-to')},
         'to', ${people('to')}, 'cc', ${people('cc')})
       FROM copy c JOIN copy_address ca ON ca.tenant_id = $1 AND ca.copy_id = c.id WHERE c.tenant_id = $1 AND c.message_id = m.id AND c.source_id IS DISTINCT FROM $3::uuid)
     WHERE m.tenant_id = $1 AND m.id = ANY ($2::uuid[])`,
    [...values, sourceId],
  );
  await sql.execute(
    `UPDATE message_subject SET subject = '' WHERE tenant_id = $1 AND message_id = ANY ($2::uuid[])`,
    values,
  );
  await sql.execute(
    `UPDATE message_body SET preview = '', text = '', text_truncated = true WHERE tenant_id = $1 AND message_id = ANY ($2::uuid[])`,
    values,
  );
}
