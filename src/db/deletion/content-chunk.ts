import type { Database, Sql } from '../database';
import type { DeletionRef } from './deletions';

/** Where the walk over a mailbox's placements goes on. Only a hint, kept in memory: a walk that begins again finds what is left. */
export interface ContentPosition {
  genId: number;
  belowUid: number;
}

/** The next rows to delete: placements with their copies, or, after them, copies that have no placement. */
export interface ContentChunk {
  placements: { genIds: number[]; uids: number[] };
  copyIds: string[];
  /** The messages of these copies, where they are known. */
  messageIds?: string[];
  next: ContentPosition | null;
}

/** What is deleted next, at most `limit` placements; null where nothing is left from `after` on. Reads only, and holds no lock. */
export async function nextContent(
  db: Database,
  ref: DeletionRef,
  from: { after: ContentPosition | null; limit: number },
): Promise<ContentChunk | null> {
  return db.inTenant(ref.tenantId, async (sql) => {
    await sql.execute(inOrderOfIndexes);
    const spans = await sql.query<Span>(
      // A row for each generation and not for each placement, and lists of ids: thousands of rows are dear to read here.
      `WITH page AS MATERIALIZED (
         SELECT p.gen_id, p.uid, p.copy_id, c.message_id FROM (
           SELECT id FROM folder_generation WHERE tenant_id = $1 AND source_id = $2 AND id >= $3 ORDER BY id
         ) g CROSS JOIN LATERAL (
           SELECT gen_id, uid, copy_id FROM placement
           WHERE gen_id = g.id AND uid < CASE WHEN g.id > $3 THEN ${String(Number.MAX_SAFE_INTEGER)} ELSE $4 END ORDER BY uid DESC LIMIT $5
         ) p LEFT JOIN LATERAL (
           SELECT message_id FROM copy WHERE tenant_id = $1 AND id = p.copy_id OFFSET 0
         ) c ON true LIMIT $5
       ) SELECT gen_id, min(uid) AS first_uid, max(uid) AS last_uid, ${idsOf('copy_id')} AS copies, ${idsOf('message_id')} AS messages
         FROM page GROUP BY gen_id ORDER BY gen_id`,
      [ref.tenantId, ref.sourceId, from.after?.genId ?? 0, from.after?.belowUid ?? Number.MAX_SAFE_INTEGER, from.limit],
    );
    const last = spans.at(-1);
    if (last === undefined && from.after !== null) return null;
    const lists = last === undefined ? await copiesWithoutPlacement(sql, ref, from.limit) : spans;
    const copyIds = allOf(lists.map(({ copies }) => copies));
    if (last === undefined && copyIds.length === 0) return null;
    return {
      placements: {
        genIds: spans.flatMap(({ gen_id: genId }) => [genId, genId]),
        uids: spans.flatMap(({ first_uid: first, last_uid: lastUid }) => [first, lastUid]),
      },
      copyIds,
      messageIds: allOf(lists.map(({ messages }) => messages)),
      next: last === undefined ? null : { genId: last.gen_id, belowUid: last.first_uid },
    };
  });
}

/** Without statistics a generation looks small, and each chunk would read and sort all that is left of it rather than walk along the index. */
const inOrderOfIndexes = 'SET LOCAL enable_bitmapscan = off';

/** Ids with commas between them; null where there is none. */
interface Lists {
  copies: string | null;
  messages: string | null;
}

interface Span extends Lists {
  gen_id: number;
  first_uid: number;
  last_uid: number;
}

const idsOf = (column: string) => `string_agg(${column}::text, ',' ORDER BY ${column})`;

/** Each of them once. */
function allOf(lists: (string | null)[]): string[] {
  return [...new Set(lists.flatMap((list) => list?.split(',') ?? []))];
}

function copiesWithoutPlacement(sql: Sql, ref: DeletionRef, limit: number): Promise<Lists[]> {
  return sql.query(
    `SELECT ${idsOf('id')} AS copies, ${idsOf('message_id')} AS messages FROM (
       SELECT id, message_id FROM copy WHERE tenant_id = $1 AND source_id = $2 LIMIT $3) page`,
    [ref.tenantId, ref.sourceId, limit],
  );
}
