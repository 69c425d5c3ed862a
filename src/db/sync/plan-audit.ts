import type { Sql } from '../database';

/** How soon: what a person does is answered at once; a server that leaves out more and more is compared no more often than so. */
const apartMinutes = { 'at-once': 0, 'in-its-turn': 10 };

/**
 * Whether a mailbox is complete is to be said anew: something was not delivered (which counts as missing until it is accepted), or of a folder
 * it is not known any more. One that was never compared will be. Second run: no change.
 */
export async function planAudit(
  sql: Sql,
  { tenantId, sourceId }: { tenantId: string; sourceId: string },
  how: keyof typeof apartMinutes,
): Promise<void> {
  await sql.execute(
    `WITH soonest AS (
       SELECT greatest(now(), audited_at + $3::integer * interval '1 minute') AS at FROM mailbox WHERE tenant_id = $1 AND source_id = $2)
     UPDATE mailbox SET audit_due_at = soonest.at, audit_cause = 'again' FROM soonest
     WHERE tenant_id = $1 AND source_id = $2 AND audited_at IS NOT NULL AND audit_due_at > soonest.at`,
    [tenantId, sourceId, apartMinutes[how]],
  );
}
