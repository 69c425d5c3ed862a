import type { Database, Sql } from './database';
import { rematchChunk } from './rematch';
import { finishRematch, insertRematch, rematchProgress } from './rematch-operation';

/** A job that links stored mail anew, and how many messages it will look at. */
export interface QueuedRematch {
  operationId: string;
  messages: number;
}

/**
 * Writes the job for the stored mail of these addresses, which is to be run after the commit; null where there is no such mail.
 * To be called under the tenant's lock, in the transaction that changed the records.
 */
export async function queueRematch(sql: Sql, tenantId: string, addressKeys: string[]): Promise<QueuedRematch | null> {
  const found = await keysWithMail(sql, tenantId, addressKeys);
  if (found.messages === 0) return null;
  const operationId = await insertRematch(sql, tenantId, { addressKeys: found.keys, total: found.messages });
  return { operationId, messages: found.messages };
}

/** Adds addresses to a job; where it has begun already, to a new one. The job that has them now, null where they have no mail. */
export async function addToRematch(
  sql: Sql,
  tenantId: string,
  more: { job: QueuedRematch; addressKeys: string[] },
): Promise<QueuedRematch | null> {
  const { job } = more;
  const found = await keysWithMail(sql, tenantId, more.addressKeys);
  if (found.messages === 0) return null;
  const messages = job.messages + found.messages;
  const added = await sql.execute(
    `UPDATE operation SET total = $4, task = jsonb_set(task, '{addressKeys}', (task -> 'addressKeys') || $3::jsonb)
     WHERE tenant_id = $1 AND id = $2 AND state = 'waiting'`,
    [tenantId, job.operationId, JSON.stringify(found.keys), messages],
  );
  return added > 0 ? { ...job, messages } : queueRematch(sql, tenantId, found.keys);
}

/** Does a job here and now, to its end. Second run, or beside another: no change. */
export async function runRematch(db: Database, ref: { tenantId: string; operationId: string }): Promise<void> {
  let progress = await rematchProgress(db, ref);
  while (progress !== null) {
    const chunk = await rematchChunk(db, ref.tenantId, { ...progress, limit: messagesPerTransaction });
    progress = await finishRematch(db, ref, chunk);
  }
}

/**
 * Jobs of all tenants that should run, also those that tell anew who may read stored mail: written or begun, and at least `olderThanMs` old, so that whoever wrote them had the time to start
 * them. Starting one that runs changes nothing.
 */
export async function unfinishedRematches(
  db: Database,
  olderThanMs: number,
): Promise<{ tenantId: string; operationId: string }[]> {
  return db.acrossTenants((sql) =>
    sql.query(
      `SELECT tenant_id AS "tenantId", id AS "operationId" FROM operation
       WHERE kind IN ('rematch', 'visibility') AND state IN ('waiting', 'running') AND created_at < now() - $1 * interval '1 millisecond'
       ORDER BY created_at`,
      [olderThanMs],
    ),
  );
}

const messagesPerTransaction = 500;

async function keysWithMail(
  sql: Sql,
  tenantId: string,
  addressKeys: string[],
): Promise<{ keys: string[]; messages: number }> {
  if (addressKeys.length === 0) return { keys: [], messages: 0 };
  const rows = await sql.query<{ address_key: string; messages: number }>(
    `SELECT ca.address_key, count(DISTINCT c.message_id) AS messages FROM copy_address ca
     JOIN copy c ON c.tenant_id = $1 AND c.id = ca.copy_id
     WHERE ca.tenant_id = $1 AND ca.address_key = ANY ($2::text[]) GROUP BY ca.address_key ORDER BY ca.address_key`,
    [tenantId, addressKeys],
  );
  return {
    keys: rows.map((row) => row.address_key),
    messages: rows.reduce((sum, row) => sum + row.messages, 0),
  };
}
