import type { Fence } from '../../domain/mailbox-state';
import type { Database, Sql } from '../database';
import {
  countCopies,
  keptPartsSql,
  nextCopies,
  type CopyToRead,
  type LookShare,
  type ShareLimits,
} from './next-copies';
import { finishJob, saveTask, takeUpJob, type ReprocessJob, type ReprocessRef } from './reprocess-task';
import { withinBytes } from '../replay/within-bytes';

/** Copies that differ, whose turn it is to be written; all of one source. */
export interface WriteShare {
  kind: 'write';
  source: { tenantId: string; sourceId: string; fence: Fence };
  isDeleting: boolean;
  /** Null where the copy is no more, or has lost its bytes. */
  copies: { copyId: string; tries: number; toRead: CopyToRead | null }[];
}

/** What is to be done next. `held`: somebody has held it or called it off; `done`: nothing is left, and the operation has ended. */
export type NextShare = LookShare | WriteShare | { kind: 'held' } | { kind: 'done' };

/**
 * Takes the next share of a job: first all copies that it means are looked at, then, but not in a dry run, those that differ are written. So
 * a dry run lists what would be written, whatever writing one message does to the next. Second run: takes the same share again.
 */
export async function takeShare(db: Database, ref: ReprocessRef, limits: ShareLimits): Promise<NextShare> {
  return db.inTenant(ref.tenantId, async (sql) => {
    const job = await takeUpJob(sql, ref);
    if (job === null) return { kind: 'held' };
    if (job.task.phase === 'looking') {
      await countOnce(sql, ref, job);
      const share = await nextCopies(sql, ref, { job, limits });
      if (share !== null) return share;
      await saveTask(sql, ref, { task: { ...job.task, phase: 'writing', taken: 0 } });
    }
    const share = job.task.mode === 'dry-run' ? null : await nextDifferences(sql, ref, limits);
    if (share !== null) return share;
    await finishJob(sql, ref);
    return { kind: 'done' };
  });
}

async function countOnce(sql: Sql, ref: ReprocessRef, job: ReprocessJob): Promise<void> {
  if (job.task.at !== null) return;
  const total = await countCopies(sql, ref, job);
  await sql.execute('UPDATE operation SET total = coalesce(total, $3) WHERE tenant_id = $1 AND id = $2', [
    ref.tenantId,
    ref.operationId,
    total,
  ]);
}

interface DifferenceRow extends Omit<CopyToRead, 'copyId' | 'blobId' | 'rawState'> {
  copyId: string;
  sourceId: string;
  tries: number;
  isDeleting: boolean;
  epoch: number;
  generation: number;
  blobId: string | null;
  rawState: 'full' | 'reduced' | 'none' | null;
}

// The first source that has differences left, then its copies in the order of the index.
const nextRows = `
WITH first AS MATERIALIZED (
  SELECT source_id FROM reprocess_difference WHERE operation_id = $2 AND outcome IS NULL ORDER BY source_id LIMIT 1
), next AS MATERIALIZED (
  SELECT d.* FROM first CROSS JOIN LATERAL (
    SELECT * FROM reprocess_difference WHERE operation_id = $2 AND source_id = first.source_id AND outcome IS NULL
    ORDER BY tries, copy_id LIMIT $3) d
)
SELECT d.copy_id AS "copyId", d.message_id AS "messageId", d.source_id AS "sourceId", d.tries, s.epoch, s.generation,
  s.deletion_id IS NOT NULL OR s.deleted_at IS NOT NULL AS "isDeleting", c.blob_id AS "blobId", c.raw_sha AS "rawSha",
  coalesce(c.raw_size, 0) AS size, c.raw_state AS "rawState", ${keptPartsSql} AS "keptParts"
FROM next d JOIN source s ON s.tenant_id = $1 AND s.id = d.source_id
LEFT JOIN copy c ON c.tenant_id = $1 AND c.id = d.copy_id
ORDER BY d.tries, d.copy_id`;

async function nextDifferences(sql: Sql, ref: ReprocessRef, limits: ShareLimits): Promise<WriteShare | null> {
  const rows = await sql.query<DifferenceRow>(nextRows, [ref.tenantId, ref.operationId, limits.messages]);
  const [first] = rows;
  if (first === undefined) return null;
  const taken = first.tries > 0 ? [first] : rows.slice(0, withinBytes(rows, limits.bytes));
  await countTries(sql, ref, { copyIds: taken.map(({ copyId }) => copyId), by: 1 });
  const { sourceId, epoch, generation, isDeleting } = first;
  return {
    kind: 'write',
    source: { tenantId: ref.tenantId, sourceId, fence: { epoch, generation } },
    isDeleting,
    copies: taken.map((row) => ({ copyId: row.copyId, tries: row.tries, toRead: toReadOf(row) })),
  };
}

function toReadOf({ copyId, messageId, blobId, rawSha, size, rawState, keptParts }: DifferenceRow): CopyToRead | null {
  if (blobId === null || rawState === null || rawState === 'none') return null;
  return { copyId, messageId, blobId, rawSha, size, rawState, keptParts };
}

/** It was not these copies that ended the work: their tries are not held against them. */
export async function giveBackWrite(db: Database, ref: ReprocessRef, { copies }: WriteShare): Promise<void> {
  const copyIds = copies.map(({ copyId }) => copyId);
  await db.inTenant(ref.tenantId, (sql) => countTries(sql, ref, { copyIds, by: -1 }));
}

async function countTries(
  sql: Sql,
  { tenantId, operationId }: ReprocessRef,
  { copyIds, by }: { copyIds: string[]; by: 1 | -1 },
): Promise<void> {
  await sql.execute(
    `UPDATE reprocess_difference SET tries = greatest(tries + $3, 0)
     WHERE tenant_id = $1 AND operation_id = $2 AND copy_id = ANY ($4::uuid[]) AND outcome IS NULL`,
    [tenantId, operationId, by, copyIds],
  );
}
