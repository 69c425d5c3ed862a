import type { ReprocessScope } from '../../domain/reprocess';
import type { Sql } from '../database';
import { newUuid } from '../new-id';
import type { ReprocessTask } from './reprocess-task';

/** Writes the job that reads these copies again; its id. How many there are is counted when it begins. */
export async function insertReprocess(
  sql: Sql,
  tenantId: string,
  wish: { scope: ReprocessScope; mode: ReprocessTask['mode']; actor: string },
): Promise<string> {
  const { scope, mode, actor } = wish;
  const task: ReprocessTask = {
    mode,
    actor,
    from: scope.from?.toISOString() ?? null,
    to: scope.to?.toISOString() ?? null,
    parserVersionBelow: scope.parserVersionBelow,
    phase: 'looking',
    at: null,
    taken: 0,
    tries: 0,
    alone: 0,
    looked: 0,
    same: 0,
    withoutBytes: 0,
  };
  const id = newUuid();
  await sql.execute(
    `INSERT INTO operation (tenant_id, id, kind, source_id, state, task) VALUES ($1, $2, 'reprocess', $3, 'waiting', $4)`,
    [tenantId, id, scope.mailboxId, JSON.stringify(task)],
  );
  return id;
}
