import type { Sql } from './database';
import { narrowReaders, queueVisibility, type QueuedVisibility } from './visibility-job';

/** The ids of a job stand in one row, which is written anew when some are added. */
const mostRecords = 5_000;

/**
 * Writes the job that tells the mail of these records anew, in the transaction that moved them or changed who may see them; null where they
 * have no mail. A job before it that has not begun takes them too.
 */
export async function queueRetelling(
  sql: Sql,
  tenantId: string,
  { recordIds, job }: { recordIds: string[]; job?: QueuedVisibility | null },
): Promise<QueuedVisibility | null> {
  if (recordIds.length === 0) return null;
  if (job !== undefined && job !== null) {
    const joined = await join(sql, tenantId, { recordIds, job });
    if (joined !== null) return joined;
  }
  return queueVisibility(sql, tenantId, { mail: { of: 'records', recordIds }, narrowedUserIds: [] });
}

async function join(
  sql: Sql,
  tenantId: string,
  { recordIds, job }: { recordIds: string[]; job: QueuedVisibility },
): Promise<QueuedVisibility | null> {
  const [joined] = await sql.query<{ messages: number }>(
    `WITH more AS (SELECT count(*) AS links FROM link WHERE tenant_id = $1 AND record_id = ANY ($3::uuid[]))
     UPDATE operation SET total = total + (SELECT links FROM more),
       task = jsonb_set(task, '{recordIds}', (task -> 'recordIds') || to_jsonb($3::uuid[]))
     WHERE tenant_id = $1 AND id = $2 AND state = 'waiting' AND jsonb_array_length(task -> 'recordIds') < ${String(mostRecords)}
     RETURNING total AS messages`,
    [tenantId, job.operationId, recordIds],
  );
  if (joined === undefined) return null;
  const { operationId } = job;
  // What it takes away with these is taken away from this commit on, as with those before.
  await narrowReaders(sql, tenantId, { operationId, mail: { of: 'records', recordIds }, narrowedUserIds: [] });
  return { operationId, messages: joined.messages };
}
