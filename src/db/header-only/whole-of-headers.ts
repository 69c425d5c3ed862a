import type { Sql } from '../database';

/** A message that is known by its header alone, and a copy with bytes of another one that may be the whole of it. */
export interface PossibleWhole {
  messageId: string;
  /** Hex: what its header says it is (mail/parse/header-key.ts). */
  messageKey: string;
  wholeId: string;
  blobId: string;
}

/** Which messages are asked for: those with one of these Message-IDs (SHA-256), or the next in the order of their ids. */
export type AskedHeaders = { kind: 'of'; messageIdHashes: Buffer[] } | { kind: 'after'; messageId: string };

/** Where more messages have the Message-ID and the date of one, none of them is it: an id that is used again and again proves nothing. */
const wholesOfOne = 10;

/**
 * The next messages that are known by their header alone, each with every copy of others that agree with it in Message-ID and Date and were
 * read whole. `last`: where the look went to, null at its end.
 */
export async function possibleWholes(
  sql: Sql,
  tenantId: string,
  { asked, limit }: { asked: AskedHeaders; limit: number },
): Promise<{ found: PossibleWhole[]; last: string | null }> {
  const [where, value] =
    asked.kind === 'of'
      ? ['message_id_hash = ANY ($2::bytea[])', asked.messageIdHashes]
      : ['id > $2::uuid', asked.messageId];
  const rows = await sql.query<Omit<PossibleWhole, 'wholeId' | 'blobId'> & Nullable<PossibleWhole>>(
    `WITH headers AS MATERIALIZED (
       SELECT id, message_key, message_id_hash, sent_at FROM message
       WHERE tenant_id = $1 AND 'headers-only' = ANY (marks) AND ${where} ORDER BY id LIMIT $3)
     SELECT h.id AS "messageId", encode(h.message_key, 'hex') AS "messageKey", w.id AS "wholeId", c.blob_id AS "blobId" FROM headers h
     LEFT JOIN LATERAL (
       SELECT id FROM message WHERE tenant_id = $1 AND message_id_hash = h.message_id_hash AND id <> h.id
         AND sent_at IS NOT DISTINCT FROM h.sent_at AND NOT 'headers-only' = ANY (marks) LIMIT ${String(wholesOfOne + 1)}) w ON true
     LEFT JOIN LATERAL (
       SELECT blob_id FROM copy WHERE tenant_id = $1 AND message_id = w.id AND blob_id IS NOT NULL LIMIT ${String(wholesOfOne)}) c ON true
     ORDER BY h.id`,
    [tenantId, value, limit],
  );
  const wholes = new Map<string, Set<string | null>>();
  for (const { messageId, wholeId } of rows) wholes.set(messageId, (wholes.get(messageId) ?? new Set()).add(wholeId));
  const found = rows.flatMap(({ wholeId, blobId, ...row }) => {
    const isProven = (wholes.get(row.messageId)?.size ?? 0) <= wholesOfOne;
    return isProven && wholeId !== null && blobId !== null ? [{ ...row, wholeId, blobId }] : [];
  });
  const isFull = new Set(rows.map(({ messageId }) => messageId)).size >= limit;
  return { found, last: isFull ? (rows.at(-1)?.messageId ?? null) : null };
}

type Nullable<Row extends { wholeId: string; blobId: string }> = {
  [Name in keyof Pick<Row, 'wholeId' | 'blobId'>]: string | null;
};
