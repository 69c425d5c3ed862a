import type { FolderSnapshot } from '../../domain/folder';
import type { Sql } from '../database';
import type { FencedSource } from './source-lock';

/** A source as the one who writes has read it. */
export interface ReadSource extends FencedSource {
  /** When, by the database's clock; left out: just now. */
  readAt?: Date;
}

/**
 * Moves the cursor of a folder: everything the snapshot shows is in the ledger, or left to the history import. What an audit has said of
 * the folder since the source was read stands: it may have found what this listing overlooked.
 */
export async function moveCursor(
  sql: Sql,
  { readAt }: ReadSource,
  { genId, snapshot }: { genId: number; snapshot: FolderSnapshot },
): Promise<void> {
  await sql.execute(
    `UPDATE folder_generation SET uidnext = $2, modseq = $3, exists_count = $4,
       listed_at = CASE WHEN audited_at > $5::timestamptz THEN listed_at ELSE now() END WHERE id = $1`,
    [genId, snapshot.uidNext, snapshot.highestModseq, snapshot.messages, readAt ?? null],
  );
}
