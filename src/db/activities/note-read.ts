import type { Sql } from '../database';
import { maySee } from '../record-readers';
import { principalsOf, type Reader } from '../timeline-read';
import { tenantPrincipal } from '../timeline-write';

/** What is left of an activity. Ids are UUIDs. */
export interface ActivityNote {
  /** The id that the activity had. */
  id: string;
  type: string;
  status: string;
  ownerUserId: string | null;
  /** The date of the message. */
  sortAt: Date;
  direction: 'incoming' | 'outgoing' | 'internal';
  /** Its records that the reader may see. */
  recordIds: string[];
  createdAt: Date;
}

/** Where a page of notes begins: behind this one. */
export interface NotePlace {
  sortAt: Date;
  id: string;
}

/** A record with all that was merged into it; $2 is the record. */
const parts = `WITH RECURSIVE part AS (
    SELECT $2::uuid AS id UNION SELECT r.id FROM part JOIN record r ON r.tenant_id = $1 AND r.merged_into = part.id
  )`;

/** Notes of mail that was open to whoever might see the record, and the reader's own; $3 and $4 say who reads. */
const isShown = `(nr.is_open OR $3 OR EXISTS (
    SELECT FROM activity_note own WHERE own.tenant_id = $1 AND own.id = nr.note_id AND own.owner_user_id = $4::uuid))`;

/** The notes of a record that the reader may see, those of the newest mail first, behind `after`. Whether they may see the record is the caller's question. */
export function listNotes(
  sql: Sql,
  reader: Reader,
  page: { recordId: string; after: NotePlace | null; limit: number },
): Promise<ActivityNote[]> {
  return sql.query<ActivityNote>(statement, [
    reader.tenantId,
    page.recordId,
    reader.principal === tenantPrincipal,
    reader.userId,
    page.after?.sortAt ?? null,
    page.after?.id ?? null,
    page.limit,
    principalsOf(reader),
  ]);
}

// A note may belong to several parts of a record. Of what was merged, the record that it is a part of by now is told.
const statement = `${parts}, place AS MATERIALIZED (
  SELECT DISTINCT n.sort_at, n.note_id FROM part CROSS JOIN LATERAL (
    SELECT nr.sort_at, nr.note_id FROM activity_note_record nr
    WHERE nr.tenant_id = $1 AND nr.record_id = part.id AND ($5::timestamptz IS NULL OR (nr.sort_at, nr.note_id) < ($5, $6::uuid)) AND ${isShown}
    ORDER BY nr.sort_at DESC, nr.note_id DESC LIMIT $7) n
  ORDER BY n.sort_at DESC, n.note_id DESC LIMIT $7
)
SELECT n.id, n.type, n.status, n.owner_user_id AS "ownerUserId", n.sort_at AS "sortAt", n.direction, n.created_at AS "createdAt", coalesce((
    SELECT jsonb_agg(DISTINCT r.id) FROM activity_note_record nr CROSS JOIN LATERAL (
      WITH RECURSIVE way AS (
        SELECT id, merged_into FROM record WHERE tenant_id = $1 AND id = nr.record_id
        UNION SELECT o.id, o.merged_into FROM way JOIN record o ON o.tenant_id = $1 AND o.id = way.merged_into
      ) SELECT id FROM way WHERE merged_into IS NULL) top
    JOIN record r ON r.tenant_id = $1 AND r.id = top.id AND r.deleted_at IS NULL AND ${maySee('r', '$8')}
    WHERE nr.tenant_id = $1 AND nr.note_id = n.id), '[]') AS "recordIds"
FROM place JOIN activity_note n ON n.tenant_id = $1 AND n.id = place.note_id
ORDER BY n.sort_at DESC, n.id DESC`;

/** Whether there is a note of the record that the reader may see. */
export async function hasNotes(sql: Sql, reader: Reader, recordId: string): Promise<boolean> {
  const rows = await sql.query(
    `${parts} SELECT FROM part JOIN activity_note_record nr ON nr.tenant_id = $1 AND nr.record_id = part.id WHERE ${isShown} LIMIT 1`,
    [reader.tenantId, recordId, reader.principal === tenantPrincipal, reader.userId],
  );
  return rows.length > 0;
}
