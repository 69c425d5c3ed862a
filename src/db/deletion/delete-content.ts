import type { Database, Sql } from '../database';
import { uuidArray } from '../binary-array';
import { deleteChildren, type Catalogue, type ChildTable } from './catalogue';
import type { ContentChunk } from './content-chunk';
import type { DeletionRef } from './deletions';
import {
  lostWords,
  messagesOf,
  sharedAmong,
  tellFromSurvivors,
  type LostWords,
  type SharedMessage,
  type SurvivorContents,
} from './shared-messages';
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
 * The bytes are noted to be freed. What does not wait for an answer is sent together: five round trips, while all other writers of the
 * tenant wait. Second run: finds the rows gone. Returns how many messages wait for their search rows.
 */
export async function deleteContent(
  db: Database,
  ref: DeletionRef,
  work: {
    chunk: ContentChunk;
    contents: SurvivorContents;
    catalogue: Catalogue;
    /** What is to be done first with the copies that can go; those that it returns do: of a message all, or none. */
    prepare?: (sql: Sql, copyIds: string[]) => Promise<string[]>;
  },
): Promise<{ retold: number }> {
  return db.writeInTenant(ref.tenantId, async (sql) => {
    const chunk: ChunkWork = { sql, ref, catalogue: work.catalogue, counts: {} };
    const { copyIds, messageIds, placements } = work.chunk;
    const shared = await sharedAmong(sql, ref, messageIds ?? (await messagesOf(sql, ref.tenantId, copyIds)));
    const ready = await copiesToDelete(chunk, copyIds, unread(shared, work.contents));
    const candidates = work.prepare === undefined ? ready : await work.prepare(sql, ready);
    const [parkedBlobIds, bare] = await Promise.all([
      deletePlacements(chunk, placements, candidates),
      bareCopies(chunk, candidates),
    ]);
    const messages = staying(shared, bare);
    const gone = await deleteCopies(chunk, bare, messages);
    const threads = await deleteMessages(chunk, gone);
    const [retold] = await Promise.all([
      tellFromSurvivors(sql, ref, { messages, contents: work.contents, lost: gone.lost }),
      deleteThreads(chunk, threads),
      noteBlobs(chunk, [...parkedBlobIds, ...gone.blobIds]),
    ]);
    await noteStep(sql, ref, { counts: chunk.counts, placements: chunk.counts['placement'] ?? 0, kept: gone.kept });
    return { retold };
  });
}

/** Messages whose text comes from a copy that nobody has read in time. */
function unread(shared: SharedMessage[], contents: SurvivorContents): string[] {
  return shared.flatMap(({ messageId, content, survivor }) =>
    content === 'other' && contents.get(messageId)?.copyId !== survivor.copyId ? [messageId] : [],
  );
}

async function copiesToDelete({ sql, ref }: ChunkWork, copyIds: string[], unreadIds: string[]): Promise<string[]> {
  if (unreadIds.length === 0) return copyIds;
  const rows = await sql.query<{ id: string }>(
    `SELECT id FROM copy WHERE tenant_id = $1 AND id = ANY ($2::uuid[]) AND message_id <> ALL ($3::uuid[])`,
    [ref.tenantId, uuidArray(copyIds), uuidArray(unreadIds)],
  );
  return rows.map((row) => row.id);
}

/** The bytes of parked mail hang on the placement itself. */
async function deletePlacements(
  { sql, ref, counts }: ChunkWork,
  placements: ContentChunk['placements'],
  copyIds: string[],
): Promise<string[]> {
  const { genIds, firstUids, lastUids } = rangesOf(placements);
  const values = [ref.tenantId, ref.sourceId, genIds, firstUids, lastUids];
  const gone = 'unnest($3::bigint[], $4::bigint[], $5::bigint[]) AS gone(gen_id, first_uid, last_uid)';
  const [failures, rows] = await Promise.all([
    sql.execute(
      `DELETE FROM failure f USING ${gone} WHERE f.tenant_id = $1 AND f.source_id = $2
         AND f.gen_id = gone.gen_id AND f.uid BETWEEN gone.first_uid AND gone.last_uid`,
      values,
    ),
    sql.query<{ blob_id: string | null }>(
      `DELETE FROM placement p USING ${gone} WHERE p.tenant_id = $1 AND p.source_id = $2
         AND p.gen_id = gone.gen_id AND p.uid BETWEEN gone.first_uid AND gone.last_uid
         AND (p.copy_id IS NULL OR p.copy_id = ANY ($6::uuid[])) RETURNING p.blob_id`,
      [...values, uuidArray(copyIds)],
    ),
  ]);
  counts['failure'] = failures;
  counts['placement'] = rows.length;
  return idsOf(rows, 'blob_id');
}

/** From the first to the last UID of each generation: in a ledger that nobody writes there is nothing else between them. */
function rangesOf({ genIds, uids }: ContentChunk['placements']) {
  const spans = new Map<number, { first: number; last: number }>();
  genIds.forEach((genId, n) => {
    const uid = uids[n] ?? 0;
    const { first, last } = spans.get(genId) ?? { first: uid, last: uid };
    spans.set(genId, { first: Math.min(first, uid), last: Math.max(last, uid) });
  });
  const ranges = [...spans.values()];
  return {
    genIds: [...spans.keys()],
    firstUids: ranges.map(({ first }) => first),
    lastUids: ranges.map(({ last }) => last),
  };
}

interface BareCopies {
  copyIds: string[];
  messageIds: string[];
}

// OFFSET 0 here and below: a look-up by key for each row. Without statistics a planner that may choose joins with the whole table.
/** A copy goes with the last of its placements. */
async function bareCopies({ sql, ref }: ChunkWork, candidates: string[]): Promise<BareCopies> {
  const rows = await sql.query<{ id: string; message_id: string }>(
    `SELECT c.id, c.message_id FROM copy c WHERE c.tenant_id = $1 AND c.id = ANY ($2::uuid[]) AND c.source_id = $3
       AND NOT EXISTS (SELECT FROM placement p WHERE p.copy_id = c.id OFFSET 0)`,
    [ref.tenantId, uuidArray(candidates), ref.sourceId],
  );
  return { copyIds: rows.map((row) => row.id), messageIds: [...new Set(rows.map((row) => row.message_id))] };
}

/** What is left where copies went. */
interface GoneCopies {
  blobIds: string[];
  /** Messages that have no copy left, with their threads, and what links them to records. */
  bare: { id: string; thread_id: string }[];
  linkIds: string[];
  /** Of messages that stay: how many have lost their last copy of the source (each is counted once), and what only the copies knew. */
  kept: number;
  lost: LostWords;
}

/** Of the messages that other sources hold, those that lose a copy now. */
function staying(shared: SharedMessage[], { messageIds }: BareCopies): SharedMessage[] {
  const losing = new Set(messageIds);
  return shared.filter(({ messageId }) => losing.has(messageId));
}

async function deleteCopies(chunk: ChunkWork, bare: BareCopies, kept: SharedMessage[]): Promise<GoneCopies> {
  const { sql, ref, counts } = chunk;
  const copies = [ref.tenantId, uuidArray(bare.copyIds)];
  const messages = [ref.tenantId, uuidArray(bare.messageIds)];
  const [lost, , deleted, empty, links, lastKept] = await Promise.all([
    lostWords(sql, ref.tenantId, { copyIds: bare.copyIds, messages: kept }),
    deleteAllChildren(chunk, chunk.catalogue.copy, bare.copyIds),
    sql.query<{ blob_id: string | null }>(
      'DELETE FROM copy WHERE tenant_id = $1 AND id = ANY ($2::uuid[]) RETURNING blob_id',
      copies,
    ),
    sql.query<{ id: string; thread_id: string }>(
      `SELECT m.id, m.thread_id FROM message m WHERE m.tenant_id = $1 AND m.id = ANY ($2::uuid[])
         AND NOT EXISTS (SELECT FROM copy c WHERE c.tenant_id = $1 AND c.message_id = m.id OFFSET 0)`,
      messages,
    ),
    sql.query<{ id: string; message_id: string }>(
      'SELECT id, message_id FROM link WHERE tenant_id = $1 AND message_id = ANY ($2::uuid[])',
      messages,
    ),
    lastOfSource(chunk, kept),
  ]);
  counts['copy'] = deleted.length;
  const isEmpty = new Set(empty.map((row) => row.id));
  const linkIds = links.filter((link) => isEmpty.has(link.message_id)).map((link) => link.id);
  return { blobIds: idsOf(deleted, 'blob_id'), bare: empty, linkIds, kept: lastKept, lost };
}

function idsOf<Column extends string>(rows: Record<Column, string | null>[], column: Column): string[] {
  return rows.flatMap((row) => row[column] ?? []);
}

async function deleteAllChildren(
  { sql, ref, counts }: ChunkWork,
  children: ChildTable[],
  parentIds: string[],
): Promise<void> {
  if (parentIds.length === 0) return;
  const parents = uuidArray(parentIds);
  await Promise.all(
    children.map(async (child) => {
      const deleted = await deleteChildren(sql, ref.tenantId, { child, parentIds: parents });
      counts[child.name] = (counts[child.name] ?? 0) + deleted;
    }),
  );
}

/** Threads that became empty, and others that became parts of these. */
interface EmptyThreads {
  threadIds: string[];
  aliasIds: string[];
}

// Before the search rows: who is just writing them holds this row, and is waited for.
const pending: ChildTable = { name: 'search_pending', column: 'message_id' };

/** Deletes the messages that have no copy left, with all that hangs on them. Returns the threads that have no message left. */
async function deleteMessages(chunk: ChunkWork, { bare, linkIds }: GoneCopies): Promise<EmptyThreads> {
  if (bare.length === 0) return { threadIds: [], aliasIds: [] };
  const { sql, ref, catalogue, counts } = chunk;
  const messageIds = bare.map((row) => row.id);
  const threads = [ref.tenantId, uuidArray([...new Set(bare.map((row) => row.thread_id))])];
  const [, , , deleted, empty, aliases] = await Promise.all([
    deleteAllChildren(chunk, [pending], messageIds),
    deleteAllChildren(chunk, catalogue.link, linkIds),
    deleteAllChildren(
      chunk,
      catalogue.message.filter(({ name }) => name !== pending.name),
      messageIds,
    ),
    sql.execute('DELETE FROM message WHERE tenant_id = $1 AND id = ANY ($2::uuid[])', [
      ref.tenantId,
      uuidArray(messageIds),
    ]),
    sql.query<{ id: string }>(
      `SELECT t.id FROM thread t WHERE t.tenant_id = $1 AND t.id = ANY ($2::uuid[])
         AND NOT EXISTS (SELECT FROM message m WHERE m.tenant_id = $1 AND m.thread_id = t.id OFFSET 0)`,
      threads,
    ),
    sql.query<{ id: string; merged_into: string }>(
      'SELECT id, merged_into FROM thread WHERE tenant_id = $1 AND merged_into = ANY ($2::uuid[])',
      threads,
    ),
  ]);
  counts['message'] = deleted;
  const isEmpty = new Set(empty.map((row) => row.id));
  const aliasIds = aliases.filter((row) => isEmpty.has(row.merged_into)).map((row) => row.id);
  return { threadIds: [...isEmpty], aliasIds };
}

/** A thread that became a part of an empty one was only another name for it. */
async function deleteThreads(chunk: ChunkWork, { threadIds, aliasIds }: EmptyThreads): Promise<void> {
  if (threadIds.length === 0) return;
  const { sql, ref, catalogue, counts } = chunk;
  const parentIds = [...threadIds, ...aliasIds];
  const [, deleted] = await Promise.all([
    deleteAllChildren(chunk, catalogue.thread, parentIds),
    sql.execute('DELETE FROM thread WHERE tenant_id = $1 AND id = ANY ($2::uuid[])', [
      ref.tenantId,
      uuidArray(parentIds),
    ]),
  ]);
  counts['thread'] = deleted;
}

async function noteBlobs({ sql, ref }: ChunkWork, blobIds: string[]): Promise<void> {
  if (blobIds.length === 0) return;
  await sql.execute(
    'INSERT INTO deletion_blob (tenant_id, source_id, blob_id) SELECT $1, $2, id FROM unnest($3::uuid[]) AS id ORDER BY id ON CONFLICT DO NOTHING',
    [ref.tenantId, ref.sourceId, uuidArray(blobIds)],
  );
}

/** How many of the messages that stay have lost their last copy of the source: each is counted once. */
async function lastOfSource({ sql, ref }: ChunkWork, messages: SharedMessage[]): Promise<number> {
  if (messages.length === 0) return 0;
  const [row] = await sql.query<{ count: number }>(
    `SELECT count(*) AS count FROM unnest($3::uuid[]) AS id CROSS JOIN LATERAL (
       SELECT count(*) AS held FROM copy c WHERE c.tenant_id = $1 AND c.message_id = id AND c.source_id = $2) mine WHERE mine.held = 0`,
    [ref.tenantId, ref.sourceId, uuidArray(messages.map(({ messageId }) => messageId))],
  );
  return row?.count ?? 0;
}
