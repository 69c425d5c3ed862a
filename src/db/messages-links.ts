import type { Sql } from './database';
import { maySee } from './record-readers';
import { principalsOf, type Reader } from './timeline-read';

/** Why a message belongs to a record. */
export interface LinkReason {
  kind: string;
  /** For an address: the header's role and the address key, with a colon between. */
  key: string;
  actor: string;
  recordVersion: number;
  createdAt: Date;
}

export interface MessageLink {
  id: string;
  messageId: string;
  recordId: string;
  type: string;
  name: string;
  state: 'active' | 'suppressed';
  createdAt: Date;
  reasons: LinkReason[];
}

interface ReasonRow extends Omit<MessageLink, 'reasons'> {
  reason: Omit<LinkReason, 'createdAt'> & { createdAt: string };
}

/** What only Bcc or a delivery header says is told to those alone who hold a copy with it. Of a reason `lr` of a link `l`; $1 is the tenant, $3 the user. */
const mayKnowReason = `(split_part(lr.key, ':', 1) NOT IN ('bcc', 'delivered-to') OR lr.kind NOT IN ('address', 'rule') OR EXISTS (
         SELECT FROM copy c JOIN copy_address ca ON ca.tenant_id = $1 AND ca.copy_id = c.id
           AND ca.role || ':' || ca.address_key = lr.key
         WHERE c.tenant_id = $1 AND c.message_id = l.message_id AND holds_source(c.source_id, $3)))`;

/** A link as lists show it. */
export interface ActiveLink {
  id: string;
  messageId: string;
  recordId: string;
  type: string;
  name: string;
}

/** The links of these messages that hold, to records that the reader may see: those of which `linksOf` tells a reason. */
export function activeLinksOf(sql: Sql, reader: Reader, messageIds: string[]): Promise<ActiveLink[]> {
  return sql.query<ActiveLink>(
    `SELECT l.id, l.message_id AS "messageId", r.id AS "recordId", r.type, r.name
     FROM link l JOIN record r ON r.tenant_id = $1 AND r.id = l.record_id AND r.deleted_at IS NULL
     WHERE l.tenant_id = $1 AND l.message_id = ANY ($2::uuid[]) AND l.state = 'active' AND ${maySee('r', '$4')} AND EXISTS (
       SELECT FROM (SELECT kind, key FROM link_reason WHERE tenant_id = $1 AND link_id = l.id OFFSET 0) lr WHERE ${mayKnowReason})
     ORDER BY l.id`,
    [reader.tenantId, messageIds, reader.userId, principalsOf(reader)],
  );
}

/**
 * The links of these messages to records that the reader may see, with their reasons as far as they may be told.
 */
export async function linksOf(sql: Sql, reader: Reader, messageIds: string[]): Promise<MessageLink[]> {
  const rows = await sql.query<ReasonRow>(
    `SELECT l.id, l.message_id AS "messageId", r.id AS "recordId", r.type, r.name, l.state, l.created_at AS "createdAt",
       jsonb_build_object('kind', lr.kind, 'key', lr.key, 'actor', lr.actor, 'recordVersion', lr.record_version,
         'createdAt', lr.created_at) AS reason
     FROM link l JOIN record r ON r.tenant_id = $1 AND r.id = l.record_id AND r.deleted_at IS NULL
     CROSS JOIN LATERAL (SELECT * FROM link_reason WHERE tenant_id = $1 AND link_id = l.id OFFSET 0) lr
     WHERE l.tenant_id = $1 AND l.message_id = ANY ($2::uuid[]) AND ${maySee('r', '$4')}
       AND ${mayKnowReason}
     ORDER BY l.id, lr.created_at, lr.kind, lr.key`,
    [reader.tenantId, messageIds, reader.userId, principalsOf(reader)],
  );
  const links = new Map<string, MessageLink>();
  for (const { reason, ...link } of rows) {
    const reasons = links.get(link.id)?.reasons ?? [];
    reasons.push({ ...reason, createdAt: new Date(reason.createdAt) });
    links.set(link.id, { ...link, reasons });
  }
  return [...links.values()];
}
