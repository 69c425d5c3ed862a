import { createHash } from 'node:crypto';

import { sortAt } from '../../domain/dates';
import type { MailAddress, AddressRole, ParsedMessage } from '../../domain/message';
import type { Sql } from '../database';
import { hexOf, insertRows } from '../insert-rows';
import { newUuid } from '../new-id';
import { textArray } from '../binary-array';
import { findAgain } from '../search-pending';
import { wholeThread } from '../thread-parts';
import type { RecordedItem } from './batch';
import { answeredHashes, refNumbers, type BatchThreads } from './thread-write';

/** A message of the batch with its id. */
export interface BatchMessage {
  item: RecordedItem;
  messageId: string;
  /** False where the tenant has it already, or an item before it in the batch is the same. */
  isFirst: boolean;
  /** False where the tenant has it already. */
  isNew: boolean;
  /** The message has attachments, and what the tenant had of it before the batch has none. */
  bringsFiles: boolean;
}

/** A message that the tenant has. */
export interface StoredMessage {
  id: string;
  threadId: string;
  hasActivity: boolean;
  hasAttachments: boolean;
}

/** The messages that the tenant has of these (identity: message_key, in hex). */
export async function storedMessages(
  sql: Sql,
  tenantId: string,
  items: RecordedItem[],
): Promise<Map<string, StoredMessage>> {
  if (items.length === 0) return new Map();
  const rows = await sql.query<StoredMessage & { message_key: Buffer }>(
    `SELECT id, ${wholeThread('message.thread_id')} AS "threadId", message_key, has_attachments AS "hasAttachments", EXISTS (SELECT FROM activity a WHERE a.tenant_id = $1 AND a.message_id = message.id OFFSET 0) AS "hasActivity"
     FROM message WHERE tenant_id = $1 AND message_key = ANY ($2::bytea[])`,
    [tenantId, items.map(({ message }) => Buffer.from(message.messageKey, 'hex'))],
  );
  return new Map(rows.map(({ message_key: key, ...message }) => [key.toString('hex'), message]));
}

/** Gives each item its message. Items that share a key, with each other or with a stored message, share the message. */
export function messagesOf(items: RecordedItem[], stored: Map<string, StoredMessage>): BatchMessage[] {
  const fresh = new Map<string, string>();
  return items.map((item) => {
    const key = item.message.messageKey;
    const known = stored.get(key);
    const bringsFiles = known?.hasAttachments !== true && hasAttachments(item.message);
    if (known !== undefined) return { item, messageId: known.id, isFirst: false, isNew: false, bringsFiles };
    const before = fresh.get(key);
    if (before !== undefined) return { item, messageId: before, isFirst: false, isNew: true, bringsFiles };
    const messageId = newUuid();
    fresh.set(key, messageId);
    return { item, messageId, isFirst: true, isNew: true, bringsFiles };
  });
}

/** Whether a message has files: what is shown in its text is none. */
export function hasAttachments({ parts }: Pick<ParsedMessage, 'parts'>): boolean {
  return parts.some(({ role, disposition }) => role === 'attachment' && disposition !== 'inline');
}

/** Writes the messages that the tenant does not have yet, and that others have files now. To be called under the tenant's lock. */
export async function writeMessages(
  sql: Sql,
  tenantId: string,
  batch: { messages: BatchMessage[]; threads: BatchThreads; found: 'soon' | 'behind-import' },
): Promise<void> {
  const bringing = batch.messages.filter(({ bringsFiles }) => bringsFiles);
  const withFiles = new Set(bringing.map(({ messageId }) => messageId));
  const rows = batch.messages
    .filter(({ isFirst }) => isFirst)
    .map(({ item, messageId }) => {
      const threadId = batch.threads.threadOf.get(item.message.messageKey);
      if (threadId === undefined) throw new Error('a message of the batch has no thread');
      return { item, id: messageId, threadId, hasAttachments: withFiles.has(messageId) };
    });
  const known = bringing.filter(({ isNew }) => !isNew).map(({ messageId }) => messageId);
  await Promise.all([insertMessages(sql, tenantId, { rows, found: batch.found }), giveFiles(sql, tenantId, known)]);
}

/** A copy has brought files to messages that had none: they are found by the names too. */
async function giveFiles(sql: Sql, tenantId: string, messageIds: string[]): Promise<void> {
  if (messageIds.length === 0) return;
  await Promise.all([
    sql.execute('UPDATE message SET has_attachments = true WHERE tenant_id = $1 AND id = ANY ($2::uuid[])', [
      tenantId,
      messageIds,
    ]),
    findAgain(sql, tenantId, [...new Set(messageIds)]),
  ]);
}

interface MessageRow {
  item: RecordedItem;
  id: string;
  threadId: string;
  hasAttachments: boolean;
}

async function insertMessages(
  sql: Sql,
  tenantId: string,
  { rows, found }: { rows: MessageRow[]; found: 'soon' | 'behind-import' },
): Promise<void> {
  await Promise.all([
    insertRows(
      sql,
      { table: 'message', columns: messageColumns },
      rows.map((row) => messageRow(tenantId, row)),
    ),
    insertRows(
      sql,
      { table: 'message_subject', columns: { tenant_id: 'uuid', message_id: 'uuid', subject: 'text' } },
      rows.map(({ id, item }) => ({ tenant_id: tenantId, message_id: id, subject: item.message.subject })),
    ),
    insertBodies(sql, tenantId, rows),
    insertRows(
      sql,
      { table: 'search_pending', columns: { tenant_id: 'uuid', message_id: 'uuid', behind: 'boolean' } },
      rows.map(({ id }) => ({ tenant_id: tenantId, message_id: id, behind: found === 'behind-import' })),
    ),
  ]);
}

async function insertBodies(sql: Sql, tenantId: string, rows: MessageRow[]): Promise<void> {
  if (rows.length === 0) return;
  await sql.execute(
    `INSERT INTO message_body (tenant_id, message_id, preview, text, text_truncated)
     SELECT $1::uuid, unnest($2::uuid[]), unnest($3::text[]), unnest($4::text[]), unnest($5::boolean[])`,
    [
      tenantId,
      rows.map(({ id }) => id),
      textArray(rows.map(({ item }) => previewOf(item.message.text))),
      textArray(rows.map(({ item }) => item.message.text)),
      rows.map(({ item }) => item.message.textTruncated),
    ],
  );
}

const messageColumns = {
  tenant_id: 'uuid',
  id: 'uuid',
  message_key: 'bytea',
  message_id_hash: 'bytea',
  message_id_header: 'text',
  thread_id: 'uuid',
  sort_at: 'timestamptz',
  sent_at: 'timestamptz',
  participants: 'jsonb',
  marks: 'text[]',
  has_attachments: 'boolean',
  refs: 'bigint[]',
  status: 'text',
};

function messageRow(
  tenantId: string,
  { item, id, threadId, hasAttachments: hasFiles }: MessageRow,
): Record<keyof typeof messageColumns, unknown> {
  const message = item.message;
  return {
    tenant_id: tenantId,
    id,
    message_key: hexOf(Buffer.from(message.messageKey, 'hex')),
    message_id_hash: message.messageIdHeader === null ? null : hexOf(messageIdHash(message.messageIdHeader)),
    message_id_header: message.messageIdHeader,
    thread_id: threadId,
    sort_at: sortAt(message.sentAt, item.internalDate) ?? new Date(),
    sent_at: message.sentAt,
    participants: participantsOf(message),
    marks: item.kind === 'headers-only' ? [...message.marks, 'headers-only'] : message.marks,
    has_attachments: hasFiles,
    refs: refNumbers(answeredHashes(message)),
    // What we wrote waits for others: nobody of ours has to do with it, unless somebody says so.
    status: item.direction === 'outgoing' ? 'closed' : 'open',
  };
}

/** SHA-256 of a Message-ID header with its angle brackets: what `message_id_hash` holds. */
export function messageIdHash(messageIdHeader: string): Buffer {
  return createHash('sha256').update(messageIdHeader).digest();
}

/** What `message.participants` holds. */
export function participantsOf(message: Pick<ParsedMessage, 'from' | 'sender' | 'replyTo' | 'to' | 'cc'>) {
  const shown = (addresses: MailAddress[]) => addresses.map(({ name, address }) => ({ name, address }));
  return {
    from: shown(message.from),
    sender: shown(message.sender),
    replyTo: shown(message.replyTo),
    to: shown(message.to),
    cc: shown(message.cc),
  };
}

const previewCharacters = 200;

/** The first words of a text, for lists: at most 200 code points. */
export function previewOf(text: string): string {
  const start = text
    .slice(0, previewCharacters * 4)
    .replace(/[\ud800-\udbff]$/, '') // half of a pair that the cut left
    .replace(/\s+/g, ' ')
    .trim();
  let end = 0;
  for (let points = 0; points < previewCharacters; points += 1) end += (start.codePointAt(end) ?? 0) > 0xffff ? 2 : 1;
  return start.slice(0, end);
}

/** Every address of a message that has a normal form, with its role; each pair once. */
export function addressRolesOf(message: ParsedMessage): { role: AddressRole; key: string }[] {
  const byRole: [AddressRole, MailAddress[]][] = [
    ['from', message.from],
    ['sender', message.sender],
    ['reply-to', message.replyTo],
    ['to', message.to],
    ['cc', message.cc],
    ['bcc', message.bcc],
    ['delivered-to', message.deliveredTo],
  ];
  const seen = new Map<string, { role: AddressRole; key: string }>();
  for (const [role, addresses] of byRole) {
    for (const { key } of addresses) if (key !== null) seen.set(`${role} ${key}`, { role, key });
  }
  return [...seen.values()];
}
