import { tellActivitiesGone } from '../activities/tell';
import type { Database, Sql } from '../database';
import { noteStep, type RowCounts } from '../deletion/steps';
import { settleDeleted } from '../thread-links/settle';
import { emptyThreads } from '../thread-parts';
import { lockTenantForWriting } from '../tenant-lock';
import type { PersonRef } from './begin-erasure';
import { deleteDependents, type Dependents } from './dependents';
import { erasedAt, isLater } from './later-mail';
import { tellRemoved, type RemovedCopy } from './tell-removed';

interface ChunkWork {
  sql: Sql;
  ref: PersonRef;
  dependents: Dependents;
  runId: string | null;
  counts: RowCounts;
}

/**
 * Deletes the next messages in which the person is sender or recipient, at most `limit`, in one short transaction under the tenant's lock, but
 * none that came after the erasure: all copies of them in all mailboxes with all that hangs on them, and threads that became empty. Their ledger rows stay and say
 * `filtered: erased`, so that nobody fetches them again. Other systems are told of each copy. The bytes are noted to be freed. Second run: takes the next of what is there.
 * Returns how many messages went; 0 where none is left.
 */
export async function eraseMessages(
  db: Database,
  ref: PersonRef,
  { limit, dependents, runId = null }: { limit: number; dependents: Dependents; runId?: string | null },
): Promise<number> {
  return db.inTenant(ref.tenantId, async (sql) => {
    await lockTenantForWriting(sql, ref.tenantId);
    const messageIds = await nextMessages(sql, ref, limit);
    if (messageIds.length === 0) return 0;
    const counts = await eraseThese(sql, ref, { messageIds, dependents, runId });
    await noteStep(sql, stepOf(ref), { counts, placements: messageIds.length });
    return messageIds.length;
  });
}

/**
 * Deletes these messages as the erasure of a person does, under the tenant's lock, which the transaction holds. Their bytes are noted to be
 * freed under the id of `ref`. Second run: finds nothing left. Returns the counts by table.
 */
export async function eraseThese(
  sql: Sql,
  ref: PersonRef,
  { messageIds, dependents, runId }: { messageIds: string[]; dependents: Dependents; runId: string | null },
): Promise<RowCounts> {
  const chunk: ChunkWork = { sql, ref, dependents, runId, counts: {} };
  await eraseCopies(chunk, messageIds);
  const threadIds = await eraseRows(chunk, messageIds);
  await eraseEmptyThreads(chunk, threadIds);
  await settleDeleted(sql, ref.tenantId, messageIds);
  return chunk.counts;
}

/** A person has no source: bytes to be freed are noted under the deletion's own id. */
export function stepOf({ tenantId, deletionId }: PersonRef) {
  return { tenantId, deletionId, sourceId: deletionId };
}

async function nextMessages(sql: Sql, ref: PersonRef, limit: number): Promise<string[]> {
  const rows = await sql.query<{ id: string }>(
    `SELECT DISTINCT c.message_id AS id FROM deletion_address d
     JOIN copy_address ca ON ca.tenant_id = $1 AND ca.address_key = d.address_key
     JOIN copy c ON c.tenant_id = $1 AND c.id = ca.copy_id JOIN message m ON m.tenant_id = $1 AND m.id = c.message_id
     WHERE d.tenant_id = $1 AND d.deletion_id = $2 AND NOT ${isLater('$4')} LIMIT $3`,
    [ref.tenantId, ref.deletionId, limit, await erasedAt(sql, ref)],
  );
  return rows.map((row) => row.id);
}

async function eraseCopies({ sql, ref, dependents, runId, counts }: ChunkWork, messageIds: string[]): Promise<void> {
  const copies = await sql.query<RemovedCopy & { blob_id: string | null }>(
    'SELECT id, message_id, source_id, blob_id FROM copy WHERE tenant_id = $1 AND message_id = ANY ($2::uuid[])',
    [ref.tenantId, messageIds],
  );
  await tellRemoved(sql, { tenantId: ref.tenantId, runId }, copies);
  const copyIds = copies.map(({ id }) => id);
  counts['failure'] = await sql.execute(
    `DELETE FROM failure f USING placement p WHERE p.tenant_id = $1 AND p.copy_id = ANY ($2::uuid[]) AND f.tenant_id = $1
       AND f.gen_id = p.gen_id AND f.uid = p.uid`,
    [ref.tenantId, copyIds],
  );
  counts['placement'] = await sql.execute(
    `UPDATE placement SET ${erasedRow} WHERE tenant_id = $1 AND copy_id = ANY ($2::uuid[])`,
    [ref.tenantId, copyIds],
  );
  await deleteDependents(sql, ref.tenantId, { tables: dependents.copy, parentIds: copyIds, counts });
  counts['copy'] = await sql.execute('DELETE FROM copy WHERE tenant_id = $1 AND id = ANY ($2::uuid[])', [
    ref.tenantId,
    copyIds,
  ]);
  await noteBlobs(
    sql,
    ref,
    copies.flatMap(({ blob_id }) => (blob_id === null ? [] : [blob_id])),
  );
}

/** What a ledger row says of erased mail: that the UID was met, its size and date, and nothing by which the mail could be known again. */
export const erasedRow = `outcome = 3, reason = 'erased', copy_id = NULL, blob_id = NULL, raw_sha = NULL, message_id_hash = NULL, seen_due = false`;

/** Notes bytes that nothing refers to any more; they are freed outside the tenant's lock. */
export async function noteBlobs(sql: Sql, ref: PersonRef, blobIds: string[]): Promise<void> {
  if (blobIds.length === 0) return;
  const { tenantId, sourceId } = stepOf(ref);
  await sql.execute(
    'INSERT INTO deletion_blob (tenant_id, source_id, blob_id) SELECT $1, $2, id FROM unnest($3::uuid[]) AS id ORDER BY id ON CONFLICT DO NOTHING',
    [tenantId, sourceId, blobIds],
  );
}

/** The messages themselves; the threads they stood in. */
async function eraseRows({ sql, ref, dependents, counts }: ChunkWork, messageIds: string[]): Promise<string[]> {
  const { tenantId } = ref;
  const links = await sql.query<{ id: string }>(
    'SELECT id FROM link WHERE tenant_id = $1 AND message_id = ANY ($2::uuid[])',
    [tenantId, messageIds],
  );
  const linkIds = links.map(({ id }) => id);
  // The row of search_pending first: who is just writing search rows holds it, and is waited for.
  const pending = dependents.message.filter(({ name }) => name === 'search_pending');
  await deleteDependents(sql, tenantId, { tables: pending, parentIds: messageIds, counts });
  await tellActivitiesGone(sql, tenantId, messageIds);
  await deleteDependents(sql, tenantId, { tables: dependents.link, parentIds: linkIds, counts });
  const others = dependents.message.filter(({ name }) => name !== 'search_pending');
  await deleteDependents(sql, tenantId, { tables: others, parentIds: messageIds, counts });
  const rows = await sql.query<{ thread_id: string }>(
    'DELETE FROM message WHERE tenant_id = $1 AND id = ANY ($2::uuid[]) RETURNING thread_id',
    [tenantId, messageIds],
  );
  counts['message'] = rows.length;
  return [...new Set(rows.map(({ thread_id }) => thread_id))];
}

/** A thread that became a part of an empty one was only another name for it. */
async function eraseEmptyThreads({ sql, ref, dependents, counts }: ChunkWork, candidates: string[]): Promise<void> {
  const { tenantId } = ref;
  const rows = await sql.query<{ id: string }>(`WITH ${emptyThreads('$2::uuid[]')} SELECT id FROM bare`, [
    tenantId,
    candidates,
  ]);
  const parentIds = rows.map(({ id }) => id);
  await deleteDependents(sql, tenantId, { tables: dependents.thread, parentIds, counts });
  counts['thread'] = await sql.execute('DELETE FROM thread WHERE tenant_id = $1 AND id = ANY ($2::uuid[])', [
    tenantId,
    parentIds,
  ]);
}
