import type { Sql } from '../database';
import { countOutOfImport, type CountedHistory } from '../import-track';
import { tombstone } from '../removals/tombstone';
import { placementEvents, type OutboxEvent } from './outbox-write';
import type { FencedSource } from './source-lock';

/**
 * Retires the current generations of folders: their placements end, nothing of them is deleted, and what is said of it is returned for
 * the outbox. Their history is nobody's task any more; whether others are left to the import is for the caller to find out when it has
 * made them (`endImportWithoutHistory`). Second run: no change.
 */
export async function retireGenerations(sql: Sql, source: FencedSource, folderIds: string[]): Promise<OutboxEvent[]> {
  await leaveHistory(sql, source, folderIds);
  const retired = await sql.query<{ id: number }>(
    `UPDATE folder_generation SET retired_at = now()
     WHERE tenant_id = $1 AND folder_id = ANY ($2::uuid[]) AND retired_at IS NULL RETURNING id`,
    [source.tenantId, folderIds],
  );
  if (retired.length === 0) return [];
  const ended = await sql.query<{ gen_id: number; uid: number }>(
    `UPDATE placement SET presence = 2, presence_at = now(), presence_run_id = $2, seen_due = false
     WHERE gen_id = ANY ($1::bigint[]) AND presence = 1 RETURNING gen_id, uid`,
    [retired.map(({ id }) => id), source.runId ?? null],
  );
  await tombstone(sql, source, ended);
  return placementEvents('placement.ended', ended);
}

/**
 * What is left of the history of these folders is not the import's any more: it does not count there, and a batch of it that is under way is
 * refused (current-generation.ts). A folder that comes back is divided anew. Second run: no change.
 */
export async function leaveHistory(sql: Sql, source: FencedSource, folderIds: string[]): Promise<void> {
  if (folderIds.length === 0) return;
  const left = await sql.query<CountedHistory>(
    `WITH counted AS (
       SELECT id, history_total FROM folder_generation
       WHERE tenant_id = $1 AND folder_id = ANY ($2::uuid[]) AND retired_at IS NULL AND history_done_at IS NULL AND history_total > 0)
     UPDATE folder_generation g SET history_total = 0 FROM counted
     WHERE g.tenant_id = $1 AND g.id = counted.id RETURNING g.id AS "genId", counted.history_total AS total`,
    [source.tenantId, folderIds],
  );
  await countOutOfImport(sql, source, left);
}

/**
 * Ends the operation of the import where no folder in scope has history left. What was counted and is no longer to be had (the folder
 * is gone, the messages were removed) is not waited for. What has come is then compared with the server.
 */
export async function endImportWithoutHistory(sql: Sql, source: FencedSource): Promise<void> {
  const ended = await sql.execute(
    `UPDATE operation SET state = 'done', finished_at = now(), total = done, result = jsonb_build_object('messages', done)
     WHERE tenant_id = $1 AND source_id = $2 AND kind = 'import' AND state = 'running' AND NOT EXISTS (
       SELECT FROM folder_generation g JOIN folder f ON f.tenant_id = g.tenant_id AND f.id = g.folder_id
       WHERE g.tenant_id = $1 AND g.source_id = $2 AND g.retired_at IS NULL AND g.history_done_at IS NULL AND f.in_scope)`,
    [source.tenantId, source.sourceId],
  );
  if (ended === 0) return;
  await sql.execute(
    `UPDATE mailbox SET audit_due_at = now(), audit_cause = 'import' WHERE tenant_id = $1 AND source_id = $2`,
    [source.tenantId, source.sourceId],
  );
}
