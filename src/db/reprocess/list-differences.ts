import type { ReprocessField, ReprocessOutcome } from '../../domain/reprocess';
import type { Sql } from '../database';
import type { MailboxReader } from '../mailboxes';

/** A line of what a job found. */
export interface Difference {
  copyId: string;
  sourceId: string;
  /** Null where it was deleted meanwhile. */
  messageId: string | null;
  fields: ReprocessField[];
  /** Null: it differs, and is as it was. */
  outcome: ReprocessOutcome | null;
  reason: string | null;
  doneAt: Date | null;
}

/** What a job found, in the order of copies, as far as it is of mailboxes that the reader sees. */
export function listDifferences(
  sql: Sql,
  reader: MailboxReader,
  page: { operationId: string; afterCopyId: string | null; limit: number },
): Promise<Difference[]> {
  return sql.query<Difference>(
    `SELECT d.copy_id AS "copyId", d.source_id AS "sourceId", m.id AS "messageId", d.fields, d.outcome, d.reason, d.done_at AS "doneAt"
     FROM reprocess_difference d JOIN source s ON s.tenant_id = $1 AND s.id = d.source_id
     LEFT JOIN message m ON m.tenant_id = $1 AND m.id = d.message_id
     WHERE d.tenant_id = $1 AND d.operation_id = $3 AND ($4::uuid IS NULL OR d.copy_id > $4) AND ($2::uuid IS NULL OR s.owner_user_id = $2
       OR EXISTS (SELECT FROM source_member m WHERE m.tenant_id = $1 AND m.source_id = s.id AND m.user_id = $2))
     ORDER BY d.copy_id LIMIT $5`,
    [reader.tenantId, reader.userId, page.operationId, page.afterCopyId, page.limit],
  );
}
