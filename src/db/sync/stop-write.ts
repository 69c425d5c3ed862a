import { mailboxStates, type DesiredState } from '../../domain/mailbox-state';
import type { StopReport } from '../../domain/stop';
import type { Database, Sql } from '../database';
import { systemActor } from '../events/event-write';
import { changeState, type StateChange } from '../events/state-write';
import { endSyncOperations } from './sync-operations';

const stopped: StateChange = {
  to: 'stopped',
  from: mailboxStates.filter((state) => state !== 'stopped' && state !== 'deleting'),
  cause: { kind: 'wish', actor: systemActor },
};

interface MailboxRef {
  tenantId: string;
  mailboxId: string;
}

/** What is wished of a mailbox that is to be stopped; `goes-on` where somebody wishes otherwise by now. */
export type StopWish = { kind: 'stop'; generation: number } | { kind: 'goes-on' };

/** Whether a mailbox is still to be stopped. One that is deleted, or is no more, is. */
export async function stopWish(db: Database, ref: MailboxRef): Promise<StopWish> {
  return db.inTenant(ref.tenantId, (sql) => readStopWish(sql, ref, ''));
}

async function readStopWish(sql: Sql, ref: MailboxRef, lock: '' | 'FOR UPDATE'): Promise<StopWish> {
  const [source] = await sql.query<{ desired: DesiredState; generation: number; deleted: boolean }>(
    `SELECT desired_state AS desired, generation, deleted_at IS NOT NULL AS deleted FROM source
     WHERE tenant_id = $1 AND id = $2 ${lock}`,
    [ref.tenantId, ref.mailboxId],
  );
  if (source === undefined) return { kind: 'stop', generation: 0 };
  if (source.desired !== 'stopped' && !source.deleted) return { kind: 'goes-on' };
  return { kind: 'stop', generation: source.generation };
}

/** A stop is being carried out: its operations say so. Second run: no change. */
export async function recordStopBegun(db: Database, ref: MailboxRef): Promise<void> {
  await db.inTenant(ref.tenantId, (sql) =>
    sql.execute(
      `UPDATE operation SET state = 'running', started_at = now()
       WHERE tenant_id = $1 AND source_id = $2 AND kind = 'stop' AND state = 'waiting'`,
      [ref.tenantId, ref.mailboxId],
    ),
  );
}

/**
 * A mailbox has stopped for certain: its wish is carried out, the operations of it end with the report, and so does everything that
 * waited for a round or an audit. Where it is wished otherwise by now nothing is written. Second run: no change.
 */
export async function recordStopped(db: Database, ref: MailboxRef, report: StopReport): Promise<StopWish> {
  return db.inTenant(ref.tenantId, async (sql) => {
    const wish = await readStopWish(sql, ref, 'FOR UPDATE');
    if (wish.kind === 'goes-on') return wish;
    const values = [ref.tenantId, ref.mailboxId];
    await sql.execute('UPDATE source SET applied_generation = generation WHERE tenant_id = $1 AND id = $2', values);
    await changeState(sql, { tenantId: ref.tenantId, sourceId: ref.mailboxId }, stopped);
    await endStopOperations(sql, ref, { generation: wish.generation, report });
    return wish;
  });
}

async function endStopOperations(
  sql: Sql,
  { tenantId, mailboxId }: MailboxRef,
  stop: { generation: number; report: StopReport },
): Promise<void> {
  await sql.execute(
    `UPDATE operation SET state = CASE WHEN kind = 'stop' THEN 'done' ELSE 'superseded' END,
       result = CASE WHEN kind = 'stop' THEN $4::jsonb END, started_at = coalesce(started_at, now()), finished_at = now()
     WHERE tenant_id = $1 AND source_id = $2 AND generation <= $3 AND kind IN ('start', 'pause', 'resume', 'stop')
       AND state IN ('waiting', 'running')`,
    [tenantId, mailboxId, stop.generation, JSON.stringify(stop.report)],
  );
  await sql.execute(
    `UPDATE operation SET state = 'failed', error = '{"code": "stopped"}', started_at = coalesce(started_at, now()), finished_at = now()
     WHERE tenant_id = $1 AND source_id = $2 AND kind = 'audit' AND state IN ('waiting', 'running')`,
    [tenantId, mailboxId],
  );
  const [{ now } = { now: new Date() }] = await sql.query<{ now: Date }>('SELECT now()');
  const ended = { tenantId, sourceId: mailboxId, askedBy: now };
  await endSyncOperations(sql, ended, { state: 'failed', error: { code: 'stopped' } });
}
