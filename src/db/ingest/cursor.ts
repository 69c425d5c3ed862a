import type { FolderSnapshot } from '../../domain/folder';
import type { Sql } from '../database';

/** Moves the cursor of a folder: everything the snapshot shows is in the ledger, or left to the history import. */
export async function moveCursor(sql: Sql, genId: number, snapshot: FolderSnapshot): Promise<void> {
  await sql.execute(
    `UPDATE folder_generation SET uidnext = $2, modseq = $3, exists_count = $4, listed_at = now() WHERE id = $1`,
    [genId, snapshot.uidNext, snapshot.highestModseq, snapshot.messages],
  );
}
