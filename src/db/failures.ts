import type { Sql } from './database';
import type { MailboxReader } from './mailboxes';

export type FailureState = 'parked' | 'replayed' | 'accepted';

/** A placement that could not be ingested. Ids are UUIDs. */
export interface Failure {
  id: string;
  sourceId: string;
  folder: string;
  uidValidity: string;
  uid: number;
  kind: string;
  code: string;
  /** Numbers and names of limits. */
  detail: Record<string, string | number>;
  attempts: number;
  versions: Record<string, string | number>;
  state: FailureState;
  firstFailedAt: Date;
  lastFailedAt: Date;
  sha256: string | null;
  size: number | null;
  /** The kept bytes; null where there are none. */
  blobId: string | null;
  nextTryAt: Date | null;
  replayedAt: Date | null;
  acceptedAt: Date | null;
  acceptedBy: string | null;
  acceptedReason: string | null;
  /** What it became. */
  messageId: string | null;
}

const selectFailure = `
SELECT x.id, x.source_id AS "sourceId", f.path AS folder, g.uidvalidity AS "uidValidity", x.uid, x.kind, x.code, x.detail, x.attempts,
  x.versions, x.state, x.first_failed_at AS "firstFailedAt", x.last_failed_at AS "lastFailedAt",
  encode(p.raw_sha, 'hex') AS sha256, p.size, p.blob_id AS "blobId", x.next_try_at AS "nextTryAt", x.replayed_at AS "replayedAt",
  x.accepted_at AS "acceptedAt", x.accepted_by AS "acceptedBy", x.accepted_reason AS "acceptedReason",
  (SELECT c.message_id FROM copy c WHERE c.tenant_id = x.tenant_id AND c.id = p.copy_id) AS "messageId"
FROM failure x
JOIN placement p ON p.gen_id = x.gen_id AND p.uid = x.uid
JOIN folder_generation g ON g.id = x.gen_id
JOIN folder f ON f.tenant_id = x.tenant_id AND f.id = g.folder_id
JOIN source s ON s.tenant_id = x.tenant_id AND s.id = x.source_id AND s.deleted_at IS NULL
WHERE x.tenant_id = $1 AND ($2::uuid IS NULL OR s.owner_user_id = $2
  OR EXISTS (SELECT FROM source_member m WHERE m.tenant_id = s.tenant_id AND m.source_id = s.id AND m.user_id = $2))`;

export interface FailureFilter {
  mailboxId: string | null;
  kind: string | null;
  state: FailureState | null;
}

/** Failures by id, newest first, before `beforeId`. */
export function listFailures(
  sql: Sql,
  reader: MailboxReader,
  page: { filter: FailureFilter; beforeId: string | null; limit: number },
): Promise<Failure[]> {
  const { mailboxId, kind, state } = page.filter;
  return sql.query<Failure>(
    `${selectFailure} AND ($3::uuid IS NULL OR x.source_id = $3) AND ($4::text IS NULL OR x.kind = $4)
       AND ($5::text IS NULL OR x.state = $5) AND ($6::uuid IS NULL OR x.id < $6) ORDER BY x.id DESC LIMIT $7`,
    [reader.tenantId, reader.userId, mailboxId, kind, state, page.beforeId, page.limit],
  );
}

/** One failure, or null where there is none that the reader may see. */
export async function findFailure(sql: Sql, reader: MailboxReader, id: string): Promise<Failure | null> {
  const rows = await sql.query<Failure>(`${selectFailure} AND x.id = $3`, [reader.tenantId, reader.userId, id]);
  return rows[0] ?? null;
}
