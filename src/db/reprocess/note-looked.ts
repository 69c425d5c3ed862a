import type { ReprocessField } from '../../domain/reprocess';
import { StaleFence } from '../../domain/stale-fence';
import type { Database, Sql } from '../database';
import { insertRows } from '../insert-rows';
import type { LookShare } from './next-copies';
import { writeParserVersion } from './parser-version';
import { lockJob, saveTask, type ReprocessRef, type ReprocessTask } from './reprocess-task';

/** What a look at a copy came to: it differs in these fields, or cannot be read any more and stays as it is. */
export interface LookNote {
  copyId: string;
  messageId: string;
  fields: ReprocessField[];
  kept: string | null;
}

/**
 * Notes what a share came to, and with it that the job has got past it. Copies that are read as they stand get the version of the parser
 * that says so; in a dry run nothing is written of them. Second run: refused, because the job stands elsewhere by then.
 * @throws StaleFence where the job was called off, or somebody else has noted the share
 */
export async function noteLooked(
  db: Database,
  ref: ReprocessRef,
  looked: { share: LookShare; notes: LookNote[]; same: string[]; parserVersion: number },
): Promise<void> {
  const { share, notes, same, parserVersion } = looked;
  await db.inTenant(ref.tenantId, async (sql) => {
    const job = await lockJob(sql, ref);
    if (job === null || !isSamePlace(job.task, share.job.task)) throw new StaleFence();
    await insertNotes(sql, ref, { notes, sourceId: share.next.sourceId });
    if (job.task.mode === 'for-good') await writeParserVersion(sql, ref.tenantId, { copyIds: same, parserVersion });
    const more = job.task.mode === 'dry-run' ? 0 : notes.filter(({ kept }) => kept === null).length;
    const done = share.copies.length + share.withoutBytes;
    await saveTask(sql, ref, { task: past(job.task, { share, same: same.length }), done, more });
  });
}

function isSamePlace(one: ReprocessTask, other: ReprocessTask): boolean {
  return one.phase === other.phase && one.at?.sourceId === other.at?.sourceId && one.at?.after === other.at?.after;
}

function past(task: ReprocessTask, { share, same }: { share: LookShare; same: number }): ReprocessTask {
  const looked = share.copies.length;
  return {
    ...task,
    at: share.next,
    taken: 0,
    tries: 0,
    alone: Math.max(0, task.alone - looked),
    looked: task.looked + looked,
    same: task.same + same,
    withoutBytes: task.withoutBytes + share.withoutBytes,
  };
}

/** It was not these copies that ended the work: that is not held against them. */
export async function giveBackLook(db: Database, ref: ReprocessRef): Promise<void> {
  await db.inTenant(ref.tenantId, async (sql) => {
    const job = await lockJob(sql, ref);
    if (job !== null) await saveTask(sql, ref, { task: { ...job.task, taken: 0 } });
  });
}

async function insertNotes(
  sql: Sql,
  { tenantId, operationId }: ReprocessRef,
  { notes, sourceId }: { notes: LookNote[]; sourceId: string },
): Promise<void> {
  await insertRows(
    sql,
    {
      table: 'reprocess_difference',
      columns: {
        tenant_id: 'uuid',
        operation_id: 'uuid',
        copy_id: 'uuid',
        message_id: 'uuid',
        source_id: 'uuid',
        fields: 'text[]',
        outcome: 'text',
        reason: 'text',
        done_at: 'timestamptz',
      },
      onConflict: 'ON CONFLICT DO NOTHING',
    },
    notes.map(({ copyId, messageId, fields, kept }) => ({
      tenant_id: tenantId,
      operation_id: operationId,
      copy_id: copyId,
      message_id: messageId,
      source_id: sourceId,
      fields,
      outcome: kept === null ? null : 'kept',
      reason: kept,
      done_at: kept === null ? null : new Date(),
    })),
  );
}
