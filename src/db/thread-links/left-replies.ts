import type { Sql } from '../database';
import { insertRematch, type RematchRef } from '../rematch-task';

/**
 * What one transaction leaves of a long conversation to the job of the tenant that links mail again: messages whose replies may have to give something
 * back, and messages that may get something. All of the first are done before any of the second: what is to be given back must not be taken again.
 */
export interface LeftReplies {
  back: string[];
  again: string[];
}

/** As the table tells them from addresses and domains. */
const kinds = { back: 0, again: 3 };
/** How many of each one chunk of the job takes up at most. */
const takenUp = { back: 200, again: 600 };

/** Leaves replies to the job of the tenant. To be called under the tenant's lock. Second run: no change. */
export async function leaveReplies(sql: Sql, tenantId: string, { back, again }: LeftReplies): Promise<void> {
  if (back.length + again.length === 0) return;
  const operationId = await openRematch(sql, tenantId);
  const keys = [...back.map((id) => `back:${id}`), ...again.map((id) => `again:${id}`)];
  const added = await sql.execute(
    `INSERT INTO rematch_key (tenant_id, operation_id, address_key) SELECT $1, $2, unnest($3::text[]) ON CONFLICT DO NOTHING`,
    [tenantId, operationId, keys],
  );
  await sql.execute('UPDATE operation SET total = total + $3 WHERE tenant_id = $1 AND id = $2', [
    tenantId,
    operationId,
    added,
  ]);
}

/** The job of the tenant that links mail again: the one that runs, or waits, or a new one, which the reconciler starts. To be called under the tenant's lock. */
export async function openRematch(sql: Sql, tenantId: string): Promise<string> {
  const [open] = await sql.query<{ id: string }>(
    `SELECT id FROM operation WHERE tenant_id = $1 AND source_id IS NULL AND kind = 'rematch' AND state IN ('waiting', 'running')
     ORDER BY state = 'waiting', created_at, id LIMIT 1`,
    [tenantId],
  );
  return open?.id ?? insertRematch(sql, tenantId);
}

/** Takes up the next of what was left to a job. */
export async function takeUpReplies(
  sql: Sql,
  { tenantId, operationId }: RematchRef,
  kind: keyof LeftReplies,
): Promise<string[]> {
  const rows = await sql.query<{ address_key: string }>(
    `DELETE FROM rematch_key WHERE tenant_id = $1 AND operation_id = $2 AND address_key = ANY (ARRAY(
       SELECT address_key FROM rematch_key WHERE tenant_id = $1 AND operation_id = $2 AND kind = $3 ORDER BY address_key LIMIT $4))
     RETURNING address_key`,
    [tenantId, operationId, kinds[kind], takenUp[kind]],
  );
  return rows.map(({ address_key: key }) => key.slice(kind.length + 1)).sort();
}
