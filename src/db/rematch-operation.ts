import { z } from 'zod';

import type { Database, Sql } from './database';
import { newUuid } from './new-id';
import type { RematchedChunk, RematchPosition } from './rematch';

// The addresses stay in the operation's row: the workflow that does the job, and its history, know the operation's id alone.
const rematchTask = z.object({ addressKeys: z.array(z.string()), after: z.string().nullable() });

interface RematchRef {
  tenantId: string;
  operationId: string;
}

/**
 * Makes the operation that links the stored mail of these addresses again; returns its id. To be called in the transaction that changes
 * the records, so that no crash comes between the two. `total` is how many messages there are to look at.
 */
export async function insertRematch(
  sql: Sql,
  tenantId: string,
  rematch: { addressKeys: string[]; total: number },
): Promise<string> {
  const operationId = newUuid();
  const task: RematchPosition = { addressKeys: rematch.addressKeys, after: null };
  await sql.execute(
    `INSERT INTO operation (tenant_id, id, kind, state, total, task) VALUES ($1, $2, 'rematch', 'waiting', $3, $4)`,
    [tenantId, operationId, rematch.total, JSON.stringify(task)],
  );
  return operationId;
}

/** Where a rematch goes on, which is running from now on; null where it has ended. Second run: the same answer. */
export async function rematchProgress(db: Database, ref: RematchRef): Promise<RematchPosition | null> {
  const rows = await db.inTenant(ref.tenantId, (sql) =>
    sql.query<{ task: unknown }>(
      `UPDATE operation SET state = 'running', started_at = coalesce(started_at, now())
       WHERE tenant_id = $1 AND id = $2 AND kind = 'rematch' AND state IN ('waiting', 'running') RETURNING task`,
      [ref.tenantId, ref.operationId],
    ),
  );
  return rows[0] === undefined ? null : rematchTask.parse(rows[0].task);
}

/**
 * Notes that a chunk is done; the next position, or null where that was the last one. The operation then is done too, its addresses are
 * forgotten. A message with several copies is looked at several times, so `done` is held below `total` until the end.
 */
export async function finishRematch(
  db: Database,
  ref: RematchRef,
  chunk: RematchedChunk,
): Promise<RematchPosition | null> {
  const rows = await db.inTenant(ref.tenantId, (sql) =>
    chunk.next === null
      ? sql.query<{ task: unknown }>(lastChunk, [ref.tenantId, ref.operationId])
      : sql.query<{ task: unknown }>(oneChunk, [ref.tenantId, ref.operationId, chunk.messages, chunk.next]),
  );
  return chunk.next === null || rows[0] === undefined ? null : rematchTask.parse(rows[0].task);
}

const ofRunning = `WHERE tenant_id = $1 AND id = $2 AND kind = 'rematch' AND state = 'running' RETURNING task`;
const oneChunk = `UPDATE operation SET done = least(done + $3, total), task = jsonb_set(task, '{after}', to_jsonb($4::text)) ${ofRunning}`;
const lastChunk = `UPDATE operation SET state = 'done', done = coalesce(total, done), task = NULL, finished_at = now() ${ofRunning}`;
