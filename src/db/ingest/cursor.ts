import type { FolderSnapshot } from '../../domain/folder';
import type { Sql } from '../database';
import type { FencedSource } from './source-lock';

/** A source as the one who writes has read it. */
export interface ReadSource extends FencedSource {
  /** When, by the database's clock; left out: just now. */
  readAt?: Date;
}

/** The cursor that a round has found, and gone on from. */
export interface CursorBefore {
  uidNext: number | null;
  modseq: string | null;
  exists: number | null;
}

/** A cursor to be written. */
export interface NextCursor extends FolderSnapshot {
  /**
   * The ledger was found to agree with the snapshot: all UIDs were compared, or those of the tail, of a folder whose cursor was exact. Left
   * out: it may not.
   */
  agreed?: { compared: 'all' | 'tail'; since: CursorBefore };
}

/**
 * Moves the cursor of a folder: everything the snapshot shows is in the ledger, or left to the history import. What an audit has said of
 * the folder since the source was read stands: it may have found what this listing overlooked. Where another run has moved the cursor
 * meanwhile, it is not exact after a comparison of all, and stays where it is after one of the tail.
 */
export async function moveCursor(
  sql: Sql,
  { readAt }: ReadSource,
  { genId, snapshot }: { genId: number; snapshot: NextCursor },
): Promise<void> {
  const { agreed } = snapshot;
  const next = [genId, snapshot.uidNext, snapshot.highestModseq, snapshot.messages];
  const before = [agreed?.since.uidNext ?? null, agreed?.since.modseq ?? null, agreed?.since.exists ?? null];
  if (agreed?.compared === 'tail') await sql.execute(moveAlongTail, [...next, ...before]);
  else await sql.execute(moveAfterAll, [...next, ...before, agreed !== undefined, readAt ?? null]);
}

const unmoved = '(uidnext, modseq, exists_count) IS NOT DISTINCT FROM ($5::numeric, $6::numeric, $7::bigint)';

const moveAfterAll = `UPDATE folder_generation SET uidnext = $2, modseq = $3, exists_count = $4, is_exact = $8::boolean AND ${unmoved},
  listed_at = CASE WHEN audited_at > $9::timestamptz THEN listed_at ELSE now() END WHERE id = $1`;

/** `listed_at` stays: all UIDs are compared again when their day is over. */
const moveAlongTail = `UPDATE folder_generation SET uidnext = $2, modseq = $3, exists_count = $4, is_exact = true
  WHERE id = $1 AND ${unmoved}`;
