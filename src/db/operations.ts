import { z } from 'zod';

import type { JobProgress } from '../domain/job-progress';
import type { Database, PrismaTransaction, Sql } from './database';
import { storedTrack } from './import-track';
import { newUuid } from './new-id';

const count = z.bigint().transform(Number);
const details = z.record(z.string(), z.unknown());

/** A row as Prisma reads it. */
const storedOperation = z.object({
  id: z.string(),
  kind: z.string(),
  sourceId: z.string().nullable(),
  state: z.enum(['waiting', 'running', 'paused', 'done', 'failed', 'superseded', 'cancelled']),
  done: count,
  total: count.nullable(),
  /** How fast it has been; kept for imports. */
  track: storedTrack.nullish(),
  result: details.nullable(),
  error: details.nullable(),
  createdAt: z.date(),
  startedAt: z.date().nullable(),
  finishedAt: z.date().nullable(),
});

/** A job, whatever it does. */
export type Operation = z.output<typeof storedOperation>;

const columns = `id, kind, source_id AS "sourceId", state, done, total, track, result, error, created_at AS "createdAt",
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
export function findOperation(
  db: Database,
  { tenantId, userId }: { tenantId: string; userId: string | null },
  id: string,
): Promise<Operation | null> {
  return db.prismaInTenant(tenantId, async (tx) => {
    const row = await tx.operation.findUnique({ where: { tenantId_id: { tenantId, id } } });
    if (row === null) return null;
    const { sourceId } = row;
    if (userId !== null && sourceId !== null && !(await holdsSource(tx, { tenantId, sourceId, userId }))) return null;
    return storedOperation.parse(row);
  });
}

async function holdsSource(
  tx: PrismaTransaction,
  { tenantId, sourceId, userId }: { tenantId: string; sourceId: string; userId: string },
): Promise<boolean> {
  const owned = await tx.source.count({ where: { tenantId, id: sourceId, ownerUserId: userId } });
  return owned > 0 || (await tx.sourceMember.count({ where: { tenantId, sourceId, userId } })) > 0;
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

/** How far the operation is; nothing done where it is no more. */
export async function jobProgress(
  db: Database,
  { tenantId, operationId }: { tenantId: string; operationId: string },
): Promise<JobProgress> {
  const [row] = await db.inTenant(tenantId, (sql) =>
    sql.query<JobProgress>(
      `SELECT done, total, coalesce((
         SELECT jsonb_object_agg(key, value) FROM jsonb_each(result) WHERE jsonb_typeof(value) = 'number'), '{}') AS counts
       FROM operation WHERE tenant_id = $1 AND id = $2`,
      [tenantId, operationId],
    ),
  );
  return row ?? { done: 0, total: null, counts: {} };
}
