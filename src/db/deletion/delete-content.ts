import { noteActivities, type ActivitiesOnDelete } from '../activities/note-write';
import { tellRemovedActivities } from '../activities/tell';
import type { Database, Sql } from '../database';
import { uuidArray } from '../binary-array';
import { newUuid } from '../new-id';
import { deleteChildren, type Catalogue, type ChildTable } from './catalogue';
import type { ContentChunk } from './content-chunk';
import { countOf, deletionOf, type Part } from './deletion-parts';
import { deletePlacements } from './delete-placements';
import type { DeletionRef } from './deletions';
import { settleDeleted } from '../thread-links/settle';
import { emptyThreads } from '../thread-parts';
import {
  lostWords,
  messagesOf,
  sharedAmong,
  tellFromSurvivors,
  type LostWords,
  type SharedMessage,
  type SurvivorContents,
} from './shared-messages';
import { withoutRest } from './rest';
import { neverMindTheDisk, noteStep, type RowCounts } from './steps';

interface ChunkWork {
  sql: Sql;
  ref: DeletionRef;
  /** The tables of which rows go in this transaction. */
  catalogue: Catalogue;
  rest: 'now' | 'noted';
  counts: RowCounts;
  activities: ActivitiesOnDelete;
}

/**
 * Deletes a chunk of a mailbox's content, in one short transaction under the tenant's lock: ledger rows, copies, the messages that no
 * other copy carries with all that hangs on them, threads that became empty. Messages that another source holds are told from its copies
 * in the same transaction. A message whose text must be read from a survivor that nobody has read yet, or that changed since, keeps its
 * copies here. The bytes are noted to be freed. What does not wait for an answer is sent together: five round trips, while all other writers
 * of the tenant wait. Second run: finds the rows gone. Returns how many messages wait for their search rows, and what is to be read first.
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
    /** Whether what nobody reaches any more goes here too, or is noted for `deleteRest`, behind this transaction. */
    rest?: 'now' | 'noted';
  },
    /** What becomes of the activities of messages that go. */
    activities?: ActivitiesOnDelete;
): Promise<{ retold: number; unread: Unread }> {
  return db.writeInTenant(ref.tenantId, async (sql) => {
    const { rest = 'now', activities = 'remove' } = work;
    const catalogue = rest === 'noted' ? withoutRest(work.catalogue) : work.catalogue;
    const chunk: ChunkWork = { sql, ref, catalogue, rest, activities, counts: {} };
    const { copyIds, messageIds, placements } = work.chunk;
    const among = messageIds ?? (await messagesOf(sql, ref.tenantId, copyIds));
    const [shared] = await Promise.all([
      sharedAmong(sql, ref, among),
      ...(work.prepare ? [] : [neverMindTheDisk(sql)]),
    ]);
    const toRead = unread(shared, work.contents);
    const ready = await copiesToDelete(chunk, copyIds, toRead);
    const candidates = work.prepare === undefined ? ready : await work.prepare(sql, ready);
    const [parkedBlobIds, gone] = await Promise.all([
      deletePlacements(chunk, placements, heldBack(copyIds, candidates)),
      deleteBareCopies(chunk, candidates),
    ]);
    const messages = staying(shared, gone);
    const { lost, kept, threadIds, bareIds, notes } = await deleteWithCopies(chunk, gone, messages);
    const [retold] = await Promise.all([
      tellFromSurvivors(sql, ref, { messages, contents: work.contents, lost }),
      deleteEmptyThreads(chunk, threadIds),
      settleDeleted(sql, ref.tenantId, bareIds),
      noteBlobs(chunk, [...parkedBlobIds, ...idsOf(gone, 'blob_id')]),
    ]);
    await noteStep(sql, ref, { counts: chunk.counts, placements: chunk.counts['placement'] ?? 0, kept, notes });
    return { retold, unread: { messages: toRead, copyIds: heldBack(copyIds, ready) } };
  });
}

/** Messages of which a survivor must be read before their copies can go. */
interface Unread {
  messages: SharedMessage[];
  copyIds: string[];
}

/** Messages whose text comes from a copy that nobody has read in time. */
function unread(shared: SharedMessage[], contents: SurvivorContents): SharedMessage[] {
  return shared.filter(
    ({ messageId, content, survivor }) => content === 'other' && contents.get(messageId)?.copyId !== survivor.copyId,
  );
}

async function copiesToDelete({ sql, ref }: ChunkWork, copyIds: string[], toRead: SharedMessage[]): Promise<string[]> {
  if (toRead.length === 0) return copyIds;
  const rows = await sql.query<{ id: string }>(
    `SELECT id FROM copy WHERE tenant_id = $1 AND id = ANY ($2::uuid[]) AND message_id <> ALL ($3::uuid[])`,
    [ref.tenantId, uuidArray(copyIds), uuidArray(toRead.map(({ messageId }) => messageId))],
  );
  return rows.map((row) => row.id);
}

/** Usually none: which may not go is told in few words, for a list is read from its beginning for every row. */
function heldBack(copyIds: string[], candidates: string[]): string[] {
  const going = new Set(candidates);
  return copyIds.filter((id) => !going.has(id));
}

/** A copy that is gone. */
interface GoneCopy {
  id: string;
  message_id: string;
  blob_id: string | null;
}
  /** Only where notes are kept. */
  direction?: string;

// OFFSET 0 here and below: a look-up by key for each row. Without statistics a planner that may choose joins with the whole table.
/** A copy goes with the last of its placements. */
async function deleteBareCopies(
  { sql, ref, activities, counts }: ChunkWork,
  candidates: string[],
): Promise<GoneCopy[]> {
  const gone = await sql.query<GoneCopy>(
    `DELETE FROM copy c WHERE c.tenant_id = $1 AND c.id = ANY ($2::uuid[]) AND c.source_id = $3
       AND NOT EXISTS (SELECT FROM placement p WHERE p.copy_id = c.id OFFSET 0) RETURNING c.id, c.message_id, c.blob_id${activities === 'note' ? ', c.direction' : ''}`,
    [ref.tenantId, uuidArray(candidates), ref.sourceId],
  );
  counts['copy'] = gone.length;
  return gone;
}

function idsOf<Column extends string>(rows: Record<Column, string | null>[], column: Column): string[] {
  return rows.flatMap((row) => row[column] ?? []);
}

/** Of the messages that other sources hold, those that have lost a copy now. */
function staying(shared: SharedMessage[], gone: GoneCopy[]): SharedMessage[] {
  const losing = new Set(gone.map((copy) => copy.message_id));
  return shared.filter(({ messageId }) => losing.has(messageId));
}

/** What went with copies. */
interface GoneWithCopies {
  /** Of messages that stay: what only the copies knew, and how many have lost their last copy of the source (each is counted once). */
  lost: LostWords;
  kept: number;
  bareIds: string[];
  /** Threads of messages that went. */
  threadIds: string[];
}
  /** Activities that are kept as notes. */
  notes: number;

// Before the search rows: who is just writing them holds this row, and is waited for.
const pending: ChildTable = { name: 'search_pending', column: 'message_id' };

/** Deletes what hangs on copies that are gone, and the messages that have no copy left with all that hangs on those. */
async function deleteWithCopies(chunk: ChunkWork, gone: GoneCopy[], kept: SharedMessage[]): Promise<GoneWithCopies> {
  if (gone.length === 0) return { lost: { withFiles: [] }, kept: 0, bareIds: [], threadIds: [], notes: 0 };
  const { sql, ref, catalogue } = chunk;
  const staysToo = new Set(kept.map(({ messageId }) => messageId));
  const bareIds = [...new Set(gone.map((copy) => copy.message_id))].filter((id) => !staysToo.has(id));
  const [lost, , , bare, lastKept] = await Promise.all([
    lostWords(
      sql,
      ref.tenantId,
      gone.filter((copy) => staysToo.has(copy.message_id)),
    ),
    deleteAllChildren(chunk, catalogue.copy, idsOf(gone, 'id')),
    deleteAllChildren(chunk, [pending], bareIds),
    deleteBareMessages(chunk, { messageIds: bareIds, gone }),
    lastOfSource(chunk, kept),
  ]);
  return { lost, kept: lastKept, bareIds, ...bare };
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

function addCounts(counts: RowCounts, parts: Part[], deleted: number[]): void {
  parts.forEach(({ name }, n) => (counts[name] = (counts[name] ?? 0) + (deleted[n] ?? 0)));
}

/**
 * Deletes those of the messages that have no copy left, with all that hangs on them: one statement, so that no id comes here and goes back
 * for each table. What is left for later is noted in it, with the copies; activities become notes where that is wanted. Returns their threads.
 */
async function deleteBareMessages(
  chunk: ChunkWork,
  { messageIds, gone }: { messageIds: string[]; gone: GoneCopy[] },
): Promise<Pick<GoneWithCopies, 'threadIds' | 'notes'>> {
  const { sql, ref, catalogue, rest, counts } = chunk;
  if (messageIds.length === 0 && rest === 'now') return { threadIds: [], notes: 0 };
  const parts = [
    ...catalogue.link.map((child) => ({ ...child, of: 'bare_link' })),
    ...catalogue.message.filter(({ name }) => name !== pending.name).map((child) => ({ ...child, of: 'bare' })),
    { name: 'message', column: 'id', of: 'bare' },
  ];
  const left = restOf(chunk, gone);
  const notes = notesOf(chunk, gone, 3 + left.values.length);
  const [row] = await sql.query<{ threads: string | null; deleted: number[]; notes: number }>(
    `WITH bare AS MATERIALIZED (
       SELECT m.id, m.thread_id FROM message m WHERE m.tenant_id = $1 AND m.id = ANY ($2::uuid[])
         AND NOT EXISTS (SELECT FROM copy c WHERE c.tenant_id = $1 AND c.message_id = m.id OFFSET 0)
     ), bare_link AS MATERIALIZED (
       SELECT id FROM link WHERE tenant_id = $1 AND message_id = ANY (ARRAY(SELECT id FROM bare))
     ), ${left.parts} ${notes.parts} ${tellRemovedActivities('bare')}, ${deletionOf(parts)}
     SELECT (SELECT string_agg(DISTINCT thread_id::text, ',') FROM bare) AS threads, ${countOf(parts)} AS deleted, ${notes.count} AS notes`,
    [ref.tenantId, uuidArray(messageIds), ...left.values, ...notes.values],
  );
  addCounts(counts, parts, row?.deleted ?? []);
  return { threadIds: row?.threads?.split(',') ?? [], notes: row?.notes ?? 0 };
}

/** The part of the statement that notes what goes behind it, with its parameters. */
function restOf({ ref, rest }: ChunkWork, gone: GoneCopy[]): { parts: string; values: unknown[] } {
  if (rest === 'now') return { parts: '', values: [] };
  return { parts: noteRest, values: [ref.sourceId, newUuid(), ref.deletionId, uuidArray(idsOf(gone, 'id'))] };
}

/** The parts of the statement that keep activities as notes, with their parameters from this number on. */
function notesOf({ activities }: ChunkWork, gone: GoneCopy[], from: number) {
  if (activities === 'remove') return { parts: '', count: '0', values: [] };
  const parameters = { messageIds: `$${String(from)}`, directions: `$${String(from + 1)}` };
  const directions = new Map(gone.map((copy) => [copy.message_id, copy.direction ?? '']));
  return {
    parts: `${noteActivities('bare', parameters)},`,
    count: '(SELECT count(*) FROM note)',
    values: [uuidArray([...directions.keys()]), [...directions.values()]],
  };
}

const noteRest = `noted AS (
       INSERT INTO deletion_rest (tenant_id, source_id, id, deletion_id, message_ids, copy_ids)
       SELECT $1, $3, $4, $5, ARRAY(SELECT id FROM bare), $6::uuid[]
     ),`;

/** Deletes those of the threads that have no message left. A thread that became a part of one of them was only another name for it. */
async function deleteEmptyThreads({ sql, ref, catalogue, counts }: ChunkWork, threadIds: string[]): Promise<void> {
  if (threadIds.length === 0) return;
  const parts = [...catalogue.thread, { name: 'thread', column: 'id' }].map((child) => ({ ...child, of: 'bare' }));
  const [row] = await sql.query<{ deleted: number[] }>(
    `WITH ${emptyThreads('$2::uuid[]')}, ${deletionOf(parts)}
     SELECT ${countOf(parts)} AS deleted`,
    [ref.tenantId, uuidArray(threadIds)],
  );
  addCounts(counts, parts, row?.deleted ?? []);
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
