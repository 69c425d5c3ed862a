import type { DesiredState } from '../domain/mailbox-state';
import type { Sql } from './database';
import { finishOperation, insertOperation, type Operation } from './operations';

/** A wish about a mailbox as it was written: the new fence, and the operation that stands for it. */
export interface WrittenWish {
  epoch: number;
  generation: number;
  operation: Operation;
}

/** What somebody asks of a mailbox. */
export interface Wished {
  mailboxId: string;
  kind: 'pause' | 'resume' | 'stop' | 'start';
  desired: DesiredState;
}

/**
 * Writes what is wished of a mailbox: from this commit on, writes of the round that runs are refused, and the reconciler makes the
 * workflow follow even if nobody tells it. Operations that still wait for an older wish are superseded. What is wished already
 * disturbs nothing: its operation ends with the wish, or has ended. The transaction has locked the mailbox.
 */
export async function writeWish(sql: Sql, tenantId: string, wished: Wished): Promise<WrittenWish> {
  const [source] = await sql.query<{ epoch: number; generation: number; desired: DesiredState; applied: boolean }>(
    `SELECT epoch, generation, desired_state AS desired, applied_generation = generation AS applied
     FROM source WHERE tenant_id = $1 AND id = $2 AND deleted_at IS NULL FOR UPDATE`,
    [tenantId, wished.mailboxId],
  );
  if (source === undefined) throw new Error('the mailbox that was locked is not there');
  const { epoch, applied } = source;
  const changes = source.desired !== wished.desired;
  if (changes) await changeWish(sql, tenantId, wished);
  const generation = changes ? source.generation + 1 : source.generation;
  const operation = await insertOperation(sql, tenantId, { kind: wished.kind, sourceId: wished.mailboxId, generation });
  if (changes || !applied) return { epoch, generation, operation };
  const finished = await finishOperation(sql, tenantId, { id: operation.id, state: 'done', result: null, error: null });
  return { epoch, generation, operation: finished ?? operation };
}

async function changeWish(sql: Sql, tenantId: string, wished: Wished): Promise<void> {
  await sql.execute(
    `UPDATE source SET desired_state = $3, generation = generation + 1,
       updated_at = greatest(clock_timestamp(), updated_at + interval '1 millisecond')
     WHERE tenant_id = $1 AND id = $2`,
    [tenantId, wished.mailboxId, wished.desired],
  );
  if (wished.desired === 'stopped') {
    await sql.execute(
      `UPDATE mailbox SET state = 'stopping', state_reason = NULL, state_until = NULL, state_since = now()
       WHERE tenant_id = $1 AND source_id = $2 AND state NOT IN ('stopping', 'stopped')`,
      [tenantId, wished.mailboxId],
    );
  }
  await sql.execute(
    `UPDATE operation SET state = 'superseded', finished_at = now()
     WHERE tenant_id = $1 AND source_id = $2 AND kind IN ('start', 'stop', 'pause', 'resume') AND state = 'waiting'`,
    [tenantId, wished.mailboxId],
  );
}
