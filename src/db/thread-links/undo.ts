import { z } from 'zod';

import type { Sql } from '../database';
import { openOperation, type LinkActor, type OpenLinkOperation } from './begin';
import { countStaged, insertLinkOperation, linkKinds, linkTask, type LinkTask } from './link-task';
import { recordsAmong } from './thread-links';

/** What became of a wish to undo. `none`: there is no such operation on links of records that the reader may see. */
export type UndoBegun =
  | { kind: 'begun'; operationId: string; threadId: string | null; messages: number }
  | { kind: 'busy'; open: OpenLinkOperation }
  | { kind: 'none' }
  | { kind: 'not-done' | 'too-late' | 'undone' };

const undoneTask = linkTask.extend({ undoneBy: z.string().optional() });

/**
 * Begins to undo what an operation did to links, where nobody has changed them since; not longer than `keptMs` after its end. To be called under
 * the tenant's lock.
 */
export async function beginUndo(
  sql: Sql,
  { reader, actor }: LinkActor,
  { operationId, keptMs }: { operationId: string; keptMs: number },
): Promise<UndoBegun> {
  const { tenantId } = reader;
  const [job] = await sql.query<{ task: unknown; state: string; is_kept: boolean }>(
    `SELECT task, state, coalesce(finished_at > now() - $4::float8 * interval '1 millisecond', true) AS is_kept FROM operation
     WHERE tenant_id = $1 AND id = $2 AND kind = ANY ($3::text[])`,
    [tenantId, operationId, [...linkKinds], keptMs],
  );
  if (job === undefined) return { kind: 'none' };
  const records = await sql.query<{ record_id: string }>(
    'SELECT DISTINCT record_id FROM link_change WHERE tenant_id = $1 AND operation_id = $2',
    [tenantId, operationId],
  );
  const recordIds = records.map(({ record_id }) => record_id);
  const seen = await recordsAmong(sql, reader, recordIds);
  if (seen.size < recordIds.length) return { kind: 'none' };
  const task = undoneTask.parse(job.task);
  if (task.undoneBy !== undefined) return { kind: 'undone' };
  if (!job.is_kept || task.does === 'undo') return { kind: 'too-late' };
  if (job.state !== 'done') return { kind: 'not-done' };
  const open = task.thread === null ? null : await openOperation(sql, tenantId, task.thread.id);
  if (open !== null) return { kind: 'busy', open };
  const undoing: LinkTask = { does: 'undo', actor, thread: threadBefore(task), suppresses: false, undoes: operationId };
  const undoId = await insertLinkOperation(sql, tenantId, { kind: 'undo-links', task: undoing });
  await sql.execute(
    `INSERT INTO link_change (tenant_id, operation_id, message_id, record_id)
     SELECT $1, $3, message_id, record_id FROM link_change WHERE tenant_id = $1 AND operation_id = $2`,
    [tenantId, operationId, undoId],
  );
  const messages = await countStaged(sql, { tenantId, operationId: undoId });
  await nameUndoer(sql, { tenantId, actor }, task.thread);
  return { kind: 'begun', operationId: undoId, threadId: task.thread?.id ?? null, messages };
}

/** The link of the thread is theirs now, and the reason of what is undone no longer the reason why it is as it is. */
async function nameUndoer(
  sql: Sql,
  { tenantId, actor }: { tenantId: string; actor: string },
  thread: LinkTask['thread'],
): Promise<void> {
  if (thread === null) return;
  const values = [tenantId, thread.linkId, actor];
  await sql.execute('UPDATE thread_link SET actor = $3, note = NULL WHERE tenant_id = $1 AND id = $2', values);
}

/** A link of a thread that there was not before stays as one that was taken away. */
function threadBefore({ thread }: LinkTask): LinkTask['thread'] {
  if (thread === null) return null;
  const after = thread.before ?? { mode: thread.after.mode, state: 'unlinked' as const };
  return { ...thread, before: thread.after, after };
}

/** Forgets what operations did that ended that long ago: they cannot be undone any more. Second run: finds nothing left to forget. */
export async function sweepLinkChanges(sql: Sql, tenantId: string, keptMs: number): Promise<void> {
  await sql.execute(
    `DELETE FROM link_change c USING operation o
     WHERE o.tenant_id = $1 AND o.kind = ANY ($2::text[]) AND o.finished_at < now() - $3::float8 * interval '1 millisecond'
       AND c.tenant_id = $1 AND c.operation_id = o.id`,
    [tenantId, [...linkKinds], keptMs],
  );
}
