import { createHash } from 'node:crypto';

import { sortAt } from '../../domain/dates';
import type { MailAddress, AddressRole, ParsedMessage } from '../../domain/message';
import type { Sql } from '../database';
import { hexOf, insertRows } from '../insert-rows';
import { newUuid } from '../new-id';
import type { RecordedItem } from './batch';
import { writeThreads } from './thread-write';

/** A message of the batch with its id. */
export interface WrittenMessage {
  item: RecordedItem;
  messageId: string;
  isNew: boolean;
}

/**
 * Writes the messages that the tenant does not have yet (identity: message_key) and their threads. Items that share a key,
 * with each other or with a stored message, share the message. To be called under the tenant's lock.
 */
export async function writeMessages(
  sql: Sql,
  source: { tenantId: string; sourceId: string },
  items: RecordedItem[],
): Promise<WrittenMessage[]> {
  const first = new Map<string, RecordedItem>();
  for (const item of items) if (!first.has(item.message.messageKey)) first.set(item.message.messageKey, item);
  const stored = await storedMessages(sql, source.tenantId, [...first.keys()]);
  const threadOf = await writeThreads(
    sql,
    source,
    [...first].map(([key, item]) => ({ item, threadId: stored.get(key)?.thread_id ?? null })),
  );
  const fresh = new Map<string, string>();
  for (const key of first.keys()) if (!stored.has(key)) fresh.set(key, newUuid());
  const rows = [...fresh].flatMap(([key, id]) => {
    const item = first.get(key);
    const threadId = threadOf.get(key);
    return item === undefined || threadId === undefined ? [] : [{ item, id, threadId }];
  });
  await insertMessages(sql, source.tenantId, rows);
  return items.map((item) => {
    const key = item.message.messageKey;
    const messageId = fresh.get(key) ?? stored.get(key)?.id;
    if (messageId === undefined) throw new Error('a message of the batch has no id');
    return { item, messageId, isNew: fresh.has(key) };
  });
}

async function storedMessages(
  sql: Sql,
  tenantId: string,
  keys: string[],
): Promise<Map<string, { id: string; thread_id: string }>> {
  const rows = await sql.query<{ id: string; thread_id: string; message_key: Buffer }>(
    'SELECT id, thread_id, message_key FROM message WHERE tenant_id = $1 AND message_key = ANY ($2::bytea[])',
    [tenantId, keys.map((key) => Buffer.from(key, 'hex'))],
  );
  return new Map(rows.map((row) => [row.message_key.toString('hex'), row]));
}

interface MessageRow {
  item: RecordedItem;
  id: string;
  threadId: string;
}

async function insertMessages(sql: Sql, tenantId: string, rows: MessageRow[]): Promise<void> {
  await insertRows(
    sql,
    { table: 'message', columns: messageColumns },
    rows.map((row) => messageRow(tenantId, row)),
  );
  await insertRows(
    sql,
    { table: 'message_subject', columns: { tenant_id: 'uuid', message_id: 'uuid', subject: 'text' } },
    rows.map(({ id, item }) => ({ tenant_id: tenantId, message_id: id, subject: item.message.subject })),
  );
  await insertRows(
    sql,
    {
      table: 'message_body',
      columns: { tenant_id: 'uuid', message_id: 'uuid', preview: 'text', text: 'text', text_truncated: 'boolean' },
    },
    rows.map(({ id, item }) => ({
      tenant_id: tenantId,
      message_id: id,
      preview: previewOf(item.message.text),
      text: item.message.text,
      text_truncated: item.message.textTruncated,
    })),
  );
  await insertRows(
    sql,
    { table: 'search_pending', columns: { tenant_id: 'uuid', message_id: 'uuid' } },
    rows.map(({ id }) => ({ tenant_id: tenantId, message_id: id })),
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
};

function messageRow(
  tenantId: string,
  { item, id, threadId }: MessageRow,
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
    has_attachments: message.parts.some((part) => part.role === 'attachment' && part.disposition !== 'inline'),
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

/** The first words of a text, for lists. */
export function previewOf(text: string): string {
  const start = text
    .slice(0, previewCharacters * 4)
    .replace(/[\ud800-\udbff]$/, '') // half of a pair that the cut left
    .replace(/\s+/g, ' ')
    .trim();
  return [...start].slice(0, previewCharacters).join('');
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
