import type { ActivitiesOnDelete } from '../activities/note-write';
import type { Database, Sql } from '../database';
import { uuidArray } from '../binary-array';
import type { Catalogue } from './catalogue';
import type { ContentChunk } from './content-chunk';
import { deleteBareCopies, deleteEmptyThreads, deleteWithCopies, noteBlobs, type ChunkWork } from './delete-copies';
import { deletePlacements } from './delete-placements';
import type { DeletionRef } from './deletions';
import { settleDeleted } from '../thread-links/settle';
import {
  lostWords,
  messagesOf,
  sharedAmong,
  tellFromSurvivors,
  type SharedMessage,
  type SurvivorContents,
} from './shared-messages';
import { withoutRest } from './rest';
import { neverMindTheDisk, noteStep } from './steps';

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
    /** What becomes of the activities of messages that go. */
    activities?: ActivitiesOnDelete;
  },
): Promise<{ retold: number; unread: Unread; heldMs: number }> {
  return db.writeInTenant(ref.tenantId, async (sql) => {
    const began = performance.now();
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
      deleteBareCopies(chunk, { candidates, among: shared.map(({ messageId }) => messageId) }),
    ]);
    // Of the messages that other sources hold, those that have lost a copy now.
    const losing = new Set(gone.losing);
    const messages = shared.filter(({ messageId }) => losing.has(messageId));
    const [lost, { threadIds, giverIds, notes }, kept] = await Promise.all([
      lostWords(sql, ref.tenantId, { ...gone, of: gone.losing }),
      deleteWithCopies(chunk, gone),
      lastOfSource(chunk, messages),
    ]);
    const [retold] = await Promise.all([
      tellFromSurvivors(sql, ref, { messages, contents: work.contents, lost }),
      deleteEmptyThreads(chunk, threadIds),
      settleDeleted(sql, ref.tenantId, giverIds),
      noteBlobs(chunk, gone, parkedBlobIds),
    ]);
    await noteStep(sql, ref, { counts: chunk.counts, placements: chunk.counts['placement'] ?? 0, kept, notes });
    const heldMs = performance.now() - began;
    return { retold, unread: { messages: toRead, copyIds: heldBack(copyIds, ready) }, heldMs };
  });
}

/** Messages of which a survivor must be read before their copies can go. */
interface Unread {
  messages: SharedMessage[];
  copyIds: string[];
}

/** Messages whose text comes from a copy that nobody has read in time. */
function unread(shared: SharedMessage[], contents: SurvivorContents): SharedMessage[] {
  return shared.filter(({ messageId, content, survivor }) => {
    const read = contents.get(messageId);
    return content === 'other' && (read?.copyId !== survivor.copyId || read.blobId !== survivor.blobId);
  });
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
  if (candidates === copyIds) return [];
  const going = new Set(candidates);
  return copyIds.filter((id) => !going.has(id));
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
