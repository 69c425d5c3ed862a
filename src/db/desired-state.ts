import type { DesiredState } from '../domain/mailbox-state';
import { nothingToStop } from '../domain/stop';
import type { Sql } from './database';
import { insertEvent, plainEvent, type Actor } from './events/event-write';
import { changeState } from './events/state-write';
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
  /** Who wishes it. */
  actor: Actor;
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
  if (changes) await changeWish(sql, tenantId, { ...wished, present: source.desired });
  const generation = changes ? source.generation + 1 : source.generation;
  const operation = await insertOperation(sql, tenantId, { kind: wished.kind, sourceId: wished.mailboxId, generation });
  if (changes || !applied) return { epoch, generation, operation };
  const result = wished.kind === 'stop' ? nothingToStop : null;
  const finished = await finishOperation(sql, tenantId, { id: operation.id, state: 'done', result, error: null });
  return { epoch, generation, operation: finished ?? operation };
}

const stoppable = ['connecting', 'live', 'backing-off', 'auth-required', 'needs-attention', 'paused'] as const;

async function changeWish(sql: Sql, tenantId: string, wished: Wished & { present: DesiredState }): Promise<void> {
  const { actor, desired, present } = wished;
  const mailbox = { tenantId, sourceId: wished.mailboxId };
  await sql.execute(
    `UPDATE source SET desired_state = $3, generation = generation + 1, running_since = CASE WHEN $3 = 'running' THEN now() ELSE running_since END,
       updated_at = greatest(clock_timestamp(), updated_at + interval '1 millisecond')
     WHERE tenant_id = $1 AND id = $2`,
    [tenantId, wished.mailboxId, wished.desired],
  );
  const event = plainEvent('wish', { from: present, to: desired, reason: wished.kind, actor });
  await insertEvent(sql, mailbox, { event, alternationsKept: null });
  if (desired === 'stopped')
    await changeState(sql, mailbox, { to: 'stopping', from: stoppable, cause: { kind: 'wish', actor } });
  await sql.execute(
    `UPDATE operation SET state = 'superseded', finished_at = now()
     WHERE tenant_id = $1 AND source_id = $2 AND kind IN ('start', 'stop', 'pause', 'resume') AND state IN ('waiting', 'running')`,
    [tenantId, wished.mailboxId],
  );
}

/** The operation of a stop whose wish has been written already, with that wish's generation. */
export async function insertStopOperation(sql: Sql, tenantId: string, mailboxId: string): Promise<Operation> {
  const [source] = await sql.query<{ generation: number }>(
    'SELECT generation FROM source WHERE tenant_id = $1 AND id = $2',
    [tenantId, mailboxId],
  );
  return insertOperation(sql, tenantId, { kind: 'stop', sourceId: mailboxId, generation: source?.generation ?? null });
}
