import type { ReprocessField } from '../../domain/reprocess';
import { assignThreads } from '../../domain/threads';
import { refreshActivities } from '../activities/refresh';
import type { Sql } from '../database';
import { answeredHashes, refNumbers, writeThreads } from '../ingest/thread-write';
import { hexOf, insertRows } from '../insert-rows';
import { messageIdHash } from '../ingest/message-write';
import { tellFiles } from '../message-files';
import { newUuid } from '../new-id';
import { linkAgain } from '../rematch';
import { findAgain } from '../search-pending';
import { settleReplies } from '../thread-links/settle';
import { refreshTimelines } from '../timeline-write';
import type { ReadCopy } from './differences';

/**
 * Writes what copies, and the messages that are told from them, are read as now: of each just what differs. Threads are joined and never
 * split, links by address are looked at again where addresses changed, and search rows are written behind it.
 * To be called under the tenant's lock. `threads` are those that references lead to already. What a copy refers to that is set apart joins
 * nothing here: that is no reference of the message it lies under.
 */
export async function writeRead(
  sql: Sql,
  tenantId: string,
  { changed, threads }: { changed: ReadCopy[]; threads: Map<string, string> },
): Promise<void> {
  if (changed.length === 0) return;
  const having = (...fields: ReprocessField[]) =>
    changed.filter((copy) => fields.some((field) => copy.fields.includes(field)));
  await writeCopies(sql, tenantId, having('addresses', 'direction'));
  await writeParts(sql, tenantId, having('parts'));
  await writeAddresses(sql, tenantId, having('addresses'));
  await writeMessages(sql, tenantId, having(...fieldsOfMessage).filter(isTeller));
  await tellFiles(sql, tenantId, messagesOf(having('parts')));
  await writeSubjects(sql, tenantId, having('subject').filter(isTeller));
  await writeTexts(sql, tenantId, having('text').filter(isTeller));
  const joining = having('thread').filter((copy) => !copy.isApart);
  await joinThreads(sql, tenantId, { copies: joining, threads });
  const addressed = having('addresses');
  await linkAgain(sql, tenantId, messagesOf(addressed));
  await refreshTimelines(sql, tenantId, messagesOf(having('addresses', 'dates')));
  await refreshActivities(sql, tenantId, messagesOf(having('addresses', 'participants', 'dates')));
  await findAgain(sql, tenantId, messagesOf(having('subject', 'text', 'participants', 'parts', 'dates')));
}

const fieldsOfMessage: ReprocessField[] = ['dates', 'participants', 'marks', 'parts', 'message-id', 'identity'];

function isTeller({ stored }: ReadCopy): boolean {
  return stored.isTeller;
}

function messagesOf(copies: ReadCopy[]): string[] {
  return [...new Set(copies.map(({ stored }) => stored.messageId))];
}

async function writeCopies(sql: Sql, tenantId: string, copies: ReadCopy[]): Promise<void> {
  if (copies.length === 0) return;
  const rows = copies.map(({ stored, direction, bcc, deliveredTo }) => {
    return { id: stored.copyId, direction, bcc, delivered_to: deliveredTo };
  });
  await sql.execute(
    `UPDATE copy c SET direction = r.direction, bcc = r.bcc, delivered_to = r.delivered_to
     FROM json_to_recordset($2::json) AS r(id uuid, direction text, bcc jsonb, delivered_to text[]) WHERE c.tenant_id = $1 AND c.id = r.id`,
    [tenantId, JSON.stringify(rows)],
  );
}

async function writeParts(sql: Sql, tenantId: string, copies: ReadCopy[]): Promise<void> {
  await insertRows(
    sql,
    {
      table: 'copy_structure',
      columns: { tenant_id: 'uuid', copy_id: 'uuid', parts: 'jsonb' },
      onConflict: 'ON CONFLICT (copy_id, tenant_id) DO UPDATE SET parts = excluded.parts',
    },
    copies.map(({ stored, parts }) => ({ tenant_id: tenantId, copy_id: stored.copyId, parts })),
  );
}

async function writeAddresses(sql: Sql, tenantId: string, copies: ReadCopy[]): Promise<void> {
  if (copies.length === 0) return;
  await sql.execute('DELETE FROM copy_address WHERE tenant_id = $1 AND copy_id = ANY ($2::uuid[])', [
    tenantId,
    copies.map(({ stored }) => stored.copyId),
  ]);
  const columns = { tenant_id: 'uuid', address_key: 'text', copy_id: 'uuid', role: 'text' };
  await insertRows(
    sql,
    { table: 'copy_address', columns },
    copies.flatMap(({ stored, addresses }) =>
      addresses.map((address) => {
        const [role = ''] = address.split(' ', 1);
        return { tenant_id: tenantId, address_key: address.slice(role.length + 1), copy_id: stored.copyId, role };
      }),
    ),
  );
}

async function writeMessages(sql: Sql, tenantId: string, copies: ReadCopy[]): Promise<void> {
  if (copies.length === 0) return;
  const rows = copies.map(({ stored, content, sortAt, messageKey }) => ({
    id: stored.messageId,
    message_key: hexOf(Buffer.from(messageKey, 'hex')),
    message_id_header: content.messageIdHeader,
    message_id_hash: content.messageIdHeader === null ? null : hexOf(messageIdHash(content.messageIdHeader)),
    sort_at: sortAt,
    sent_at: content.sentAt,
    participants: content.participants,
    marks: content.marks,
    has_attachments: content.hasAttachments,
  }));
  await sql.execute(
    `UPDATE message m SET message_key = r.message_key, message_id_header = r.message_id_header, message_id_hash = r.message_id_hash,
       sort_at = r.sort_at, sent_at = r.sent_at, participants = r.participants, marks = r.marks, has_attachments = r.has_attachments
     FROM json_to_recordset($2::json) AS r(id uuid, message_key bytea, message_id_header text, message_id_hash bytea, sort_at timestamptz,
       sent_at timestamptz, participants jsonb, marks text[], has_attachments boolean)
     WHERE m.tenant_id = $1 AND m.id = r.id`,
    [tenantId, JSON.stringify(rows)],
  );
}

async function writeSubjects(sql: Sql, tenantId: string, copies: ReadCopy[]): Promise<void> {
  await insertRows(
    sql,
    {
      table: 'message_subject',
      columns: { tenant_id: 'uuid', message_id: 'uuid', subject: 'text' },
      onConflict: 'ON CONFLICT (message_id, tenant_id) DO UPDATE SET subject = excluded.subject',
    },
    copies.map(({ stored, content }) => ({
      tenant_id: tenantId,
      message_id: stored.messageId,
      subject: content.subject,
    })),
  );
}

async function writeTexts(sql: Sql, tenantId: string, copies: ReadCopy[]): Promise<void> {
  await insertRows(
    sql,
    {
      table: 'message_body',
      columns: { tenant_id: 'uuid', message_id: 'uuid', preview: 'text', text: 'text', text_truncated: 'boolean' },
      onConflict: `ON CONFLICT (message_id, tenant_id) DO UPDATE SET preview = excluded.preview, text = excluded.text,
        text_truncated = excluded.text_truncated`,
    },
    copies.map(({ stored, content }) => ({
      tenant_id: tenantId,
      message_id: stored.messageId,
      preview: content.preview,
      text: content.text,
      text_truncated: content.textTruncated,
    })),
  );
}

async function joinThreads(
  sql: Sql,
  tenantId: string,
  { copies, threads }: { copies: ReadCopy[]; threads: Map<string, string> },
): Promise<void> {
  const candidates = copies.map(({ stored, refs }) => ({ key: stored.messageId, refs, threadId: stored.threadId }));
  const refs = new Set(candidates.flatMap((candidate) => candidate.refs));
  const known = new Map([...threads].filter(([ref]) => refs.has(ref)));
  await writeThreads(sql, tenantId, assignThreads(candidates, known, newUuid));
  await answerAnew(sql, tenantId, copies.filter(isTeller));
}

/** What a message is read to answer decides what it is linked to by that. */
async function answerAnew(sql: Sql, tenantId: string, copies: ReadCopy[]): Promise<void> {
  if (copies.length === 0) return;
  const rows = copies.map(({ stored, message }) => {
    return { id: stored.messageId, refs: refNumbers(answeredHashes(message)) };
  });
  await sql.execute(
    `UPDATE message m SET refs = r.refs FROM json_to_recordset($2::json) AS r(id uuid, refs bigint[]) WHERE m.tenant_id = $1 AND m.id = r.id`,
    [tenantId, JSON.stringify(rows)],
  );
  const changed = await settleReplies(sql, tenantId, messagesOf(copies));
  await refreshTimelines(sql, tenantId, changed);
  await refreshActivities(sql, tenantId, changed);
}
