import { publicId } from '../../domain/ids';
import type { Sql } from '../database';
import { searchMessages, searchWords } from '../search';
import { noConditions } from '../timeline-conditions';
import { allMailRecord } from '../timeline-write';
import { addressPatterns } from './address-patterns';

/** Messages that hold a person's address in subject, text or a name, and are between others: they are others' mail, and stay. */
export interface Mentions {
  /** As search knows them; of more than 2,000 the newest are counted. */
  messages: number;
  /** Public ids of the first hundred. */
  messageIds: string[];
}

const idsShown = 100;

/**
 * Looks for messages in which none of the addresses is sender or recipient, and whose words hold one; `beside` are messages that search
 * does not find by them.
 */
export async function findMentions(
  sql: Sql,
  tenantId: string,
  { addressKeys, beside }: { addressKeys: string[]; beside: string[] },
): Promise<Mentions> {
  const found = new Set(beside);
  for (const key of addressKeys) {
    const { hits } = await searchMessages(
      sql,
      { tenantId, userId: null, principal: -1 },
      {
        ...noConditions,
        words: { ...searchWords(`"${key.replaceAll('"', ' ')}"`) },
        recordId: allMailRecord,
        since: null,
        until: null,
      },
    );
    for (const { messageId } of hits) found.add(messageId);
  }
  const others = await amongOthers(sql, tenantId, { messageIds: [...found], addressKeys });
  return { messages: others.length, messageIds: others.slice(0, idsShown).map((id) => publicId('message', id)) };
}

/** Messages with an address in Bcc, in the name of another too: search knows nothing of Bcc. Reads the tenant's copies once. */
export async function mentionedInBcc(sql: Sql, tenantId: string, addressKeys: string[]): Promise<string[]> {
  const rows = await sql.query<{ id: string }>(
    `SELECT DISTINCT message_id AS id FROM copy WHERE tenant_id = $1 AND bcc <> '[]' AND lower(bcc::text) ~ ANY ($2::text[])`,
    [tenantId, addressPatterns(addressKeys)],
  );
  return rows.map(({ id }) => id);
}

async function amongOthers(
  sql: Sql,
  tenantId: string,
  { messageIds, addressKeys }: { messageIds: string[]; addressKeys: string[] },
): Promise<string[]> {
  if (messageIds.length === 0) return [];
  const rows = await sql.query<{ id: string }>(
    `SELECT m.id FROM message m
     LEFT JOIN message_subject s ON s.tenant_id = $1 AND s.message_id = m.id LEFT JOIN message_body b ON b.tenant_id = $1 AND b.message_id = m.id
     WHERE m.tenant_id = $1 AND m.id = ANY ($2::uuid[]) AND lower(concat_ws(E'\\n', s.subject, b.text, m.participants::text,
         (SELECT string_agg(c.bcc::text, ' ') FROM copy c WHERE c.tenant_id = $1 AND c.message_id = m.id))) ~ ANY ($4::text[]) AND NOT EXISTS (
       SELECT FROM copy c JOIN copy_address ca ON ca.tenant_id = $1 AND ca.copy_id = c.id AND ca.address_key = ANY ($3::text[])
       WHERE c.tenant_id = $1 AND c.message_id = m.id) ORDER BY m.sort_at DESC, m.id DESC`,
    [tenantId, messageIds, addressKeys, addressPatterns(addressKeys)],
  );
  return rows.map(({ id }) => id);
}
