import type { Sql } from './database';
import { newUuid } from './new-id';

export type OperationState = 'waiting' | 'running' | 'done' | 'failed' | 'superseded';

/** A job, whatever it does. */
export interface Operation {
  id: string;
  kind: string;
  sourceId: string | null;
  state: OperationState;
  done: number;
  total: number | null;
  result: Record<string, unknown> | null;
  error: Record<string, unknown> | null;
  createdAt: Date;
  startedAt: Date | null;
  finishedAt: Date | null;
}

const columns = `id, kind, source_id AS "sourceId", state, done, total, result, error, created_at AS "createdAt",
  started_at AS "startedAt", finished_at AS "finishedAt"`;

/** A new operation that waits. `generation` is the wish that it stands for, null where it stands for none. */
export async function insertOperation(
  sql: Sql,
  tenantId: string,
  operation: { kind: string; sourceId: string | null; generation: number | null },
): Promise<Operation> {
  const rows = await sql.query<Operation>(
    `INSERT INTO operation (tenant_id, id, kind, source_id, generation, state) VALUES ($1, $2, $3, $4, $5, 'waiting') RETURNING ${columns}`,
    [tenantId, newUuid(), operation.kind, operation.sourceId, operation.generation],
  );
  const [inserted] = rows;
  if (inserted === undefined) throw new Error('the new operation has no row');
  return inserted;
}

/** The operation with this id, or null. With `userId` only one of a mailbox that the user owns or is a member of, or of none. */
export async function findOperation(
  sql: Sql,
  reader: { tenantId: string; userId: string | null },
  id: string,
): Promise<Operation | null> {
  const rows = await sql.query<Operation>(
    `SELECT ${columns} FROM operation o WHERE tenant_id = $1 AND id = $2 AND ($3::uuid IS NULL OR source_id IS NULL
       OR EXISTS (SELECT FROM source s WHERE s.tenant_id = $1 AND s.id = o.source_id AND s.owner_user_id = $3)
       OR EXISTS (SELECT FROM source_member m WHERE m.tenant_id = $1 AND m.source_id = o.source_id AND m.user_id = $3))`,
    [reader.tenantId, id, reader.userId],
  );
  return rows[0] ?? null;
}

/** Ends an operation that has not ended; null where it has. Second run: no change. */
export async function finishOperation(
  sql: Sql,
  tenantId: string,
  end: { id: string; state: 'done' | 'failed' | 'superseded'; result: unknown; error: unknown },
): Promise<Operation | null> {
  const rows = await sql.query<Operation>(
    `UPDATE operation SET state = $3, result = $4, error = $5, started_at = coalesce(started_at, now()), finished_at = now()
     WHERE tenant_id = $1 AND id = $2 AND state IN ('waiting', 'running') RETURNING ${columns}`,
    [tenantId, end.id, end.state, jsonOrNull(end.result), jsonOrNull(end.error)],
  );
  return rows[0] ?? null;
}

function jsonOrNull(value: unknown): string | null {
  return value === null || value === undefined ? null : JSON.stringify(value);
}
