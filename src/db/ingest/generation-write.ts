import type { FolderSnapshot } from '../../domain/folder';
import type { FilterReason } from '../../domain/ledger';
import type { Database, Sql } from '../database';
import { newUuid } from '../new-id';
import { moveCursor } from './cursor';
import { lockSource, type FencedSource } from './source-lock';

/**
 * Begins a new generation of a folder (RFC 9051 2.3.1.1: a new UIDVALIDITY makes every stored UID meaningless). The old one is
 * retired with its placements ended; nothing of it is deleted. Second run: finds the generation that the first made.
 */
export async function beginGeneration(
  db: Database,
  source: FencedSource,
  folder: { folderId: string; uidValidity: string },
): Promise<number> {
  return db.inTenant(source.tenantId, async (sql) => {
    await lockSource(sql, source);
    const values = [source.tenantId, folder.folderId];
    const [current] = await sql.query<{ id: number; uidvalidity: string }>(
      'SELECT id, uidvalidity FROM folder_generation WHERE tenant_id = $1 AND folder_id = $2 AND retired_at IS NULL',
      values,
    );
    if (current?.uidvalidity === folder.uidValidity) return current.id;
    if (current !== undefined) {
      await sql.execute('UPDATE folder_generation SET retired_at = now() WHERE id = $1', [current.id]);
      await sql.execute('UPDATE placement SET presence = 2, presence_at = now() WHERE gen_id = $1 AND presence = 1', [
        current.id,
      ]);
    }
    const [made] = await sql.query<{ id: number }>(
      `INSERT INTO folder_generation (tenant_id, source_id, folder_id, uidvalidity) VALUES ($1, $3, $2, $4) RETURNING id`,
      [...values, source.sourceId, folder.uidValidity],
    );
    if (made === undefined) throw new Error('a generation was not made');
    return made.id;
  });
}

const rowsPerStatement = 20_000;

/** Writes ledger rows of placements that are left out unread: their UIDs only. Second run: no change. */
export async function recordFiltered(
  db: Database,
  source: FencedSource,
  placements: { genId: number; uids: number[]; reason: FilterReason },
): Promise<void> {
  for (let at = 0; at < placements.uids.length; at += rowsPerStatement) {
    const uids = placements.uids.slice(at, at + rowsPerStatement);
    await db.inTenant(source.tenantId, async (sql) => {
      await lockSource(sql, source);
      await sql.execute(
        `INSERT INTO placement (gen_id, uid, tenant_id, source_id, outcome, reason)
         SELECT $1, uid, $2, $3, 3, $4 FROM unnest($5::bigint[]) AS uid
         ON CONFLICT (gen_id, uid) DO UPDATE SET reason = excluded.reason
         WHERE placement.outcome = 3 AND placement.reason = 'folder-role'`,
        [placements.genId, source.tenantId, source.sourceId, placements.reason, uids],
      );
    });
  }
}

/**
 * Writes the cursor without a batch: a folder where nothing was owed. With `history`, also hands the UIDs below the cursor that
 * have no ledger row to the import, which counts them in its operation.
 */
export async function closeFolder(
  db: Database,
  source: FencedSource,
  folder: { genId: number; snapshot: FolderSnapshot; history: number },
): Promise<void> {
  await db.inTenant(source.tenantId, async (sql) => {
    await lockSource(sql, source);
    await moveCursor(sql, folder.genId, folder.snapshot);
    if (folder.history > 0) {
      await sql.execute(
        `UPDATE folder_generation SET history_below = $2, history_total = history_total + $3, history_done_at = NULL WHERE id = $1`,
        [folder.genId, folder.snapshot.uidNext, folder.history],
      );
      await countTowardsImport(sql, source, folder.history);
    } else {
      await sql.execute(
        `UPDATE folder_generation SET history_done_at = coalesce(history_done_at, now()) WHERE id = $1 AND history_total = 0`,
        [folder.genId],
      );
    }
  });
}

async function countTowardsImport(sql: Sql, source: FencedSource, total: number): Promise<void> {
  const values = [source.tenantId, source.sourceId, total];
  const counted = await sql.execute(
    `UPDATE operation SET total = total + $3 WHERE tenant_id = $1 AND source_id = $2 AND kind = 'import' AND state = 'running'`,
    values,
  );
  if (counted > 0) return;
  await sql.execute(
    `INSERT INTO operation (tenant_id, source_id, id, kind, state, total, started_at) VALUES ($1, $2, $4, 'import', 'running', $3, now())`,
    [...values, newUuid()],
  );
}

/**
 * The history of a folder below this UID is in the ledger; with the last one the import operation is done. Where a round has handed over
 * more meanwhile, nothing is finished.
 */
export async function finishHistory(
  db: Database,
  source: FencedSource,
  history: { genId: number; below: number },
): Promise<void> {
  await db.inTenant(source.tenantId, async (sql) => {
    await lockSource(sql, source);
    await sql.execute('UPDATE folder_generation SET history_done_at = now() WHERE id = $1 AND history_below = $2', [
      history.genId,
      history.below,
    ]);
    await sql.execute(
      `UPDATE operation SET state = 'done', finished_at = now(), result = jsonb_build_object('messages', done)
       WHERE tenant_id = $1 AND source_id = $2 AND kind = 'import' AND state = 'running' AND NOT EXISTS (
         SELECT FROM folder_generation g JOIN folder f ON f.tenant_id = g.tenant_id AND f.id = g.folder_id
         WHERE g.tenant_id = $1 AND g.source_id = $2 AND g.retired_at IS NULL AND g.history_done_at IS NULL AND f.in_scope)`,
      [source.tenantId, source.sourceId],
    );
  });
}
