import { sortAt } from '../../domain/dates';
import { refreshActivities } from '../activities/refresh';
import type { Sql } from '../database';
import { linkAgain } from '../rematch';
import { hasFiles, tellFiles } from '../message-files';
import { findAgain } from '../search-pending';
import { tellerFirst } from '../teller';
import { refreshTimelines } from '../timeline-write';
import { uuidArray } from '../binary-array';
import type { DeletionRef } from './deletions';
import { writeContents, type SurvivorContent } from './survivor-content';

/** A message that stays, because another source holds a copy of it. */
export interface SharedMessage {
  messageId: string;
  /** The oldest copy of another source: what the message is told from afterwards. */
  survivor: {
    copyId: string;
    blobId: string | null;
    size: number;
    /** Of a copy without bytes: its fingerprint, and the bytes of copies that may have the same header. */
    header: { sha: Buffer; wholeIds: string[] } | null;
  };
  /**
   * What is shown of the message now: `theirs`, from a copy that stays; `same`, from a copy of the source with the very bytes of the
   * survivor, or with the same header where nobody has more; `other`, from a copy of the source that may say something else. A message is
   * told from its oldest copy.
   */
  content: 'theirs' | 'same' | 'other';
}

/** By message: the copy that was read, the bytes that it had then, and what it says. */
export type SurvivorContents = Map<string, { copyId: string; blobId: string | null; content: SurvivorContent }>;

/** The messages of these copies that other sources hold too; where only these copies go, also those with another copy of the source. */
export async function sharedMessages(sql: Sql, ref: DeletionRef, copyIds: string[]): Promise<SharedMessage[]> {
  return sharedAmong(sql, ref, await messagesOf(sql, ref.tenantId, copyIds));
}

/** The messages of these copies. */
export async function messagesOf(sql: Sql, tenantId: string, copyIds: string[]): Promise<string[]> {
  if (copyIds.length === 0) return [];
  const rows = await sql.query<{ message_id: string }>(
    'SELECT DISTINCT message_id FROM copy WHERE tenant_id = $1 AND id = ANY ($2::uuid[])',
    [tenantId, uuidArray(copyIds)],
  );
  return rows.map((row) => row.message_id);
}

/** Of a mailbox's own copies the header is the same to whoever reads it; of others' the first half of the fingerprint says so. */
const sameHeader = `first.raw_state = 'none' AND other.raw_state = 'none'
         AND (first.source_id = other.source_id OR substr(first.raw_sha, 1, 16) = substr(other.raw_sha, 1, 16))`;

/** Bytes that are looked at for the header of a copy that has none. */
const mostWholes = 10;

/** The same of messages of which copies go. */
export async function sharedAmong(sql: Sql, ref: DeletionRef, messageIds: string[]): Promise<SharedMessage[]> {
  if (messageIds.length === 0) return [];
  const rows = await sql.query<{
    message_id: string;
    copy_id: string;
    blob_id: string | null;
    raw_size: number;
    header_sha: Buffer | null;
    whole_ids: string | null;
    content: SharedMessage['content'];
  }>(
    // Most messages have no other copy, and are to cost one look-up by key and nothing else, also without statistics.
    `WITH shared AS MATERIALIZED (
       SELECT DISTINCT message_id FROM copy WHERE tenant_id = $1 AND message_id = ANY ($3::uuid[]) AND (source_id <> $2 OR id <> ALL ($4::uuid[]))
     )
     SELECT m.message_id, other.id AS copy_id, other.blob_id, other.raw_size,
       CASE WHEN first.source_id <> $2 OR first.id <> ALL ($4::uuid[]) THEN 'theirs' WHEN first.raw_sha = other.raw_sha OR ${sameHeader} THEN 'same' ELSE 'other' END AS content,
       CASE WHEN other.blob_id IS NULL THEN other.raw_sha END AS header_sha, CASE WHEN other.blob_id IS NULL THEN (
         SELECT string_agg(blob_id::text, ',') FROM (
           SELECT blob_id FROM copy WHERE tenant_id = $1 AND message_id = m.message_id AND blob_id IS NOT NULL LIMIT ${String(mostWholes)}) whole) END AS whole_ids
     FROM shared m
     CROSS JOIN LATERAL (
       SELECT id, source_id, blob_id, raw_sha, raw_state, raw_size FROM copy WHERE tenant_id = $1 AND message_id = m.message_id AND (source_id <> $2 OR id <> ALL ($4::uuid[]))
       ORDER BY ${tellerFirst} LIMIT 1
     ) other
     CROSS JOIN LATERAL (
       SELECT id, source_id, raw_sha, raw_state FROM copy WHERE tenant_id = $1 AND message_id = m.message_id ORDER BY ${tellerFirst} LIMIT 1
     ) first`,
    [ref.tenantId, ref.sourceId, uuidArray(messageIds), ref.takes === undefined ? null : uuidArray(ref.takes)],
  );
  return rows.map((row) => ({
    messageId: row.message_id,
    survivor: {
      copyId: row.copy_id,
      blobId: row.blob_id,
      size: row.raw_size,
      header: row.header_sha === null ? null : { sha: row.header_sha, wholeIds: row.whole_ids?.split(',') ?? [] },
    },
    content: row.content,
  }));
}

/** What only the copies knew that messages lose: to be asked before they go. */
interface LostWords {
  /** Messages that lose files, or names of files. */
  withFiles: string[];
}

/** What messages that stay lose with these copies, which are gone while what hangs on them is still there. */
export async function lostWords(
  sql: Sql,
  tenantId: string,
  { copyIds, messageIds, of }: { copyIds: string; messageIds: string; of: string[] },
): Promise<LostWords> {
  if (of.length === 0) return { withFiles: [] };
  const files = await sql.query<{ message_id: string }>(
    // The messages as a set, made once: of a mailbox that colleagues share they are all that went, and a list is read for each row.
    `SELECT DISTINCT lost.message_id FROM unnest($2::uuid[], $3::uuid[]) AS lost(copy_id, message_id) CROSS JOIN LATERAL (
       SELECT parts FROM copy_structure WHERE tenant_id = $1 AND copy_id = lost.copy_id OFFSET 0) s
     WHERE (lost.message_id IN (SELECT unnest($4::uuid[]))) IS TRUE AND jsonb_path_exists(s.parts, '$[*] ? (@.role == "attachment" || @.filename like_regex ".")')`,
    [tenantId, copyIds, messageIds, uuidArray(of)],
  );
  return { withFiles: files.map((row) => row.message_id) };
}

/**
 * Tells messages that stay from the copies that stay, after those of the source went and in the same transaction: subject, text, people,
 * dates and marks from the oldest; links, timelines and search from all. Nothing of the deleted copies shines through.
 * Returns how many messages wait for their search rows now; those of the others say what they said.
 */
export async function tellFromSurvivors(
  sql: Sql,
  ref: DeletionRef,
  shared: { messages: SharedMessage[]; contents: SurvivorContents; lost: LostWords },
): Promise<number> {
  const { tenantId } = ref;
  const { messages, contents, lost } = shared;
  if (messages.length === 0) return 0;
  const messageIds = messages.map((message) => message.messageId);
  const fromOthers = messages.filter((message) => message.content === 'other');
  await writeContents(
    sql,
    ref,
    fromOthers.map((message) => ({ ...message, told: contents.get(message.messageId)?.content ?? null })),
  );
  const moved = await writeDates(
    sql,
    tenantId,
    messages.filter((message) => message.content !== 'theirs'),
  );
  const withFiles = new Set(lost.withFiles);
  const toldByTheirs = messages.filter(({ content, messageId }) => content === 'theirs' && withFiles.has(messageId));
  await tellFiles(
    sql,
    tenantId,
    toldByTheirs.map(({ messageId }) => messageId),
  );
  await linkAgain(sql, tenantId, messageIds);
  await refreshTimelines(sql, tenantId, messageIds);
  await refreshActivities(sql, tenantId, messageIds);
  const retold = new Set([...fromOthers.map((message) => message.messageId), ...moved, ...lost.withFiles]);
  await forgetSearch(sql, tenantId, [...retold]);
  return retold.size;
}

async function forgetSearch(sql: Sql, tenantId: string, messageIds: string[]): Promise<void> {
  if (messageIds.length === 0) return;
  await findAgain(sql, tenantId, messageIds);
  await sql.execute('DELETE FROM message_search WHERE tenant_id = $1 AND message_id = ANY ($2::uuid[])', [
    tenantId,
    uuidArray(messageIds),
  ]);
}

const headersOnly = 4;

/** What depends on how the survivor lies on its server, and on its parts. Returns the messages of which something is other than before. */
async function writeDates(sql: Sql, tenantId: string, messages: SharedMessage[]): Promise<string[]> {
  if (messages.length === 0) return [];
  const rows = await sql.query<{
    id: string;
    sent_at: Date | null;
    recorded_at: Date;
    internal_date: Date | null;
    outcome: number | null;
    has_attachments: boolean;
  }>(
    `SELECT m.id, m.sent_at, c.recorded_at, p.internal_date, p.outcome, EXISTS (
       SELECT FROM (SELECT id FROM copy WHERE tenant_id = $1 AND message_id = m.id OFFSET 0) k
       CROSS JOIN LATERAL (SELECT parts FROM copy_structure WHERE tenant_id = $1 AND copy_id = k.id OFFSET 0) s WHERE ${hasFiles('s.parts')}
     ) AS has_attachments
     FROM unnest($2::uuid[], $3::uuid[]) AS told(message_id, copy_id)
     JOIN message m ON m.tenant_id = $1 AND m.id = told.message_id
     JOIN copy c ON c.tenant_id = $1 AND c.id = told.copy_id
     LEFT JOIN LATERAL (
       SELECT internal_date, outcome FROM placement WHERE copy_id = c.id ORDER BY recorded_at, gen_id, uid LIMIT 1
     ) p ON true`,
    [tenantId, messages.map(({ messageId }) => messageId), messages.map(({ survivor }) => survivor.copyId)],
  );
  const changed = await sql.query<{ id: string }>(
    `UPDATE message m SET sort_at = r.sort_at, has_attachments = r.has_attachments,
       marks = CASE WHEN r.headers_only THEN array_append(array_remove(m.marks, 'headers-only'), 'headers-only')
                    ELSE array_remove(m.marks, 'headers-only') END
     FROM json_to_recordset($2::json) AS r(id uuid, sort_at timestamptz, has_attachments boolean, headers_only boolean)
     WHERE m.tenant_id = $1 AND m.id = r.id AND (m.sort_at, m.has_attachments, 'headers-only' = ANY (m.marks))
       IS DISTINCT FROM (r.sort_at, r.has_attachments, r.headers_only) RETURNING m.id`,
    [
      tenantId,
      JSON.stringify(
        rows.map((row) => ({
          id: row.id,
          sort_at: sortAt(row.sent_at, row.internal_date) ?? row.recorded_at,
          has_attachments: row.has_attachments,
          headers_only: row.outcome === headersOnly,
        })),
      ),
    ],
  );
  return changed.map((row) => row.id);
}
