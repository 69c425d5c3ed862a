import type { Sql } from '../database';
import type { ReadCopy } from './differences';
import type { ReprocessRef } from './reprocess-task';

/**
 * Puts the other copies of messages whose identity was written on the list of the job, of whatever mailbox: what was taken for the same
 * message as a copy that was misread may be another one. One that has had its turn gets another: it was held against the old identity.
 * To be called when the copies of the share have their notes. Returns how many there are more to do. Second run: no change, because an
 * identity is written once.
 */
export async function lookBeside(
  sql: Sql,
  { tenantId, operationId }: ReprocessRef,
  changed: ReadCopy[],
): Promise<number> {
  const retold = changed.filter(({ stored, messageKey }) => stored.isTeller && messageKey !== stored.messageKey);
  if (retold.length === 0) return 0;
  return sql.execute(
    `INSERT INTO reprocess_difference AS d (tenant_id, operation_id, copy_id, message_id, source_id, fields)
     SELECT $1, $2, c.id, c.message_id, c.source_id, ARRAY['identity'] FROM copy c
     WHERE c.tenant_id = $1 AND c.message_id = ANY ($3::uuid[]) AND c.id <> ALL ($4::uuid[]) AND c.blob_id IS NOT NULL AND c.raw_state = 'full'
     ORDER BY c.id
     ON CONFLICT (operation_id, copy_id) DO UPDATE SET outcome = NULL, reason = NULL, done_at = NULL, tries = 0
       WHERE d.outcome IN ('changed', 'unchanged')`,
    [tenantId, operationId, retold.map(({ stored }) => stored.messageId), retold.map(({ stored }) => stored.copyId)],
  );
}
