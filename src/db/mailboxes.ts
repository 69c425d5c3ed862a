import type { DesiredState, MailboxState } from '../domain/mailbox-state';
import type { Policy } from '../domain/policy';
import type { Sql } from './database';

/** How to reach a server, as it is stored: no secret in it. */
export interface ServerSettings {
  host: string;
  port: number;
  security: 'tls' | 'starttls' | 'none';
  allowInvalidCertificate: boolean;
  ca: string | null;
}

/** A mailbox with all but its secret. Ids are UUIDs. */
export interface Mailbox {
  id: string;
  address: string;
  displayName: string | null;
  provider: string;
  imap: ServerSettings;
  smtp: ServerSettings | null;
  username: string;
  policy: Policy;
  ownerUserId: string | null;
  memberUserIds: string[];
  desired: DesiredState;
  /** The deletion that it waits for or is in; nothing else can be wished of it then. */
  deletionId: string | null;
  epoch: number;
  generation: number;
  state: MailboxState;
  stateReason: string | null;
  stateSince: Date;
  stateUntil: Date | null;
  flags: string[];
  lastError: { kind: string; code: string; operation: string; at: string } | null;
  lastMessageAt: Date | null;
  lastSuccessAt: Date | null;
  lastProvenAt: Date | null;
  createdAt: Date;
  /** Of the settings and wishes; what a round notes does not move it. */
  updatedAt: Date;
}

/** Whose mailboxes are meant: a user's own and those they are a member of, or with null all of the tenant. */
export interface MailboxReader {
  tenantId: string;
  userId: string | null;
}

const selectMailbox = `
SELECT s.id, s.address, m.display_name AS "displayName", m.provider, m.imap, m.smtp, m.username, s.policy, s.owner_user_id AS "ownerUserId",
  ARRAY(SELECT sm.user_id::text FROM source_member sm WHERE sm.tenant_id = s.tenant_id AND sm.source_id = s.id ORDER BY 1) AS "memberUserIds",
  s.desired_state AS desired, s.deletion_id AS "deletionId", s.epoch, s.generation, m.state, m.state_reason AS "stateReason", m.state_since AS "stateSince",
  m.state_until AS "stateUntil", m.flags, m.last_error AS "lastError", m.last_message_at AS "lastMessageAt",
  m.last_success_at AS "lastSuccessAt", m.last_proven_at AS "lastProvenAt", s.created_at AS "createdAt", s.updated_at AS "updatedAt"
FROM source s JOIN mailbox m ON m.tenant_id = s.tenant_id AND m.source_id = s.id
WHERE s.tenant_id = $1 AND s.deleted_at IS NULL AND ($2::uuid IS NULL OR s.owner_user_id = $2
  OR EXISTS (SELECT FROM source_member o WHERE o.tenant_id = s.tenant_id AND o.source_id = s.id AND o.user_id = $2))`;

/** One mailbox, or null where there is none that the reader may see. */
export async function findMailbox(sql: Sql, reader: MailboxReader, id: string): Promise<Mailbox | null> {
  const rows = await sql.query<Mailbox>(`${selectMailbox} AND s.id = $3`, [reader.tenantId, reader.userId, id]);
  return rows[0] ?? null;
}

/** The same, held against other changes until the transaction ends. */
export async function lockMailbox(sql: Sql, reader: MailboxReader, id: string): Promise<Mailbox | null> {
  const rows = await sql.query<Mailbox>(`${selectMailbox} AND s.id = $3 FOR UPDATE OF s`, [
    reader.tenantId,
    reader.userId,
    id,
  ]);
  return rows[0] ?? null;
}

/** Mailboxes by id, oldest first, after `afterId`; only those in `state` where it is given. */
export function listMailboxes(
  sql: Sql,
  reader: MailboxReader,
  page: { state: MailboxState | null; afterId: string | null; limit: number },
): Promise<Mailbox[]> {
  return sql.query<Mailbox>(
    `${selectMailbox} AND ($3::uuid IS NULL OR s.id > $3) AND ($4::text IS NULL OR m.state = $4) ORDER BY s.id LIMIT $5`,
    [reader.tenantId, reader.userId, page.afterId, page.state, page.limit],
  );
}

/** The id of the mailbox with this address (its normal form), whoever may see it; null where there is none. */
export async function mailboxIdByAddress(sql: Sql, tenantId: string, addressKey: string): Promise<string | null> {
  const rows = await sql.query<{ id: string }>(
    `SELECT id FROM source WHERE tenant_id = $1 AND kind = 'mailbox' AND address_key = $2 AND deleted_at IS NULL`,
    [tenantId, addressKey],
  );
  return rows[0]?.id ?? null;
}
