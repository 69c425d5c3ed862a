import type { ListedFolder } from '../../domain/folder';
import { scopeOf, type FolderScope, type Policy } from '../../domain/policy';
import type { Database, Sql } from '../database';
import { insertRows } from '../insert-rows';
import { newUuid } from '../new-id';
import { lockSource, type FencedSource } from './source-lock';

/** A folder with its cursor, as a round finds it. */
export interface KnownFolder {
  folderId: string;
  path: string;
  scope: FolderScope;
  /** null: never listed. */
  generation: FolderGeneration | null;
}

export interface FolderGeneration {
  id: number;
  uidValidity: string;
  /** The cursor; null until the first listing has been written. */
  uidNext: number | null;
  modseq: string | null;
  exists: number | null;
  historyBelow: number;
  historyDone: boolean;
  /** Hours are enough: when all UIDs, or all flags, were last compared. */
  listedAt: Date | null;
  flagsCheckedAt: Date | null;
}

interface FolderRow {
  folder_id: string;
  path: string;
  gen_id: number | null;
  uidvalidity: string | null;
  uidnext: string | null;
  modseq: string | null;
  exists_count: number | null;
  history_below: number | null;
  history_done_at: Date | null;
  listed_at: Date | null;
  flags_checked_at: Date | null;
}

/**
 * Makes the folder rows agree with a listing of the server, and returns those that it shows, with their cursors.
 * A folder that is no longer listed is `gone`: its placements end, its messages stay. Second run: no change.
 */
export async function reconcileFolders(
  db: Database,
  source: FencedSource & { policy: Policy },
  listed: ListedFolder[],
): Promise<KnownFolder[]> {
  return db.inTenant(source.tenantId, async (sql) => {
    const before = await currentFolders(sql, source);
    if (differs(before, listed, source.policy)) {
      await lockSource(sql, source);
      await retireGone(sql, source, { before, listed });
      await reopenFolders(sql, source, { before, listed });
      await upsertFolders(sql, source, listed);
    }
    const scopes = new Map(listed.map((folder) => [folder.path, scopeIn(folder, source.policy)]));
    const rows = await folderRows(sql, source);
    return rows.flatMap((row): KnownFolder[] => {
      const scope = scopes.get(row.path);
      return scope === undefined
        ? []
        : [{ folderId: row.folder_id, path: row.path, scope, generation: generationOf(row) }];
    });
  });
}

function scopeIn(folder: ListedFolder, policy: Policy): FolderScope {
  return folder.selectable ? scopeOf(folder, policy.folders) : 'ignore';
}

interface FolderState {
  id: string;
  path: string;
  role: string | null;
  in_scope: boolean;
}

function currentFolders(sql: Sql, source: FencedSource): Promise<FolderState[]> {
  return sql.query<FolderState>(
    'SELECT id, path, role, in_scope FROM folder WHERE tenant_id = $1 AND source_id = $2 AND gone_at IS NULL',
    [source.tenantId, source.sourceId],
  );
}

function differs(before: FolderState[], listed: ListedFolder[], policy: Policy): boolean {
  if (before.length !== listed.length) return true;
  const byPath = new Map(before.map((folder) => [folder.path, folder]));
  return listed.some((folder) => {
    const row = byPath.get(folder.path);
    return row?.role !== folder.role || row.in_scope !== (scopeIn(folder, policy) === 'fetch');
  });
}

async function retireGone(
  sql: Sql,
  source: FencedSource,
  folders: { before: FolderState[]; listed: ListedFolder[] },
): Promise<void> {
  const shown = new Set(folders.listed.map((folder) => folder.path));
  const gone = folders.before.filter((folder) => !shown.has(folder.path)).map((folder) => folder.id);
  if (gone.length === 0) return;
  const values = [source.tenantId, gone];
  await sql.execute(
    `UPDATE placement SET presence = 2, presence_at = now() WHERE presence = 1 AND gen_id IN
       (SELECT id FROM folder_generation WHERE tenant_id = $1 AND folder_id = ANY ($2::uuid[]) AND retired_at IS NULL)`,
    values,
  );
  await sql.execute(
    'UPDATE folder_generation SET retired_at = now() WHERE tenant_id = $1 AND folder_id = ANY ($2::uuid[]) AND retired_at IS NULL',
    values,
  );
  await sql.execute('UPDATE folder SET gone_at = now() WHERE tenant_id = $1 AND id = ANY ($2::uuid[])', values);
}

/** A folder that comes into scope is divided anew, as at its first listing: its rows `folder-role` say nothing about the start point. */
async function reopenFolders(
  sql: Sql,
  source: FencedSource & { policy: Policy },
  folders: { before: FolderState[]; listed: ListedFolder[] },
): Promise<void> {
  const wanted = new Set(
    folders.listed.filter((folder) => scopeIn(folder, source.policy) === 'fetch').map(({ path }) => path),
  );
  const entering = folders.before.filter((folder) => !folder.in_scope && wanted.has(folder.path)).map(({ id }) => id);
  if (entering.length === 0) return;
  await sql.execute(
    `UPDATE folder_generation SET listed_at = NULL, uidnext = NULL
     WHERE tenant_id = $1 AND folder_id = ANY ($2::uuid[]) AND retired_at IS NULL`,
    [source.tenantId, entering],
  );
}

async function upsertFolders(
  sql: Sql,
  source: FencedSource & { policy: Policy },
  listed: ListedFolder[],
): Promise<void> {
  await insertRows(
    sql,
    {
      table: 'folder',
      columns: {
        tenant_id: 'uuid',
        id: 'uuid',
        source_id: 'uuid',
        path: 'text',
        role: 'text',
        in_scope: 'boolean',
      },
      onConflict: `ON CONFLICT (tenant_id, source_id, path) WHERE gone_at IS NULL
        DO UPDATE SET role = excluded.role, in_scope = excluded.in_scope`,
    },
    listed.map((folder) => ({
      tenant_id: source.tenantId,
      id: newUuid(),
      source_id: source.sourceId,
      path: folder.path,
      role: folder.role,
      in_scope: scopeIn(folder, source.policy) === 'fetch',
    })),
  );
}

const generationColumns = `g.id AS gen_id, g.uidvalidity, g.uidnext, g.modseq, g.exists_count, g.history_below, g.history_done_at,
  g.listed_at, g.flags_checked_at`;

function folderRows(sql: Sql, source: FencedSource): Promise<FolderRow[]> {
  return sql.query<FolderRow>(
    `SELECT f.id AS folder_id, f.path, ${generationColumns}
     FROM folder f LEFT JOIN folder_generation g ON g.tenant_id = f.tenant_id AND g.folder_id = f.id AND g.retired_at IS NULL
     WHERE f.tenant_id = $1 AND f.source_id = $2 AND f.gone_at IS NULL ORDER BY f.path`,
    [source.tenantId, source.sourceId],
  );
}

/** The folders whose history the import still has to fetch, smallest first so that most folders are whole soon. */
export async function foldersWithHistory(
  db: Database,
  source: FencedSource,
): Promise<{ folderId: string; path: string; generation: FolderGeneration }[]> {
  const rows = await db.inTenant(source.tenantId, (sql) =>
    sql.query<FolderRow>(
      `SELECT f.id AS folder_id, f.path, ${generationColumns}
       FROM folder_generation g JOIN folder f ON f.tenant_id = g.tenant_id AND f.id = g.folder_id
       WHERE g.tenant_id = $1 AND g.source_id = $2 AND g.retired_at IS NULL AND g.history_done_at IS NULL
         AND g.uidnext IS NOT NULL AND f.in_scope
       ORDER BY g.history_total, g.id`,
      [source.tenantId, source.sourceId],
    ),
  );
  return rows.flatMap((row) => {
    const generation = generationOf(row);
    return generation === null ? [] : [{ folderId: row.folder_id, path: row.path, generation }];
  });
}

function generationOf(row: FolderRow): FolderGeneration | null {
  if (row.gen_id === null || row.uidvalidity === null) return null;
  return {
    id: row.gen_id,
    uidValidity: row.uidvalidity,
    uidNext: row.uidnext === null ? null : Number(row.uidnext),
    modseq: row.modseq,
    exists: row.exists_count,
    historyBelow: row.history_below ?? 0,
    historyDone: row.history_done_at !== null,
    listedAt: row.listed_at,
    flagsCheckedAt: row.flags_checked_at,
  };
}
