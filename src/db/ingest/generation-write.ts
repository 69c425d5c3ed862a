import type { FilterReason } from '../../domain/ledger';
import type { Database, Sql } from '../database';
import { countOutOfImport, countTowardsImport, type CountedHistory } from '../import-track';
import { refuseRetired } from './current-generation';
import { moveCursor, type NextCursor, type ReadSource } from './cursor';
import { writeOutbox } from './outbox-write';
import { endImportWithoutHistory, retireGenerations } from './retire-generations';
import { lockSource, lockSourceAlone, type FencedSource } from './source-lock';
import { planAudit } from '../sync/plan-audit';

/** A folder that has been opened: which generation of it the server shows. */
export interface OpenedFolder {
  folderId: string;
  uidValidity: string;
  mailboxId: string | null;
  /** The generation that was current when the folder was looked at. */
  before: number | null;
  /** A retired generation that this is again, if it is. */
  again: number | null;
}

/**
 * Begins a generation of a folder (RFC 9051 2.3.1.1: a new UIDVALIDITY makes every stored UID meaningless). The one before is retired
 * with its placements ended; nothing of it is deleted. One that comes back (`again`) is divided anew, as at its first listing.
 * Second run: finds the generation that the first made.
 */
export async function beginGeneration(db: Database, source: FencedSource, folder: OpenedFolder): Promise<number> {
  return db.inTenant(source.tenantId, async (sql) => {
    const { nextSeq } = await lockSource(sql, source);
    const [current] = await sql.query<{ id: number; uidvalidity: string }>(
      'SELECT id, uidvalidity FROM folder_generation WHERE tenant_id = $1 AND folder_id = $2 AND retired_at IS NULL',
      [source.tenantId, folder.folderId],
    );
    if (current?.uidvalidity === folder.uidValidity && current.id !== folder.before) return current.id;
    const events = current === undefined ? [] : await retireGenerations(sql, source, [folder.folderId]);
    await writeOutbox(sql, source, { nextSeq, events });
    await sql.execute('UPDATE folder SET mailbox_object_id = $3 WHERE tenant_id = $1 AND id = $2', [
      source.tenantId,
      folder.folderId,
      folder.mailboxId,
    ]);
    const [made] = await (folder.again === null
      ? sql.query<{ id: number }>(
          `INSERT INTO folder_generation (tenant_id, source_id, folder_id, uidvalidity) VALUES ($1, $3, $2, $4) RETURNING id`,
          [source.tenantId, folder.folderId, source.sourceId, folder.uidValidity],
        )
      : sql.query<{ id: number }>(reopenGeneration, [source.tenantId, folder.folderId, folder.again]));
    if (made === undefined) throw new Error('a generation was not made');
    // Not before there is the new one: its history is the same import's.
    if (current !== undefined) await endImportWithoutHistory(sql, source);
    if (current !== undefined || folder.again !== null) await planAudit(sql, source, 'in-its-turn');
    return made.id;
  });
}

const reopenGeneration = `UPDATE folder_generation SET retired_at = NULL, listed_at = NULL, uidnext = NULL, audited_at = NULL
  WHERE tenant_id = $1 AND folder_id = $2 AND id = $3 RETURNING id`;

/** The next round looks at the folder whatever its cursor says. Second run: no change. */
export async function lookAgain(db: Database, source: FencedSource, genId: number): Promise<void> {
  await db.inTenant(source.tenantId, async (sql) => {
    await lockSourceAlone(sql, source);
    await forgetListing(sql, source, genId);
  });
}

/**
 * Rows below the cursor are about to change: until it moves it is not exact, however this run ends. Second run: no change.
 */
export async function doubtCursor(db: Database, source: FencedSource, genId: number): Promise<void> {
  await db.inTenant(source.tenantId, async (sql) => {
    await lockSourceAlone(sql, source);
    await sql.execute('UPDATE folder_generation SET is_exact = false WHERE tenant_id = $1 AND id = $2 AND is_exact', [
      source.tenantId,
      genId,
    ]);
  });
}

async function forgetListing(sql: Sql, source: FencedSource, genId: number): Promise<void> {
  await sql.execute('UPDATE folder_generation SET listed_at = NULL WHERE tenant_id = $1 AND id = $2', [
    source.tenantId,
    genId,
  ]);
}

/** The server has said what it calls a folder for good (RFC 8474). Second run: no change. */
export async function noteMailboxId(
  db: Database,
  source: FencedSource,
  folder: { folderId: string; mailboxId: string },
): Promise<void> {
  await db.inTenant(source.tenantId, async (sql) => {
    await lockSourceAlone(sql, source);
    await sql.execute('UPDATE folder SET mailbox_object_id = $3 WHERE tenant_id = $1 AND id = $2', [
      source.tenantId,
      folder.folderId,
      folder.mailboxId,
    ]);
  });
}

const rowsPerStatement = 20_000;

/**
 * Writes ledger rows of placements that are left out unread: their UIDs only. Second run: no change.
 * @throws MailFailure `cursor-lost` where the generation was retired meanwhile; nothing more is written then
 */
export async function recordFiltered(
  db: Database,
  source: FencedSource,
  placements: { genId: number; uids: number[]; reason: FilterReason },
): Promise<void> {
  for (let at = 0; at < placements.uids.length; at += rowsPerStatement) {
    const uids = placements.uids.slice(at, at + rowsPerStatement);
    await db.inTenant(source.tenantId, async (sql) => {
      await lockSourceAlone(sql, source);
      await refuseRetired(sql, source, placements.genId);
      await sql.execute(
        `INSERT INTO placement (gen_id, uid, tenant_id, source_id, outcome, reason, run_id)
         SELECT $1, uid, $2, $3, 3, $4, $6 FROM unnest($5::bigint[]) AS uid
         ON CONFLICT (gen_id, uid) DO UPDATE SET reason = excluded.reason
         WHERE placement.outcome = 3 AND placement.reason IN ('folder-role', 'removed')`,
        [placements.genId, source.tenantId, source.sourceId, placements.reason, uids, source.runId ?? null],
      );
    });
  }
}

/**
 * Writes the cursor without a batch: a folder where nothing was owed. With `history`, also hands the UIDs below the cursor that
 * have no ledger row to the import, which counts them in its operation. Where the presence is `unsettled`, the next round looks at the
 * folder whatever its cursor says.
 * @throws MailFailure `cursor-lost` where the generation was retired meanwhile; nothing is written then
 */
export async function closeFolder(
  db: Database,
  source: ReadSource,
  folder: { genId: number; snapshot: NextCursor; history: number; presence: 'settled' | 'unsettled' },
): Promise<void> {
  await db.inTenant(source.tenantId, async (sql) => {
    await lockSourceAlone(sql, source);
    await refuseRetired(sql, source, folder.genId);
    await moveCursor(sql, source, folder);
    if (folder.presence === 'unsettled') await forgetListing(sql, source, folder.genId);
    if (folder.history > 0) {
      await sql.execute(
        `UPDATE folder_generation SET history_below = $2, history_done_at = NULL,
           history_total = CASE WHEN history_done_at IS NULL THEN history_total ELSE 0 END + $3 WHERE id = $1`,
        [folder.genId, folder.snapshot.uidNext, folder.history],
      );
      await countTowardsImport(sql, source, folder.history);
    } else {
      const ended = await sql.execute(
        `UPDATE folder_generation SET history_done_at = now()
         WHERE id = $1 AND history_total = 0 AND history_done_at IS NULL`,
        [folder.genId],
      );
      // The import may have waited for this folder alone.
      if (ended > 0) await endImportWithoutHistory(sql, source);
    }
  });
}

/**
 * The history of a folder below this UID is in the ledger; with the last one the import operation is done. Where a round has handed over
 * more meanwhile, nothing is finished.
 * @throws MailFailure `cursor-lost` where the generation was retired meanwhile; nothing is written then
 */
export async function finishHistory(
  db: Database,
  source: FencedSource,
  history: { genId: number; below: number },
): Promise<void> {
  await db.inTenant(source.tenantId, async (sql) => {
    await lockSourceAlone(sql, source);
    await refuseRetired(sql, source, history.genId);
    const ended = await sql.query<CountedHistory>(
      `UPDATE folder_generation SET history_done_at = now()
       WHERE id = $1 AND history_below = $2 AND history_done_at IS NULL RETURNING id AS "genId", history_total AS total`,
      [history.genId, history.below],
    );
    // What the server no longer has is not waited for.
    await countOutOfImport(sql, source, ended);
    await endImportWithoutHistory(sql, source);
  });
}
