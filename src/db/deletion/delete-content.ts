import type { Database, Sql } from '../database';
import { lockTenantForWriting } from '../tenant-lock';
import { deleteChildren, type Catalogue } from './catalogue';
import type { ContentChunk } from './content-chunk';
import type { DeletionRef } from './deletions';
import { sharedMessages, tellFromSurvivors, type SharedMessage, type SurvivorContents } from './shared-messages';
import { noteStep, type RowCounts } from './steps';

interface ChunkWork {
  sql: Sql;
  ref: DeletionRef;
  catalogue: Catalogue;
  counts: RowCounts;
}

/**
 * Deletes a chunk of a mailbox's content, in one short transaction under the tenant's lock: ledger rows, copies, the messages that no
 * other copy carries with all that hangs on them, threads that became empty. Messages that another source holds are told from its copies
 * in the same transaction. A message whose copies changed since it was read keeps its copy here for the next chunk.
 * The bytes are noted to be freed. Second run: finds the rows gone. Returns how many messages are told anew.
 */
export async function deleteContent(
  db: Database,
  ref: DeletionRef,
  work: { chunk: ContentChunk; contents: SurvivorContents; catalogue: Catalogue },
): Promise<{ retold: number }> {
  return db.inTenant(ref.tenantId, async (sql) => {
    await lockTenantForWriting(sql, ref.tenantId);
    const chunk: ChunkWork = { sql, ref, catalogue: work.catalogue, counts: {} };
    const shared = await sharedMessages(sql, ref, work.chunk.copyIds);
    const copyIds = await readyCopies(chunk, work.chunk.copyIds, unread(shared, work.contents));
    const blobIds = await deletePlacements(chunk, work.chunk.placements, copyIds);
    const gone = await deleteCopies(chunk, copyIds, shared);
    await deleteMessages(chunk, gone.messageIds);
    const left = new Set(gone.messageIds);
    const staying = shared.filter(({ messageId }) => left.has(messageId));
    const { contents } = work;
    await tellFromSurvivors(sql, ref, { messages: staying, contents, addressKeys: gone.addressKeys });
    await noteBlobs(chunk, [...blobIds, ...gone.blobIds]);
    const placements = chunk.counts['placement'] ?? 0;
    const kept = await lastOfSource(chunk, staying);
    await noteStep(sql, ref, { counts: chunk.counts, placements, kept });
    return { retold: staying.length };
  });
}

/** Messages whose text comes from a copy that nobody has read in time. */
function unread(shared: SharedMessage[], contents: SurvivorContents): string[] {
  return shared.flatMap(({ messageId, content, survivor }) =>
    content === 'other' && contents.get(messageId)?.copyId !== survivor.copyId ? [messageId] : [],
  );
}

async function readyCopies({ sql, ref }: ChunkWork, copyIds: string[], unreadIds: string[]): Promise<string[]> {
  const rows = await sql.query<{ id: string }>(
    `SELECT id FROM copy WHERE tenant_id = $1 AND id = ANY ($2::uuid[]) AND source_id = $3 AND message_id <> ALL ($4::uuid[])`,
    [ref.tenantId, copyIds, ref.sourceId, unreadIds],
  );
  return rows.map((row) => row.id);
}

/** The bytes of parked mail hang on the placement itself. */
async function deletePlacements(
  { sql, ref, counts }: ChunkWork,
  placements: ContentChunk['placements'],
  copyIds: string[],
): Promise<string[]> {
  const values = [placements.genIds, placements.uids, ref.tenantId, ref.sourceId];
  const gone = 'unnest($1::bigint[], $2::bigint[]) AS gone(gen_id, uid)';
  counts['failure'] = await sql.execute(
    `DELETE FROM failure f USING ${gone} WHERE f.gen_id = gone.gen_id AND f.uid = gone.uid AND f.tenant_id = $3 AND f.source_id = $4`,
    values,
  );
  const rows = await sql.query<{ blob_id: string | null }>(
    `DELETE FROM placement p USING ${gone} WHERE p.gen_id = gone.gen_id AND p.uid = gone.uid AND p.tenant_id = $3 AND p.source_id = $4
       AND (p.copy_id IS NULL OR p.copy_id = ANY ($5::uuid[])) RETURNING p.blob_id`,
    [...values, copyIds],
  );
  counts['placement'] = rows.length;
  return rows.flatMap((row) => (row.blob_id === null ? [] : [row.blob_id]));
}

interface GoneCopies {
  messageIds: string[];
  blobIds: string[];
  addressKeys: string[];
}

/** A copy goes with the last of its placements. */
async function deleteCopies(
  { sql, ref, catalogue, counts }: ChunkWork,
  candidates: string[],
  shared: SharedMessage[],
): Promise<GoneCopies> {
  const ready = await sql.query<{ id: string }>(
    `SELECT c.id FROM copy c WHERE c.tenant_id = $1 AND c.id = ANY ($2::uuid[]) AND NOT EXISTS (SELECT FROM placement p WHERE p.copy_id = c.id)`,
    [ref.tenantId, candidates],
  );
  const copyIds = ready.map((row) => row.id);
  const addressKeys = await addressKeysOf(sql, ref.tenantId, { copyIds, shared });
  for (const child of catalogue.copy) {
    counts[child.name] = await deleteChildren(sql, ref.tenantId, { child, parentIds: copyIds });
  }
  const rows = await sql.query<{ message_id: string; blob_id: string | null }>(
    'DELETE FROM copy WHERE tenant_id = $1 AND id = ANY ($2::uuid[]) RETURNING message_id, blob_id',
    [ref.tenantId, copyIds],
  );
  counts['copy'] = rows.length;
  return {
    messageIds: [...new Set(rows.map((row) => row.message_id))],
    blobIds: rows.flatMap((row) => (row.blob_id === null ? [] : [row.blob_id])),
    addressKeys,
  };
}

/** The addresses of the copies that messages lose which stay: links by them are looked at again. */
async function addressKeysOf(
  sql: Sql,
  tenantId: string,
  { copyIds, shared }: { copyIds: string[]; shared: SharedMessage[] },
): Promise<string[]> {
  if (shared.length === 0) return [];
  const rows = await sql.query<{ address_key: string }>(
    `SELECT DISTINCT ca.address_key FROM copy c JOIN copy_address ca ON ca.tenant_id = $1 AND ca.copy_id = c.id
     WHERE c.tenant_id = $1 AND c.id = ANY ($2::uuid[]) AND c.message_id = ANY ($3::uuid[])`,
    [tenantId, copyIds, shared.map(({ messageId }) => messageId)],
  );
  return rows.map((row) => row.address_key);
}

/** Of the messages that lost a copy, deletes those that have none left, and the threads that have no message left. */
async function deleteMessages({ sql, ref, catalogue, counts }: ChunkWork, candidates: string[]): Promise<void> {
  const { tenantId } = ref;
  const bare = await sql.query<{ id: string }>(
    `SELECT m.id FROM message m WHERE m.tenant_id = $1 AND m.id = ANY ($2::uuid[])
       AND NOT EXISTS (SELECT FROM copy c WHERE c.tenant_id = $1 AND c.message_id = m.id)`,
    [tenantId, candidates],
  );
  const messageIds = bare.map((row) => row.id);
  if (messageIds.length === 0) return;
  await deletePending({ sql, ref, catalogue, counts }, messageIds);
  const links = await sql.query<{ id: string }>(
    'SELECT id FROM link WHERE tenant_id = $1 AND message_id = ANY ($2::uuid[])',
    [tenantId, messageIds],
  );
  const linkIds = links.map((row) => row.id);
  for (const child of linkIds.length === 0 ? [] : catalogue.link) {
    counts[child.name] = await deleteChildren(sql, tenantId, { child, parentIds: linkIds });
  }
  for (const child of catalogue.message.filter(({ name }) => name !== 'search_pending')) {
    counts[child.name] = await deleteChildren(sql, tenantId, { child, parentIds: messageIds });
  }
  const rows = await sql.query<{ thread_id: string }>(
    'DELETE FROM message WHERE tenant_id = $1 AND id = ANY ($2::uuid[]) RETURNING thread_id',
    [tenantId, messageIds],
  );
  counts['message'] = rows.length;
  await deleteThreads({ sql, ref, catalogue, counts }, [...new Set(rows.map((row) => row.thread_id))]);
}

/** Before the search rows: who is just writing them holds this row, and is waited for. */
async function deletePending({ sql, ref, counts }: ChunkWork, parentIds: string[]): Promise<void> {
  const child = { name: 'search_pending', column: 'message_id' };
  counts[child.name] = await deleteChildren(sql, ref.tenantId, { child, parentIds });
}

/** A thread that became a part of an empty one was only another name for it. */
async function deleteThreads({ sql, ref, catalogue, counts }: ChunkWork, candidates: string[]): Promise<void> {
  const rows = await sql.query<{ id: string }>(
    `SELECT t.id FROM thread t WHERE t.tenant_id = $1 AND t.id = ANY ($2::uuid[])
       AND NOT EXISTS (SELECT FROM message m WHERE m.tenant_id = $1 AND m.thread_id = t.id)`,
    [ref.tenantId, candidates],
  );
  const empty = rows.map((row) => row.id);
  if (empty.length === 0) return;
  const aliases = await sql.query<{ id: string }>(
    'SELECT id FROM thread WHERE tenant_id = $1 AND merged_into = ANY ($2::uuid[])',
    [ref.tenantId, empty],
  );
  const parentIds = [...empty, ...aliases.map((row) => row.id)];
  for (const child of catalogue.thread) {
    counts[child.name] = (counts[child.name] ?? 0) + (await deleteChildren(sql, ref.tenantId, { child, parentIds }));
  }
  counts['thread'] = await sql.execute('DELETE FROM thread WHERE tenant_id = $1 AND id = ANY ($2::uuid[])', [
    ref.tenantId,
    parentIds,
  ]);
}

async function noteBlobs({ sql, ref }: ChunkWork, blobIds: string[]): Promise<void> {
  if (blobIds.length === 0) return;
  await sql.execute(
    'INSERT INTO deletion_blob (tenant_id, source_id, blob_id) SELECT $1, $2, id FROM unnest($3::uuid[]) AS id ORDER BY id ON CONFLICT DO NOTHING',
    [ref.tenantId, ref.sourceId, blobIds],
  );
}

/** How many of the messages that stay have lost their last copy of the source: each is counted once. */
async function lastOfSource({ sql, ref }: ChunkWork, staying: SharedMessage[]): Promise<number> {
  if (staying.length === 0) return 0;
  const [row] = await sql.query<{ count: number }>(
    `SELECT count(*) AS count FROM unnest($3::uuid[]) AS id
     WHERE NOT EXISTS (SELECT FROM copy c WHERE c.tenant_id = $1 AND c.message_id = id AND c.source_id = $2)`,
    [ref.tenantId, ref.sourceId, staying.map(({ messageId }) => messageId)],
  );
  return row?.count ?? 0;
}
