import { sortAt } from '../../domain/dates';
import type { ParsedMessage } from '../../domain/message';
import type { Sql } from '../database';
import { participantsOf, previewOf } from '../ingest/message-write';
import { linkAgain } from '../rematch';
import { refreshTimelines } from '../timeline-write';
import type { DeletionRef } from './deletions';

/** A message that stays, because another source holds a copy of it. */
export interface SharedMessage {
  messageId: string;
  /** The oldest copy of another source: what the message is told from afterwards. */
  survivor: { copyId: string; blobId: string | null; size: number };
  /**
   * What is shown of the message now: `theirs`, from a copy that stays; `same`, from a copy of the source with the very bytes of the
   * survivor; `other`, from a copy of the source with other bytes. A message is told from its oldest copy.
   */
  content: 'theirs' | 'same' | 'other';
}

/** What the survivor's bytes say, or null where it has no bytes that can be read. */
export type SurvivorContent = Pick<
  ParsedMessage,
  'sentAt' | 'subject' | 'text' | 'textTruncated' | 'from' | 'sender' | 'replyTo' | 'to' | 'cc' | 'marks'
> | null;

/** By message: the copy that was read, and what it says. */
export type SurvivorContents = Map<string, { copyId: string; content: SurvivorContent }>;

/** The messages of these copies that other sources hold too. */
export async function sharedMessages(sql: Sql, ref: DeletionRef, copyIds: string[]): Promise<SharedMessage[]> {
  if (copyIds.length === 0) return [];
  const rows = await sql.query<{
    message_id: string;
    copy_id: string;
    blob_id: string | null;
    raw_size: number;
    content: SharedMessage['content'];
  }>(
    `WITH mine AS MATERIALIZED (
       SELECT DISTINCT message_id FROM copy WHERE tenant_id = $1 AND id = ANY ($3::uuid[]) AND source_id = $2
     )
     SELECT m.message_id, other.id AS copy_id, other.blob_id, other.raw_size,
       CASE WHEN first.source_id <> $2 THEN 'theirs' WHEN first.raw_sha = other.raw_sha THEN 'same' ELSE 'other' END AS content
     FROM mine m
     CROSS JOIN LATERAL (
       SELECT id, blob_id, raw_sha, raw_size FROM copy WHERE tenant_id = $1 AND message_id = m.message_id AND source_id <> $2
       ORDER BY recorded_at, id LIMIT 1
     ) other
     CROSS JOIN LATERAL (
       SELECT source_id, raw_sha FROM copy WHERE tenant_id = $1 AND message_id = m.message_id ORDER BY recorded_at, id LIMIT 1
     ) first`,
    [ref.tenantId, ref.sourceId, copyIds],
  );
  return rows.map((row) => ({
    messageId: row.message_id,
    survivor: { copyId: row.copy_id, blobId: row.blob_id, size: row.raw_size },
    content: row.content,
  }));
}

/**
 * Tells messages that stay from the copies that stay, after those of the source went and in the same transaction: subject, text, people,
 * dates and marks from the oldest; links, timelines and search from all. Nothing of the deleted copies shines through.
 */
export async function tellFromSurvivors(
  sql: Sql,
  ref: DeletionRef,
  shared: { messages: SharedMessage[]; contents: SurvivorContents; addressKeys: string[] },
): Promise<void> {
  const { tenantId } = ref;
  const { messages, contents, addressKeys } = shared;
  if (messages.length === 0) return;
  const messageIds = messages.map((message) => message.messageId);
  await writeContents(
    sql,
    ref,
    messages
      .filter((message) => message.content === 'other')
      .map((message) => ({ ...message, told: contents.get(message.messageId)?.content ?? null })),
  );
  await writeDates(
    sql,
    tenantId,
    messages.filter((message) => message.content !== 'theirs'),
  );
  await linkAgain(sql, tenantId, { messageIds, addressKeys });
  await refreshTimelines(sql, tenantId, messageIds);
  // The row of search_pending first: who is just writing search rows from what was there before holds it, and is waited for.
  await sql.execute(
    `INSERT INTO search_pending (tenant_id, message_id) SELECT $1, id FROM unnest($2::uuid[]) AS id ORDER BY id
     ON CONFLICT (tenant_id, message_id) DO UPDATE SET added_at = now()`,
    [tenantId, messageIds],
  );
  await sql.execute('DELETE FROM message_search WHERE tenant_id = $1 AND message_id = ANY ($2::uuid[])', [
    tenantId,
    messageIds,
  ]);
}

async function writeContents(
  sql: Sql,
  { tenantId, sourceId }: DeletionRef,
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
  await writeUnknown(sql, { tenantId, sourceId }, unknown);
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

/** A copy without readable bytes: what is kept of it are its addresses. Who is hidden must not be told from another's header. */
async function writeUnknown(
  sql: Sql,
  { tenantId, sourceId }: { tenantId: string; sourceId: string },
  messageIds: string[],
): Promise<void> {
  if (messageIds.length === 0) return;
  const values = [tenantId, messageIds];
  const people = (role: string) =>
    `coalesce(jsonb_agg(DISTINCT jsonb_build_object('name', '', 'address', ca.address_key)) FILTER (WHERE ca.role = '${role}'), '[]')`;
  await sql.execute(
    `UPDATE message m SET marks = '{}', participants = (
       SELECT jsonb_build_object('from', ${people('from')}, 'sender', ${people('sender')}, 'replyTo', ${people('reply-to')},
         'to', ${people('to')}, 'cc', ${people('cc')})
       FROM copy c JOIN copy_address ca ON ca.tenant_id = $1 AND ca.copy_id = c.id WHERE c.tenant_id = $1 AND c.message_id = m.id AND c.source_id <> $3)
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

const headersOnly = 4;

/** What depends on how the survivor lies on its server, and on its parts. */
async function writeDates(sql: Sql, tenantId: string, messages: SharedMessage[]): Promise<void> {
  if (messages.length === 0) return;
  const rows = await sql.query<{
    id: string;
    sent_at: Date | null;
    recorded_at: Date;
    internal_date: Date | null;
    outcome: number | null;
    has_attachments: boolean;
  }>(
    `SELECT m.id, m.sent_at, c.recorded_at, p.internal_date, p.outcome, EXISTS (
       SELECT FROM copy_structure s CROSS JOIN LATERAL jsonb_array_elements(s.parts) AS part
       WHERE s.tenant_id = $1 AND s.copy_id = c.id AND part ->> 'role' = 'attachment' AND part ->> 'disposition' IS DISTINCT FROM 'inline'
     ) AS has_attachments
     FROM unnest($2::uuid[], $3::uuid[]) AS told(message_id, copy_id)
     JOIN message m ON m.tenant_id = $1 AND m.id = told.message_id
     JOIN copy c ON c.tenant_id = $1 AND c.id = told.copy_id
     LEFT JOIN LATERAL (
       SELECT internal_date, outcome FROM placement WHERE copy_id = c.id ORDER BY recorded_at, gen_id, uid LIMIT 1
     ) p ON true`,
    [tenantId, messages.map(({ messageId }) => messageId), messages.map(({ survivor }) => survivor.copyId)],
  );
  await sql.execute(
    `UPDATE message m SET sort_at = r.sort_at, has_attachments = r.has_attachments,
       marks = CASE WHEN r.headers_only THEN array_append(array_remove(m.marks, 'headers-only'), 'headers-only')
                    ELSE array_remove(m.marks, 'headers-only') END
     FROM json_to_recordset($2::json) AS r(id uuid, sort_at timestamptz, has_attachments boolean, headers_only boolean)
     WHERE m.tenant_id = $1 AND m.id = r.id`,
    [
      tenantId,
      JSON.stringify(
        rows.map((row) => ({
          id: row.id,
          sort_at: sortAt(row.sent_at, row.internal_date) ?? row.recorded_at,
          has_attachments: row.has_attachments,
          headers_only: row.outcome === headersOnly,
        })),
      ),
    ],
  );
}
