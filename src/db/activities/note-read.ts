import type { Sql } from '../database';
import { maySee } from '../record-readers';
import { principalsOf, windowsOf, type Reader } from '../timeline-read';
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

/** Notes (`nr`) of mail that was open to whoever might see the record, and the reader's own; $3 and $4 say who reads. */
const isShown = `(nr.is_open OR $3 OR EXISTS (
    SELECT FROM activity_note own WHERE own.tenant_id = $1 AND own.id = nr.note_id AND own.owner_user_id = $4::uuid))`;

/** A page of notes: at most as many as were asked for, and where it goes on although the page is short. */
interface NotePage {
  notes: ActivityNote[];
  resumeAfter: NotePlace | null;
}

/**
 * The notes of a record that the reader may see, those of the newest mail first, behind `after`. Whether they may see the record is the caller's question.
 * Where much is closed to the reader a page is short, and goes on.
 */
export async function listNotes(
  sql: Sql,
  reader: Reader,
  page: { recordId: string; after: NotePlace | null; limit: number },
): Promise<NotePage> {
  const seesAll = reader.principal === tenantPrincipal;
  const rows = await sql.query<NoteRow>(statement, [
    reader.tenantId,
    page.recordId,
    seesAll,
    reader.userId,
    page.after?.sortAt ?? null,
    page.after?.id ?? null,
    page.limit,
    principalsOf(reader),
    seesAll ? page.limit : windowsOf(reader).filtered,
  ]);
  const notes = rows.flatMap(({ endAt, endId, ...note }) => (note.id === null ? [] : [note]));
  const [first] = rows;
  if (first?.endAt == null || first.endId === null) return { notes, resumeAfter: null };
  return { notes, resumeAfter: { sortAt: first.endAt, id: first.endId } };
}

/** Beside each note where the walk ended; without a note where there is none to show. */
type NoteRow = { endAt: Date | null; endId: string | null } & (ActivityNote | { id: null });

// A note may belong to several parts of a record. Of what was merged, the record that it is a part of by now is told. So many notes of each part are looked
// at; beyond the newest place where one of these walks ends nothing is known yet.
const statement = `${parts}, walked AS MATERIALIZED (
  SELECT part.id AS part_id, n.* FROM part CROSS JOIN LATERAL (
    SELECT sort_at, note_id, is_open FROM activity_note_record
    WHERE tenant_id = $1 AND record_id = part.id AND ($5::timestamptz IS NULL OR (sort_at, note_id) < ($5, $6::uuid))
    ORDER BY sort_at DESC, note_id DESC LIMIT $9) n
), ended AS MATERIALIZED (
  SELECT sort_at, note_id FROM (
    SELECT sort_at, note_id, row_number() OVER (PARTITION BY part_id ORDER BY sort_at DESC, note_id DESC) AS n FROM walked) w
  WHERE w.n = $9 ORDER BY sort_at DESC, note_id DESC LIMIT 1
), place AS MATERIALIZED (
  SELECT DISTINCT nr.sort_at, nr.note_id FROM walked nr
  WHERE NOT EXISTS (SELECT FROM ended e WHERE (nr.sort_at, nr.note_id) < (e.sort_at, e.note_id)) AND ${isShown}
  ORDER BY nr.sort_at DESC, nr.note_id DESC LIMIT $7
), shown AS (
SELECT n.id, n.type, n.status, n.owner_user_id AS "ownerUserId", n.sort_at AS "sortAt", n.direction, n.created_at AS "createdAt", coalesce((
    SELECT jsonb_agg(DISTINCT r.id) FROM activity_note_record nr CROSS JOIN LATERAL (
      WITH RECURSIVE way AS (
        SELECT id, merged_into FROM record WHERE tenant_id = $1 AND id = nr.record_id
        UNION SELECT o.id, o.merged_into FROM way JOIN record o ON o.tenant_id = $1 AND o.id = way.merged_into
      ) SELECT id FROM way WHERE merged_into IS NULL) top
    JOIN record r ON r.tenant_id = $1 AND r.id = top.id AND r.deleted_at IS NULL AND ${maySee('r', '$8')}
    WHERE nr.tenant_id = $1 AND nr.note_id = n.id), '[]') AS "recordIds"
FROM place JOIN activity_note n ON n.tenant_id = $1 AND n.id = place.note_id
)
SELECT e.sort_at AS "endAt", e.note_id AS "endId", s.* FROM (SELECT) one LEFT JOIN ended e ON true LEFT JOIN shown s ON true
ORDER BY s."sortAt" DESC, s.id DESC`;

/** Whether there is a note of the record that the reader may see, among the newest of it. */
export async function hasNotes(sql: Sql, reader: Reader, recordId: string): Promise<boolean> {
  const rows = await sql.query(
    `${parts} SELECT FROM part CROSS JOIN LATERAL (
       SELECT is_open, note_id FROM activity_note_record WHERE tenant_id = $1 AND record_id = part.id
       ORDER BY sort_at DESC, note_id DESC LIMIT $5) nr WHERE ${isShown} LIMIT 1`,
    [reader.tenantId, recordId, reader.principal === tenantPrincipal, reader.userId, windowsOf(reader).filtered],
  );
  return rows.length > 0;
}
