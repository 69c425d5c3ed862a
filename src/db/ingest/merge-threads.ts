import type { Sql } from '../database';
import { openRematch } from '../thread-links/left-replies';
import { forgetPartVisibility, joinThreadVisibility } from './join-thread-visibility';

/** Rows of each kind that one transaction moves: mail that arrives meanwhile waits for it. */
const movedAtOnce = 500;

const pairs = 'unnest($2::uuid[], $3::uuid[]) AS merged(loser, winner)';

/**
 * Joins threads, loser to winner; no winner is a loser in the same batch. The loser stays as an alias, so that an id somebody has noted still leads to
 * the thread. What does not fit into this transaction is moved by the job of the tenant that links mail again; until then the loser is a part of the
 * winner (thread-parts.ts). To be called under the tenant's lock. Second run: no change.
 */
export async function mergeThreads(sql: Sql, tenantId: string, merged: ReadonlyMap<string, string>): Promise<void> {
  if (merged.size === 0) return;
  const values = [tenantId, [...merged.keys()], [...merged.values()]];
  const [aliases, messages, references] = await Promise.all([
    sql.execute(renameStatement, values),
    sql.execute(moveStatement('message', 'id'), values),
    sql.execute(moveStatement('thread_ref', 'ref_hash'), values),
  ]);
  const isLeft = aliases >= merged.size + movedAtOnce || messages === movedAtOnce || references === movedAtOnce;
  if (isLeft) await leaveMoves(sql, tenantId, values);
  await joinThreadVisibility(sql, tenantId, merged);
}

// What was being moved to a loser goes on to the winner.
const renameStatement = `
WITH redirected AS (
  UPDATE thread_move v SET into_id = merged.winner FROM ${pairs} WHERE v.tenant_id = $1 AND v.into_id = merged.loser
)
UPDATE thread t SET merged_into = w.winner FROM (
  SELECT loser AS id, winner FROM ${pairs}
  UNION ALL (SELECT a.id, merged.winner FROM ${pairs}
    CROSS JOIN LATERAL (SELECT id FROM thread WHERE tenant_id = $1 AND merged_into = merged.loser LIMIT ${String(movedAtOnce)}) a
    LIMIT ${String(movedAtOnce)})
) w WHERE t.tenant_id = $1 AND t.id = w.id`;

function moveStatement(table: 'message' | 'thread_ref', key: string): string {
  return `UPDATE ${table} x SET thread_id = w.winner FROM (
    SELECT y.${key}, merged.winner FROM ${pairs}
    CROSS JOIN LATERAL (SELECT ${key} FROM ${table} WHERE tenant_id = $1 AND thread_id = merged.loser LIMIT ${String(movedAtOnce)}) y
    LIMIT ${String(movedAtOnce)}
  ) w WHERE x.tenant_id = $1 AND x.${key} = w.${key}`;
}

async function leaveMoves(sql: Sql, tenantId: string, values: unknown[]): Promise<void> {
  const left = await sql.execute(
    `INSERT INTO thread_move (tenant_id, thread_id, into_id) SELECT $1, loser, winner FROM ${pairs}
     WHERE EXISTS (SELECT FROM message WHERE tenant_id = $1 AND thread_id = loser)
       OR EXISTS (SELECT FROM thread_ref WHERE tenant_id = $1 AND thread_id = loser)
       OR EXISTS (SELECT FROM thread WHERE tenant_id = $1 AND merged_into = loser)`,
    values,
  );
  if (left === 0) return;
  await sql.execute('UPDATE operation SET total = total + $3 WHERE tenant_id = $1 AND id = $2', [
    tenantId,
    await openRematch(sql, tenantId),
    left,
  ]);
}

/** What one share of the job has moved; `moved`: threads of which nothing is left to move. */
export type MovedShare = { kind: 'nothing' } | { kind: 'some'; moved: number };

/**
 * Moves the next mail, references and earlier names of a thread that became a part of another. To be called under the tenant's lock, in the transaction
 * that notes how far the job is. Second run: the share after it.
 */
export async function moveNextShare(sql: Sql, tenantId: string): Promise<MovedShare> {
  const [move] = await sql.query<{ loser: string; winner: string }>(
    'SELECT thread_id AS loser, into_id AS winner FROM thread_move WHERE tenant_id = $1 ORDER BY thread_id LIMIT 1',
    [tenantId],
  );
  if (move === undefined) return { kind: 'nothing' };
  const values = [tenantId, [move.loser], [move.winner]];
  const [aliases, messages, references] = await Promise.all([
    sql.execute(renameStatement, values),
    sql.execute(moveStatement('message', 'id'), values),
    sql.execute(moveStatement('thread_ref', 'ref_hash'), values),
  ]);
  if (aliases > movedAtOnce || messages === movedAtOnce || references === movedAtOnce)
    return { kind: 'some', moved: 0 };
  await forgetPartVisibility(sql, tenantId, [move.loser]);
  await sql.execute('DELETE FROM thread_move WHERE tenant_id = $1 AND thread_id = $2', [tenantId, move.loser]);
  return { kind: 'some', moved: 1 };
}
