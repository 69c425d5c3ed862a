import { messageIdHash } from './ingest/message-write';
import type { Sql } from './database';
import { heldCopies, type MessageCopy } from './messages-copies';
import { maySee } from './record-readers';
import { wholeThread } from './thread-parts';
import { principalsOf, type Level, type Reader } from './timeline-read';

/** A message with the Message-ID that was asked for. Several may have it: identity is content, never the Message-ID alone. */
export interface FoundMessage {
  id: string;
  threadId: string;
  sortAt: Date;
  level: Level;
  subject: string | null;
  recordIds: string[];
  /** Only those that the reader holds. */
  copies: MessageCopy[];
}

/** A placement with the Message-ID that could not be read. */
export interface FoundFailure {
  id: string;
  sourceId: string;
  folder: string;
  uidValidity: string;
  uid: number;
  kind: string;
  code: string;
  state: string;
  firstFailedAt: Date;
  lastFailedAt: Date;
}

/** A ledger row of mail that has no copy: the policy left it out after its header was read, or it could not be read. */
export interface FoundPlacement {
  sourceId: string;
  folder: string;
  uidValidity: string;
  uid: number;
  outcome: number;
  reason: string | null;
  presence: number;
  internalDate: Date | null;
  recordedAt: Date;
}

/** Where mail with a Message-ID (with its angle brackets) is, as far as the reader may know. */
export async function findMail(
  sql: Sql,
  reader: Reader,
  messageIdHeader: string,
): Promise<{ messages: FoundMessage[]; placements: FoundPlacement[]; failures: FoundFailure[] }> {
  const hash = messageIdHash(messageIdHeader);
  const messages = await sql.query<Omit<FoundMessage, 'copies'>>(
    `SELECT m.id, ${wholeThread('m.thread_id')} AS "threadId", m.sort_at AS "sortAt", seen.level,
       CASE WHEN seen.level >= 2 THEN s.subject END AS subject,
       ARRAY(SELECT l.record_id FROM link l JOIN record r ON r.tenant_id = $1 AND r.id = l.record_id AND r.deleted_at IS NULL AND ${maySee('r', '$3')}
         JOIN readable_timeline lt ON lt.tenant_id = $1 AND lt.message_id = m.id AND lt.record_id = l.record_id AND lt.principal = ANY ($3::integer[])
         WHERE l.tenant_id = $1 AND l.message_id = m.id AND l.state = 'active' GROUP BY l.record_id ORDER BY 1) AS "recordIds"
     FROM message m
     CROSS JOIN LATERAL (SELECT max(t.level) AS level FROM readable_timeline t
       WHERE t.tenant_id = $1 AND t.message_id = m.id AND t.principal = ANY ($3::integer[])) seen
     LEFT JOIN message_subject s ON s.tenant_id = $1 AND s.message_id = m.id
     WHERE m.tenant_id = $1 AND m.message_id_hash = $2 AND seen.level IS NOT NULL ORDER BY m.id LIMIT 100`,
    [reader.tenantId, hash, principalsOf(reader)],
  );
  const copies = await heldCopies(
    sql,
    reader,
    messages.map((message) => message.id),
  );
  const placements = await sql.query<FoundPlacement>(
    `SELECT p.source_id AS "sourceId", f.path AS folder, g.uidvalidity::text AS "uidValidity", p.uid, p.outcome, p.reason, p.presence,
       p.internal_date AS "internalDate", p.recorded_at AS "recordedAt"
     FROM placement p JOIN folder_generation g ON g.id = p.gen_id JOIN folder f ON f.tenant_id = $1 AND f.id = g.folder_id
     WHERE p.tenant_id = $1 AND p.message_id_hash = $2 AND p.copy_id IS NULL AND holds_source(p.source_id, $3)
     ORDER BY p.gen_id, p.uid LIMIT 100`,
    [reader.tenantId, hash, reader.userId],
  );
  const failures = await sql.query<FoundFailure>(
    `SELECT x.id, x.source_id AS "sourceId", f.path AS folder, g.uidvalidity::text AS "uidValidity", x.uid, x.kind, x.code, x.state,
       x.first_failed_at AS "firstFailedAt", x.last_failed_at AS "lastFailedAt"
     FROM failure x JOIN folder_generation g ON g.id = x.gen_id JOIN folder f ON f.tenant_id = $1 AND f.id = g.folder_id
     WHERE x.tenant_id = $1 AND x.message_id_hash = $2 AND holds_source(x.source_id, $3) ORDER BY x.id LIMIT 100`,
    [reader.tenantId, hash, reader.userId],
  );
  return {
    messages: messages.map((message) => ({
      ...message,
      copies: copies.filter((copy) => copy.messageId === message.id),
    })),
    placements,
    failures,
  };
}
