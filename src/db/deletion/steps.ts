import type { Database, Sql } from '../database';
import { noteErasure } from '../erasures/journal';
import type { DeletionRef } from './deletions';

/** Whether a deletion may begin: how long its undo window still lasts, or `none` where there is nothing (more) to delete. */
export type DeletionTurn = { kind: 'none' } | { kind: 'wait'; waitMs: number } | { kind: 'begun'; deletionId: string };

/** Begins the open deletion of a mailbox, if its undo window is over: from then on it cannot be taken back. Second run: the same answer. */
export async function takeTurn(db: Database, ref: { tenantId: string; mailboxId: string }): Promise<DeletionTurn> {
  return db.inTenant(ref.tenantId, async (sql) => {
    const [open] = await sql.query<{ id: string; state: string; actor: string; wait_ms: number }>(
      `SELECT id, state, actor, ceil(extract(epoch FROM begins_at - now()) * 1000)::double precision AS wait_ms FROM deletion
       WHERE tenant_id = $1 AND target_id = $2 AND state NOT IN ('done', 'cancelled') FOR UPDATE`,
      [ref.tenantId, ref.mailboxId],
    );
    if (open === undefined) return { kind: 'none' };
    if (open.state === 'waiting') {
      if (open.wait_ms > 0) return { kind: 'wait', waitMs: open.wait_ms };
      await sql.execute(`UPDATE deletion SET state = 'stopping', started_at = now() WHERE tenant_id = $1 AND id = $2`, [
        ref.tenantId,
        open.id,
      ]);
      const noted = { deletionId: open.id, kind: 'mailbox', targetId: ref.mailboxId, actor: open.actor } as const;
      await noteErasure(sql, ref.tenantId, noted);
    }
    return { kind: 'begun', deletionId: open.id };
  });
}

/**
 * The mailbox has stopped for certain: its password is forgotten first of all, and what there is to do is counted once.
 * Second run: no change.
 */
export async function beginRows(db: Database, ref: DeletionRef): Promise<void> {
  await db.inTenant(ref.tenantId, async (sql) => {
    await sql.execute(`UPDATE mailbox SET secret = '' WHERE tenant_id = $1 AND source_id = $2`, [
      ref.tenantId,
      ref.sourceId,
    ]);
    await sql.execute(
      `UPDATE deletion SET state = 'deleting', total = coalesce(total, (
         SELECT count(*) FROM folder_generation g JOIN placement p ON p.gen_id = g.id
         WHERE g.tenant_id = $1 AND g.source_id = $3))
       WHERE tenant_id = $1 AND id = $2 AND state IN ('stopping', 'verifying')`,
      [ref.tenantId, ref.deletionId, ref.sourceId],
    );
  });
}

/** How far a deletion is; null where it has ended. */
export interface DeletionProgress {
  done: number;
  total: number | null;
  /** Ledger rows a second since it began. */
  rate: number | null;
  etaSeconds: number | null;
}

export async function deletionProgress(db: Database, ref: DeletionRef): Promise<DeletionProgress | null> {
  const [row] = await db.inTenant(ref.tenantId, (sql) =>
    sql.query<{ done: number; total: number | null; seconds: number }>(
      `SELECT done, total, extract(epoch FROM now() - started_at)::double precision AS seconds FROM deletion
       WHERE tenant_id = $1 AND id = $2 AND state NOT IN ('done', 'cancelled')`,
      [ref.tenantId, ref.deletionId],
    ),
  );
  if (row === undefined) return null;
  const rate = row.done > 0 && row.seconds > 0 ? row.done / row.seconds : null;
  const left = rate === null || row.total === null ? null : Math.ceil(Math.max(0, row.total - row.done) / rate);
  return { done: row.done, total: row.total, rate, etaSeconds: left };
}

/** Rows that a step deleted, by table. */
export type RowCounts = Record<string, number>;

/** What a step did, to be noted in the transaction that did it. */
export interface StepDone {
  counts: RowCounts;
  /** What `done` counts: ledger rows, of a record its links, of a user messages they could read. */
  placements?: number;
  kept?: number;
  bytes?: number;
  /** Activities that were kept as notes. */
  notes?: number;
}

/** Adds what a step did to the deletion's row: the counts are right whatever is killed when. */
export async function noteStep(
  sql: Sql,
  ref: Pick<DeletionRef, 'tenantId' | 'deletionId'>,
  step: StepDone,
): Promise<void> {
  await sql.execute(
    `UPDATE deletion SET done = done + $3, kept = kept + $4, bytes = bytes + $5, notes = notes + $7,
       counts = counts || (SELECT coalesce(jsonb_object_agg(key, coalesce((counts ->> key)::bigint, 0) + value::bigint), '{}') FROM jsonb_each_text($6))
     WHERE tenant_id = $1 AND id = $2`,
    [
      ref.tenantId,
      ref.deletionId,
      step.placements ?? 0,
      step.kept ?? 0,
      step.bytes ?? 0,
      JSON.stringify(nonZero(step.counts)),
      step.notes ?? 0,
    ],
  );
}

function nonZero(counts: RowCounts): RowCounts {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
}

/**
 * Nobody waits until the disk has what the transaction does: a deletion that the server forgets when it is killed is found and done again,
 * with what was noted of it. The report is written when all of it is on the disk.
 */
export function neverMindTheDisk(sql: Sql): Promise<unknown> {
  return sql.query(`SELECT set_config('synchronous_commit', $1, true)`, ['off']);
}
