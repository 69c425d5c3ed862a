import type { Direction } from '../../domain/direction';
import type { ParsedMessage, PartDescriptor } from '../../domain/message';
import type { Sql } from '../database';
import { hasFiles } from '../message-files';
import { tellerFirst } from '../teller';
import { wholeThread } from '../thread-parts';
import { referenceHashes } from '../ingest/thread-write';
import { uuidArray } from '../binary-array';

/** What is stored of a message, as far as it is told from bytes. */
export interface StoredContent {
  subject: string | null;
  preview: string | null;
  text: string | null;
  textTruncated: boolean | null;
  participants: unknown;
  marks: string[];
  hasAttachments: boolean;
  sentAt: Date | null;
  messageIdHeader: string | null;
}

/** What is stored of a copy, and of its message. */
export interface StoredCopy extends StoredContent {
  copyId: string;
  messageId: string;
  rawState: 'full' | 'reduced' | 'none';
  /** Its message is told from it: it is the oldest of its copies. Subject and text are read of such a copy alone. */
  isTeller: boolean;
  tellerId: string;
  /** Another copy of a message with attachments has some; asked of tellers alone. */
  filesElsewhere: boolean;
  parserVersion: number;
  direction: Direction;
  bcc: unknown;
  deliveredTo: string[];
  parts: PartDescriptor[] | null;
  /** `role key`, each once. */
  addresses: string[];
  /** INTERNALDATE of its placements, the first one's first. */
  internalDates: (Date | null)[];
  threadId: string;
  messageKey: string;
  sortAt: Date;
  /** Since when the copy is here, and since when its message. */
  recordedAt: Date;
  createdAt: Date;
}

const storedCopiesStatement = `
SELECT c.id AS "copyId", c.message_id AS "messageId", c.raw_state AS "rawState", c.parser_version AS "parserVersion", c.direction, c.bcc,
  c.delivered_to AS "deliveredTo", cs.parts, first.id = c.id AS "isTeller", first.id AS "tellerId", ${wholeThread('m.thread_id')} AS "threadId", encode(m.message_key, 'hex') AS "messageKey",
  m.message_id_header AS "messageIdHeader", m.sort_at AS "sortAt", c.recorded_at AS "recordedAt", m.created_at AS "createdAt", m.sent_at AS "sentAt", m.participants, m.marks,
  m.has_attachments AS "hasAttachments", first.id = c.id AND m.has_attachments AND EXISTS (
    SELECT FROM (SELECT id FROM copy WHERE tenant_id = $1 AND message_id = c.message_id AND id <> c.id OFFSET 0) other
    CROSS JOIN LATERAL (SELECT parts FROM copy_structure WHERE tenant_id = $1 AND copy_id = other.id OFFSET 0) os WHERE ${hasFiles('os.parts')}
  ) AS "filesElsewhere", s.subject, b.preview, b.text, b.text_truncated AS "textTruncated",
  ARRAY(SELECT role || ' ' || address_key FROM copy_address WHERE tenant_id = $1 AND copy_id = c.id) AS addresses,
  ARRAY(SELECT internal_date FROM placement WHERE copy_id = c.id ORDER BY recorded_at, gen_id, uid) AS "internalDates"
FROM unnest($2::uuid[]) AS wanted(id)
CROSS JOIN LATERAL (SELECT * FROM copy WHERE tenant_id = $1 AND id = wanted.id OFFSET 0) c
CROSS JOIN LATERAL (SELECT * FROM message WHERE tenant_id = $1 AND id = c.message_id OFFSET 0) m
CROSS JOIN LATERAL (SELECT id FROM copy WHERE tenant_id = $1 AND message_id = c.message_id ORDER BY ${tellerFirst} LIMIT 1) first
LEFT JOIN LATERAL (SELECT parts FROM copy_structure WHERE tenant_id = $1 AND copy_id = c.id OFFSET 0) cs ON true
LEFT JOIN LATERAL (SELECT subject FROM message_subject WHERE tenant_id = $1 AND message_id = m.id OFFSET 0) s ON first.id = c.id
LEFT JOIN LATERAL (SELECT preview, text, text_truncated FROM message_body WHERE tenant_id = $1 AND message_id = m.id OFFSET 0) b ON first.id = c.id`;

/** What is stored of these copies, by id; those that are no more have no entry. */
export async function storedCopies(sql: Sql, tenantId: string, copyIds: string[]): Promise<Map<string, StoredCopy>> {
  if (copyIds.length === 0) return new Map();
  const rows = await sql.query<StoredCopy>(storedCopiesStatement, [tenantId, uuidArray(copyIds)]);
  return new Map(rows.map((row) => [row.copyId, row]));
}

/** What decides, beside the bytes, how a message is read. */
export interface Surroundings {
  /** Threads by the hash of a reference. */
  threads: Map<string, string>;
  /** Messages by their key. */
  keys: Map<string, string>;
  /** The keys of copies that messages are told from, as they are read now, as far as they are needed. */
  tellers: ReadonlyMap<string, string>;
  /** Address keys of the mailbox and of the tenant's users. */
  own: Set<string>;
}

/** What surrounds these messages, as they are read now, in a source. */
export async function surroundingsOf(
  sql: Sql,
  { tenantId, sourceId }: { tenantId: string; sourceId: string },
  { messages, tellers }: { messages: ParsedMessage[]; tellers: ReadonlyMap<string, string> },
): Promise<Surroundings> {
  const [threads, keys, own] = await Promise.all([
    threadsOfRefs(sql, tenantId, messages.flatMap(referenceHashes)),
    messagesOfKeys(
      sql,
      tenantId,
      messages.map(({ messageKey }) => messageKey),
    ),
    sql.query<{ address_key: string }>(
      `SELECT address_key FROM user_address WHERE tenant_id = $1 UNION SELECT address_key FROM source WHERE tenant_id = $1 AND id = $2`,
      [tenantId, sourceId],
    ),
  ]);
  return { threads, keys, tellers, own: new Set(own.map((row) => row.address_key)) };
}

/** The threads that references (hex of their hashes) lead to. */
export async function threadsOfRefs(sql: Sql, tenantId: string, refs: string[]): Promise<Map<string, string>> {
  const rows = await sql.query<{ ref: string; thread_id: string }>(
    `SELECT encode(ref_hash, 'hex') AS ref, ${wholeThread('thread_ref.thread_id')} AS thread_id FROM thread_ref WHERE tenant_id = $1 AND ref_hash = ANY ($2::bytea[])`,
    [tenantId, bytesOf(refs)],
  );
  return new Map(rows.map((row) => [row.ref, row.thread_id]));
}

/** Messages by their key (hex). */
export async function messagesOfKeys(sql: Sql, tenantId: string, keys: string[]): Promise<Map<string, string>> {
  const rows = await sql.query<{ key: string; id: string }>(
    `SELECT encode(message_key, 'hex') AS key, id FROM message WHERE tenant_id = $1 AND message_key = ANY ($2::bytea[])`,
    [tenantId, bytesOf(keys)],
  );
  return new Map(rows.map((row) => [row.key, row.id]));
}

function bytesOf(hex: string[]): Buffer[] {
  return [...new Set(hex)].map((text) => Buffer.from(text, 'hex'));
}
