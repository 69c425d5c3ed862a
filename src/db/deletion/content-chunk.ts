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
    const rows = await sql.query<CopyOf & { gen_id: number; uid: number }>(
      `SELECT p.gen_id, p.uid, p.copy_id, c.message_id FROM (
         SELECT id FROM folder_generation WHERE tenant_id = $1 AND source_id = $2 AND id >= $3 ORDER BY id
       ) g CROSS JOIN LATERAL (
         SELECT gen_id, uid, copy_id FROM placement WHERE gen_id = g.id AND (g.id > $3 OR uid < $4) ORDER BY uid DESC LIMIT $5
       ) p LEFT JOIN LATERAL (
         SELECT message_id FROM copy WHERE tenant_id = $1 AND id = p.copy_id OFFSET 0
       ) c ON true LIMIT $5`,
      [ref.tenantId, ref.sourceId, from.after?.genId ?? 0, from.after?.belowUid ?? Number.MAX_SAFE_INTEGER, from.limit],
    );
    const last = rows.at(-1);
    if (last === undefined && from.after !== null) return null;
    const copies = last === undefined ? await copiesWithoutPlacement(sql, ref, from.limit) : rows;
    if (copies.length === 0) return null;
    return {
      placements: { genIds: rows.map((row) => row.gen_id), uids: rows.map((row) => row.uid) },
      copyIds: [...new Set(copies.flatMap((row) => row.copy_id ?? []))],
      messageIds: [...new Set(copies.flatMap((row) => row.message_id ?? []))],
      next: last === undefined ? null : { genId: last.gen_id, belowUid: last.uid },
    };
  });
}

interface CopyOf {
  copy_id: string | null;
  message_id: string | null;
}

function copiesWithoutPlacement(sql: Sql, ref: DeletionRef, limit: number): Promise<CopyOf[]> {
  return sql.query('SELECT id AS copy_id, message_id FROM copy WHERE tenant_id = $1 AND source_id = $2 LIMIT $3', [
    ref.tenantId,
    ref.sourceId,
    limit,
  ]);
}
