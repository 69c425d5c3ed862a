import { reasonKeys } from '../../domain/link-reasons';
import { noteActivities, type ActivitiesOnDelete } from '../activities/note-write';
import { tellRemovedActivities } from '../activities/tell';
import type { Sql } from '../database';
import { uuidArray } from '../binary-array';
import { newUuid } from '../new-id';
import { emptyThreads } from '../thread-parts';
import { deleteChildren, type Catalogue } from './catalogue';
import { countOf, deletionOf, type Part } from './deletion-parts';
import type { DeletionRef } from './deletions';
import type { RowCounts } from './steps';

/** What a transaction deletes, and how. */
export interface ChunkWork {
  sql: Sql;
  ref: DeletionRef;
  /** The tables of which rows go in this transaction. */
  catalogue: Catalogue;
  /** Whether what is left goes in this transaction too, or is noted. */
  rest: 'now' | 'noted';
  activities: ActivitiesOnDelete;
  counts: RowCounts;
}

/** An array as PostgreSQL writes it, which goes back to it as it came: thousands of ids are neither read nor made here. */
type ArrayText = string;

/** Copies that are gone, in the same order in each list. */
interface GoneCopies {
  count: number;
  copyIds: ArrayText;
  messageIds: ArrayText;
  /** Of those that had bytes. */
  blobIds: ArrayText | null;
  directions: ArrayText;
  /** Of the messages that were asked for, those that have lost a copy. */
  losing: string[];
}

/**
 * Deletes copies that have no placement left: a copy goes with the last of them. `among` are messages of which it is to be said whether they
 * have lost one.
 */
export async function deleteBareCopies(
  { sql, ref, counts }: ChunkWork,
  { candidates, among }: { candidates: string[]; among: string[] },
): Promise<GoneCopies> {
  const [row] = await sql.query<Omit<GoneCopies, 'losing'> & { losing: string | null }>(
    // By their ids, and not by the source: without statistics a plan would read all copies of the mailbox for each chunk.
    // What still has a placement is looked for at once, along the index: usually nothing.
    `WITH gone AS (
       DELETE FROM copy WHERE tenant_id = $1 AND id = ANY ($2::uuid[]) AND (source_id = $3) IS TRUE
         AND id NOT IN (SELECT copy_id FROM placement WHERE copy_id = ANY ($2::uuid[]))
       RETURNING id, message_id, blob_id, direction
     )
     SELECT count(*) AS count, coalesce(array_agg(id), '{}')::text AS "copyIds", coalesce(array_agg(message_id), '{}')::text AS "messageIds",
       coalesce(array_agg(direction), '{}')::text AS directions, (array_agg(blob_id) FILTER (WHERE blob_id IS NOT NULL))::text AS "blobIds",
       string_agg(DISTINCT message_id::text, ',') FILTER (WHERE message_id IN (SELECT unnest($4::uuid[]))) AS losing
     FROM (SELECT * FROM gone ORDER BY message_id) AS gone`,
    [ref.tenantId, uuidArray(candidates), ref.sourceId, uuidArray(among)],
  );
  if (row === undefined) throw new Error('a count has no row');
  counts['copy'] = row.count;
  return { ...row, losing: row.losing?.split(',') ?? [] };
}

/** What went with copies. */
interface GoneWithCopies {
  /** Of the messages that went, those of which something was passed on to others. */
  giverIds: string[];
  /** Threads of messages that went. */
  threadIds: ArrayText | null;
  /** Activities that are kept as notes. */
  notes: number;
}

/** Deletes what hangs on copies that are gone, and the messages that have no copy left with all that hangs on those. */
export async function deleteWithCopies(chunk: ChunkWork, gone: GoneCopies): Promise<GoneWithCopies> {
  if (gone.count === 0) return { giverIds: [], threadIds: null, notes: 0 };
  const { sql, ref, catalogue } = chunk;
  const [bare] = await Promise.all([
    deleteBareMessages(chunk, gone),
    ...catalogue.copy.map(async (child) => {
      const deleted = await deleteChildren(sql, ref.tenantId, { child, parentIds: gone.copyIds });
      chunk.counts[child.name] = (chunk.counts[child.name] ?? 0) + deleted;
    }),
  ]);
  return bare;
}

function addCounts(counts: RowCounts, parts: Part[], deleted: number[]): void {
  parts.forEach(({ name }, n) => (counts[name] = (counts[name] ?? 0) + (deleted[n] ?? 0)));
}

/**
 * Deletes those of the messages that have no copy left, with all that hangs on them: one statement, so that no id comes here and goes back
 * for each table. Ids in their order need not be sorted for each look-up. What is left for later is noted in it, with the copies; activities become notes where that is wanted.
 */
async function deleteBareMessages(chunk: ChunkWork, gone: GoneCopies): Promise<GoneWithCopies> {
  const { sql, ref, catalogue, counts } = chunk;
  const parts = [
    ...catalogue.link.map((child) => ({ ...child, of: 'bare_link' })),
    ...catalogue.message.map((child) => ({ ...child, of: 'bare' })),
    { name: 'message', column: 'id', of: 'bare' },
  ];
  const left = restOf(chunk, gone);
  const notes = notesOf(chunk, gone, 3 + left.values.length);
  const [, [row]] = await Promise.all([
    waitForSearch(chunk, gone),
    sql.query<{ threads: ArrayText | null; givers: string | null; deleted: number[]; notes: number }>(
      `WITH bare AS MATERIALIZED (
         SELECT id, thread_id FROM message WHERE tenant_id = $1 AND id = ANY ($2::uuid[])
           AND id NOT IN (SELECT message_id FROM copy WHERE tenant_id = $1 AND message_id = ANY ($2::uuid[])) ORDER BY id
       ), bare_link AS MATERIALIZED (
         SELECT id FROM link WHERE tenant_id = $1 AND message_id = ANY (ARRAY(SELECT id FROM bare)) ORDER BY id
       ), ${left.parts} ${notes.parts} ${tellRemovedActivities('bare')}, ${deletionOf(parts)}
       SELECT (SELECT array_agg(DISTINCT thread_id)::text FROM bare) AS threads, (SELECT string_agg(id::text, ',') FROM bare WHERE ${hasGiven}) AS givers,
         ${countOf(parts)} AS deleted, ${notes.count} AS notes`,
      [ref.tenantId, gone.messageIds, ...left.values, ...notes.values],
    ),
  ]);
  addCounts(counts, parts, row?.deleted ?? []);
  return { threadIds: row?.threads ?? null, giverIds: row?.givers?.split(',') ?? [], notes: row?.notes ?? 0 };
}

const hasGiven = `EXISTS (
  SELECT FROM link_reason WHERE tenant_id = $1 AND kind = 'thread' AND key = '${reasonKeys.reply('')}' || bare.id::text OFFSET 0)`;

/** Who is just writing search rows of these messages holds their rows here, and is waited for: the next statement sees what was written. */
function waitForSearch({ sql, ref }: ChunkWork, { messageIds }: GoneCopies): Promise<unknown> {
  return sql.execute(
    'SELECT FROM search_pending WHERE tenant_id = $1 AND message_id = ANY ($2::uuid[]) ORDER BY message_id FOR UPDATE',
    [ref.tenantId, messageIds],
  );
}

/** The part of the statement that notes what goes behind it, with its parameters. */
function restOf({ ref, rest }: ChunkWork, { copyIds }: GoneCopies): { parts: string; values: unknown[] } {
  if (rest === 'now') return { parts: '', values: [] };
  return { parts: noteRest, values: [ref.sourceId, newUuid(), ref.deletionId, copyIds] };
}

const noteRest = `noted AS (
       INSERT INTO deletion_rest (tenant_id, source_id, id, deletion_id, message_ids, copy_ids)
       SELECT $1, $3, $4, $5, ARRAY(SELECT id FROM bare), $6::uuid[]
     ),`;

/** The parts of the statement that keep activities as notes, with their parameters from this number on. */
function notesOf({ activities, ref }: ChunkWork, gone: GoneCopies, from: number) {
  if (activities === 'remove') return { parts: '', count: '0', values: [] };
  const parameter = (n: number) => `$${String(from + n)}`;
  const parameters = { messageIds: parameter(0), directions: parameter(1), sourceId: parameter(2) };
  return {
    parts: `${noteActivities('bare', parameters)},`,
    count: '(SELECT count(*) FROM note)',
    values: [gone.messageIds, gone.directions, ref.sourceId],
  };
}

/** Deletes those of the threads that have no message left. A thread that became a part of one of them was only another name for it. */
export async function deleteEmptyThreads(
  { sql, ref, catalogue, counts }: ChunkWork,
  threadIds: ArrayText | null,
): Promise<void> {
  if (threadIds === null) return;
  const parts = [...catalogue.thread, { name: 'thread', column: 'id' }].map((child) => ({ ...child, of: 'bare' }));
  const [row] = await sql.query<{ deleted: number[] }>(
    `WITH ${emptyThreads('$2::uuid[]')}, ${deletionOf(parts)}
     SELECT ${countOf(parts)} AS deleted`,
    [ref.tenantId, threadIds],
  );
  addCounts(counts, parts, row?.deleted ?? []);
}

/** Notes bytes to be freed: those of copies that are gone, and these. */
export async function noteBlobs(
  { sql, ref }: ChunkWork,
  { blobIds }: GoneCopies,
  others: readonly string[],
): Promise<void> {
  if (blobIds === null && others.length === 0) return;
  await sql.execute(
    `INSERT INTO deletion_blob (tenant_id, source_id, blob_id) SELECT $1, $2, id FROM unnest($3::uuid[] || $4::uuid[]) AS id
     ORDER BY id ON CONFLICT DO NOTHING`,
    [ref.tenantId, ref.sourceId, blobIds ?? '{}', uuidArray(others)],
  );
}
