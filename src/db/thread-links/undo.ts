import { z } from 'zod';

import type { Sql } from '../database';
import { isFinal, livingRecord, openMerge, waysOfRecords } from '../merges/merged-records';
import { openOperation, type LinkActor, type OpenLinkOperation } from './begin';
import { insertLinkOperation, linkKinds, linkTask, type LinkTask } from './link-task';
import { beginStaging } from './staging';
import { recordsAmong } from './thread-links';

/** What became of a wish to undo. `none`: there is no such operation on links of records that the reader may see. */
export type UndoBegun =
  | { kind: 'begun'; operationId: string; threadId: string | null }
  | { kind: 'busy'; open: OpenLinkOperation }
  | { kind: 'none' }
  | { kind: 'not-done' | 'too-late' | 'undone' };

const undoneTask = linkTask.extend({ undoneBy: z.string().optional() });

/**
 * Begins to undo what an operation did to links, where nobody has changed them since; not longer than `keptMs` after its end. Of a record that was
 * merged since the one that it is a part of now is changed. To be called under the tenant's lock.
 */
export async function beginUndo(
  sql: Sql,
  { reader, actor }: LinkActor,
  { operationId, keptMs }: { operationId: string; keptMs: number },
): Promise<UndoBegun> {
  const { tenantId } = reader;
  const [job] = await sql.query<{ task: unknown; state: string; done: number; is_kept: boolean }>(
    `SELECT task, state, done, coalesce(finished_at > now() - $4::float8 * interval '1 millisecond', true) AS is_kept FROM operation
     WHERE tenant_id = $1 AND id = $2 AND kind = ANY ($3::text[])`,
    [tenantId, operationId, [...linkKinds], keptMs],
  );
  if (job === undefined) return { kind: 'none' };
  const records = await sql.query<{ record_id: string }>(
    'SELECT DISTINCT record_id FROM link_change WHERE tenant_id = $1 AND operation_id = $2',
    [tenantId, operationId],
  );
  const recordIds = records.map(({ record_id }) => record_id);
  const ways = await waysOfRecords(sql, tenantId, recordIds);
  const livingIds = new Set(recordIds.map((id) => livingRecord(ways, id)));
  const seen = await recordsAmong(sql, reader, [...livingIds]);
  if (seen.size < livingIds.size) return { kind: 'none' };
  const task = undoneTask.parse(job.task);
  if (task.undoneBy !== undefined) return { kind: 'undone' };
  if (!job.is_kept || isFinal(ways) || task.does === 'undo') return { kind: 'too-late' };
  if (job.state !== 'done') return { kind: 'not-done' };
  const open = openMerge(ways) ?? (await openOperationOf(sql, tenantId, task.thread));
  if (open !== null) return { kind: 'busy', open };
  const undoing = linkTask.parse({
    does: 'undo',
    actor,
    thread: backwards(task.thread),
    undoes: operationId,
    staging: { of: 'undone', seenBy: null },
  });
  const undoId = await insertLinkOperation(sql, tenantId, { kind: 'undo-links', task: undoing });
  await beginStaging(sql, { tenantId, operationId: undoId }, { task: undoing, messages: job.done });
  await saidBefore(sql, { tenantId, actor }, { operationId, thread: task.thread });
  return { kind: 'begun', operationId: undoId, threadId: task.thread?.id ?? null };
}

function openOperationOf(sql: Sql, tenantId: string, thread: LinkTask['thread']): Promise<OpenLinkOperation | null> {
  return thread === null ? Promise.resolve(null) : openOperation(sql, tenantId, thread.id);
}

function backwards(thread: LinkTask['thread']): LinkTask['thread'] {
  return thread === null ? null : { ...thread, before: thread.after, after: thread.before };
}

/**
 * From here on of the thread holds what people had said of it before, unless they have said something else since; a link that there was not goes. What is
 * there is theirs now, and the reason of what is undone no longer the reason why it is as it is.
 */
async function saidBefore(
  sql: Sql,
  { tenantId, actor }: { tenantId: string; actor: string },
  undone: { operationId: string; thread: LinkTask['thread'] },
): Promise<void> {
  if (undone.thread === null) return;
  const { linkId, before, beside } = undone.thread;
  const links = [{ linkId, before }, ...beside].map((link) => ({ id: link.linkId, ...link.before }));
  await sql.execute(
    `WITH said AS MATERIALIZED (
       SELECT t.id, b.mode, b.state FROM json_to_recordset($3::json) AS b(id uuid, mode text, state text)
       JOIN operation o ON o.tenant_id = $1 AND o.id = $2
       JOIN thread_link t ON t.tenant_id = $1 AND t.id = b.id AND t.changed_at <= o.finished_at
     ), gone AS (
       DELETE FROM thread_link t USING said WHERE t.tenant_id = $1 AND t.id = said.id AND said.state IS NULL
     )
     UPDATE thread_link t SET mode = said.mode, state = said.state, actor = $4, note = NULL, changed_at = clock_timestamp()
     FROM said WHERE t.tenant_id = $1 AND t.id = said.id AND said.state IS NOT NULL`,
    [tenantId, undone.operationId, JSON.stringify(links), actor],
  );
}

/** Forgets what operations did that ended that long ago: they cannot be undone any more. Second run: finds nothing left to forget. */
export async function sweepLinkChanges(sql: Sql, tenantId: string, keptMs: number): Promise<void> {
  await sql.execute(
    `DELETE FROM link_change c USING operation o
     WHERE o.tenant_id = $1 AND o.kind = ANY ($2::text[]) AND o.finished_at < now() - $3::float8 * interval '1 millisecond'
       AND c.tenant_id = $1 AND c.operation_id = o.id AND NOT EXISTS (
         SELECT FROM operation u WHERE u.tenant_id = $1 AND u.kind = 'undo-links' AND u.state IN ('waiting', 'running')
           AND u.task ->> 'undoes' = o.id::text)`,
    [tenantId, [...linkKinds], keptMs],
  );
}
