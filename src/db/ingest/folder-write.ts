import type { ListedFolder } from '../../domain/folder';
import { scopeOf, type FolderScope, type Policy } from '../../domain/policy';
import type { Database, Sql } from '../database';
import { insertRows } from '../insert-rows';
import { newUuid } from '../new-id';
import { foldersOnRecord, type FolderOnRecord, type KnownFolder } from './folder-read';
import { writeOutbox } from './outbox-write';
import { endImportWithoutHistory, leaveHistory, retireGenerations } from './retire-generations';
import { lockSource, type FencedSource } from './source-lock';
import { planAudit } from '../sync/plan-audit';

/** What has become of folders that a listing no longer shows as they were. */
export interface FolderChanges {
  /** The same folder under another name; `again` is its generation where that had been retired. */
  renamed: { folderId: string; path: string; again: number | null }[];
  /** Folders that are proven to be no more. */
  gone: string[];
  /** Folders that are still there and hold no messages any more (\Noselect). */
  closed: string[];
}

/**
 * Makes the folder rows agree with a listing of the server, and returns those that it shows, with their cursors. A folder that is not
 * listed stays as it is, unless `changes` says what has become of it: one that is gone or closed keeps its rows and messages, and its
 * placements end. Second run: no change.
 */
export async function reconcileFolders(
  db: Database,
  source: FencedSource & { policy: Policy },
  seen: { listed: ListedFolder[]; changes?: FolderChanges },
): Promise<KnownFolder[]> {
  const { listed, changes } = seen;
  return db.inTenant(source.tenantId, async (sql) => {
    if (changes !== undefined && differsBy(changes)) {
      const { nextSeq } = await lockSource(sql, source);
      await applyChanges(sql, source, { nextSeq, changes });
    }
    const before = await foldersOnRecord(sql, source);
    if (differs(before, listed, source.policy)) {
      await lockSource(sql, source);
      await takeUpAgain(sql, source, { before, listed });
      await reopenFolders(sql, source, { before, listed });
      await leaveHistory(sql, source, leavingFolders(source, { before, listed }));
      await upsertFolders(sql, source, listed);
      await endImportWithoutHistory(sql, source);
    }
    return shownFolders(await foldersOnRecord(sql, source), listed, source.policy);
  });
}

/** Whether rows and listing agree, so that nothing is to be written. */
export function agree(onRecord: FolderOnRecord[], listed: ListedFolder[], policy: Policy): boolean {
  return !differs(onRecord, listed, policy);
}

/** The folders of a listing as they are on record. */
export function shownFolders(onRecord: FolderOnRecord[], listed: ListedFolder[], policy: Policy): KnownFolder[] {
  const scopes = new Map(listed.map((folder) => [folder.path, scopeIn(folder, policy)]));
  return onRecord.flatMap(({ folderId, path, mailboxId, generation }): KnownFolder[] => {
    const scope = scopes.get(path);
    return scope === undefined ? [] : [{ folderId, path, scope, mailboxId, generation }];
  });
}

function scopeIn(folder: ListedFolder, policy: Policy): FolderScope {
  return folder.selectable ? scopeOf(folder, policy.folders) : 'ignore';
}

function differsBy({ renamed, gone, closed }: FolderChanges): boolean {
  return renamed.length + gone.length + closed.length > 0;
}

function differs(before: FolderOnRecord[], listed: ListedFolder[], policy: Policy): boolean {
  const byPath = new Map(before.map((folder) => [folder.path, folder]));
  return listed.some((folder) => {
    const row = byPath.get(folder.path);
    return row?.role !== folder.role || row.inScope !== (scopeIn(folder, policy) === 'fetch');
  });
}

async function applyChanges(
  sql: Sql,
  source: FencedSource,
  { nextSeq, changes }: { nextSeq: number; changes: FolderChanges },
): Promise<void> {
  const { renamed, gone, closed } = changes;
  const events = await retireGenerations(sql, source, [...gone, ...closed]);
  await writeOutbox(sql, source, { nextSeq, events });
  // Two folders may have changed names: none of them has one until all are free.
  await sql.execute(
    'UPDATE folder SET gone_at = now() WHERE tenant_id = $1 AND id = ANY ($2::uuid[]) AND gone_at IS NULL',
    [source.tenantId, [...gone, ...renamed.map(({ folderId }) => folderId)]],
  );
  await giveUpNames(sql, source, renamed);
  await sql.execute(
    `UPDATE folder f SET path = r.path, gone_at = NULL FROM unnest($2::uuid[], $3::text[]) AS r(id, path)
     WHERE f.tenant_id = $1 AND f.id = r.id`,
    [source.tenantId, renamed.map(({ folderId }) => folderId), renamed.map(({ path }) => path)],
  );
  await sql.execute(
    `UPDATE folder_generation SET retired_at = NULL, listed_at = NULL, uidnext = NULL, audited_at = NULL
     WHERE tenant_id = $1 AND id = ANY ($2::bigint[]) AND retired_at IS NOT NULL`,
    [source.tenantId, renamed.flatMap(({ again }) => (again === null ? [] : [again]))],
  );
  await endImportWithoutHistory(sql, source);
}

/** A folder that never held messages of ours stands aside for one that has taken its name. */
async function giveUpNames(sql: Sql, source: FencedSource, renamed: FolderChanges['renamed']): Promise<void> {
  await sql.execute(
    `UPDATE folder f SET gone_at = now() WHERE tenant_id = $1 AND source_id = $2 AND path = ANY ($3::text[]) AND gone_at IS NULL
       AND NOT EXISTS (SELECT FROM folder_generation g WHERE g.tenant_id = f.tenant_id AND g.folder_id = f.id AND g.retired_at IS NULL)`,
    [source.tenantId, source.sourceId, renamed.map(({ path }) => path)],
  );
}

/** A folder that was gone and is listed again under its name is the row it was, so that its generation can be recognised. */
async function takeUpAgain(
  sql: Sql,
  source: FencedSource,
  { before, listed }: { before: FolderOnRecord[]; listed: ListedFolder[] },
): Promise<void> {
  const known = new Set(before.map(({ path }) => path));
  const appeared = listed.map(({ path }) => path).filter((path) => !known.has(path));
  if (appeared.length === 0) return;
  await sql.execute(
    `UPDATE folder SET gone_at = NULL WHERE tenant_id = $1 AND id IN (
       SELECT DISTINCT ON (path) id FROM folder f WHERE tenant_id = $1 AND source_id = $2 AND path = ANY ($3::text[])
         AND gone_at IS NOT NULL AND NOT EXISTS (
           SELECT FROM folder c WHERE c.tenant_id = $1 AND c.source_id = $2 AND c.path = f.path AND c.gone_at IS NULL)
       ORDER BY path, gone_at DESC)`,
    [source.tenantId, source.sourceId, appeared],
  );
}

/**
 * A folder that comes into scope is divided anew, as at its first listing: its rows `folder-role` say nothing about the start point, and
 * what has come and gone while nobody looked is compared.
 */
async function reopenFolders(
  sql: Sql,
  source: FencedSource & { policy: Policy },
  folders: { before: FolderOnRecord[]; listed: ListedFolder[] },
): Promise<void> {
  const wanted = new Set(
    folders.listed.filter((folder) => scopeIn(folder, source.policy) === 'fetch').map(({ path }) => path),
  );
  const entering = folders.before.filter(({ inScope, path }) => !inScope && wanted.has(path));
  if (entering.length === 0) return;
  await sql.execute(
    `UPDATE folder_generation SET listed_at = NULL, uidnext = NULL, audited_at = NULL
     WHERE tenant_id = $1 AND folder_id = ANY ($2::uuid[]) AND retired_at IS NULL`,
    [source.tenantId, entering.map(({ folderId }) => folderId)],
  );
  await planAudit(sql, source, 'in-its-turn');
}

/** Those that are shown and no longer fetched. */
function leavingFolders(
  { policy }: { policy: Policy },
  { before, listed }: { before: FolderOnRecord[]; listed: ListedFolder[] },
): string[] {
  const unwanted = new Set(listed.filter((folder) => scopeIn(folder, policy) !== 'fetch').map(({ path }) => path));
  return before.flatMap(({ folderId, inScope, path }) => (inScope && unwanted.has(path) ? [folderId] : []));
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
