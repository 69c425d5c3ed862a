import type { StoredFolder } from '../../domain/folder-news';
import type { FolderScope } from '../../domain/policy';
import type { Database, Sql } from '../database';

/** A folder with its cursor, as a round finds it. */
export interface KnownFolder {
  folderId: string;
  path: string;
  scope: FolderScope;
  /** MAILBOXID (RFC 8474), where the server has said it. */
  mailboxId: string | null;
  /** null: never listed, or no folder that holds messages any more. */
  generation: FolderGeneration | null;
}

export interface FolderGeneration {
  id: number;
  uidValidity: string;
  /** The cursor; null until the first listing has been written, and again when the folder comes back into scope. */
  uidNext: number | null;
  modseq: string | null;
  exists: number | null;
  historyBelow: number;
  historyDone: boolean;
  /** The listing alone does not show all of it. */
  inParts: boolean;
  /** Audits have compared who the messages are up to this UID. */
  identityUid: number;
  /** The cursor stands for the ledger: its live rows below `uidNext` were all that the server had, and `exists` in number. */
  isExact: boolean;
  /** Hours are enough: when all UIDs, or all flags, were last compared. */
  listedAt: Date | null;
  flagsCheckedAt: Date | null;
}

/** A folder as the database has it, before a listing is compared with it. */
export interface FolderOnRecord {
  folderId: string;
  path: string;
  role: string | null;
  inScope: boolean;
  mailboxId: string | null;
  generation: FolderGeneration | null;
  /** It has no generation, and has had one that was retired. */
  hadMessages: boolean;
}

interface FolderRow {
  had_messages: boolean;
  folder_id: string;
  path: string;
  role: string | null;
  in_scope: boolean;
  mailbox_object_id: string | null;
  gen_id: number | null;
  uidvalidity: string | null;
  uidnext: string | null;
  modseq: string | null;
  exists_count: number | null;
  history_below: number | null;
  history_done_at: Date | null;
  in_parts: boolean | null;
  identity_uid: number | null;
  is_exact: boolean | null;
  listed_at: Date | null;
  flags_checked_at: Date | null;
}

const columns = `f.id AS folder_id, f.path, f.role, f.in_scope, f.mailbox_object_id, g.id AS gen_id, g.uidvalidity, g.uidnext, g.modseq,
  g.exists_count, g.history_below, g.history_done_at, g.in_parts, g.identity_uid, g.listed_at, g.flags_checked_at, g.is_exact,
  g.id IS NULL AND EXISTS (SELECT FROM folder_generation r WHERE r.tenant_id = f.tenant_id AND r.folder_id = f.id AND r.retired_at IS NOT NULL OFFSET 0) AS had_messages`;

interface OfSource {
  tenantId: string;
  sourceId: string;
}

/**
 * All folders of a source that are not gone, by path, with their current generations. Each is looked up by its key (OFFSET 0): a plan that
 * is made for whatever tenant would read the generations of all mailboxes.
 */
export async function foldersOnRecord(sql: Sql, source: OfSource): Promise<FolderOnRecord[]> {
  const rows = await sql.query<FolderRow>(
    `SELECT ${columns}
     FROM folder f LEFT JOIN LATERAL (
       SELECT * FROM folder_generation WHERE tenant_id = f.tenant_id AND folder_id = f.id AND retired_at IS NULL OFFSET 0
     ) AS g ON true
     WHERE f.tenant_id = $1 AND f.source_id = $2 AND f.gone_at IS NULL ORDER BY f.path`,
    [source.tenantId, source.sourceId],
  );
  return rows.map(onRecord);
}

/**
 * Folders that are gone, or hold no messages any more, each with a generation that was retired and has one of these UIDVALIDITYs, the
 * last first: what a folder that appears may have been before.
 */
export async function retiredFolders(
  db: Database,
  source: OfSource,
  uidValidities: string[],
): Promise<FolderOnRecord[]> {
  const rows = await db.inTenant(source.tenantId, (sql) =>
    sql.query<FolderRow>(
      `SELECT ${columns}
       FROM folder_generation g JOIN folder f ON f.tenant_id = g.tenant_id AND f.id = g.folder_id
       WHERE g.tenant_id = $1 AND g.source_id = $2 AND g.retired_at IS NOT NULL AND g.uidvalidity = ANY ($3::numeric[])
         AND NOT EXISTS (SELECT FROM folder_generation c
                         WHERE c.tenant_id = g.tenant_id AND c.folder_id = g.folder_id AND c.retired_at IS NULL)
       ORDER BY g.retired_at DESC`,
      [source.tenantId, source.sourceId, uidValidities],
    ),
  );
  return rows.map(onRecord);
}

/** Whether the import still has to fetch history of a folder. */
export function hasHistory({ generation, inScope }: FolderOnRecord): boolean {
  return inScope && generation?.uidNext != null && !generation.historyDone;
}

/** What a listing is compared with, to see whether the ledger is behind it. */
export function storedFolderOf({ path, role, inScope, generation }: FolderOnRecord): StoredFolder {
  const uidNext = generation?.uidNext ?? null;
  const cursor =
    generation === null || uidNext === null ? null : { ...generation, uidNext, messages: generation.exists };
  return { path, role: role as StoredFolder['role'], inScope, cursor };
}

/** The folders whose history the import still has to fetch, smallest first so that most folders are whole soon. */
export async function foldersWithHistory(
  db: Database,
  source: OfSource,
): Promise<{ folderId: string; path: string; generation: FolderGeneration }[]> {
  const rows = await db.inTenant(source.tenantId, (sql) =>
    sql.query<FolderRow>(
      `SELECT ${columns}
       FROM folder_generation g JOIN folder f ON f.tenant_id = g.tenant_id AND f.id = g.folder_id
       WHERE g.tenant_id = $1 AND g.source_id = $2 AND g.retired_at IS NULL AND g.history_done_at IS NULL
         AND g.uidnext IS NOT NULL AND f.in_scope
       ORDER BY g.history_total, g.id`,
      [source.tenantId, source.sourceId],
    ),
  );
  return rows.flatMap((row) => {
    const { folderId, path, generation } = onRecord(row);
    return generation === null ? [] : [{ folderId, path, generation }];
  });
}

/** What is known of some messages of a generation without their bytes: enough to tell whether a folder is the one it was. */
export interface KnownIdentity {
  uid: number;
  size: number;
  internalDate: Date;
  providerId: string | null;
}

/** At most so many of these UIDs, the newest, whose size and date are known. Big ones have another size than the server says. */
export async function identitiesOf(
  db: Database,
  tenantId: string,
  of: { genId: number; uids: number[]; most: number },
): Promise<KnownIdentity[]> {
  const rows = await db.inTenant(tenantId, (sql) =>
    sql.query<{ uid: number; size: string; internal_date: Date; provider_id: string | null }>(
      `SELECT p.uid, p.size, p.internal_date, c.provider_id
       FROM placement p LEFT JOIN copy c ON c.tenant_id = p.tenant_id AND c.id = p.copy_id
       WHERE p.gen_id = $1 AND p.uid = ANY ($2::bigint[]) AND p.size BETWEEN 1 AND 8388608 AND p.internal_date IS NOT NULL
       ORDER BY p.uid DESC LIMIT $3`,
      [of.genId, of.uids, of.most],
    ),
  );
  return rows.map((row) => ({
    uid: row.uid,
    size: Number(row.size),
    internalDate: row.internal_date,
    providerId: row.provider_id,
  }));
}

/** Whether a generation has a row under this UID or a higher one, whatever has become of it. */
export async function hasRowFrom(
  db: Database,
  tenantId: string,
  from: { genId: number; uid: number },
): Promise<boolean> {
  const rows = await db.inTenant(tenantId, (sql) =>
    sql.query('SELECT FROM placement WHERE gen_id = $1 AND uid >= $2 LIMIT 1', [from.genId, from.uid]),
  );
  return rows.length > 0;
}

/** The newest generation of a folder that was retired with this UIDVALIDITY; null where there is none. */
export async function retiredGeneration(
  db: Database,
  tenantId: string,
  of: { folderId: string; uidValidity: string },
): Promise<{ id: number; uidNext: number | null } | null> {
  const [row] = await db.inTenant(tenantId, (sql) =>
    sql.query<{ id: number; uidnext: string | null }>(
      `SELECT id, uidnext FROM folder_generation
       WHERE tenant_id = $1 AND folder_id = $2 AND uidvalidity = $3 AND retired_at IS NOT NULL ORDER BY retired_at DESC LIMIT 1`,
      [tenantId, of.folderId, of.uidValidity],
    ),
  );
  return row === undefined ? null : { id: row.id, uidNext: row.uidnext === null ? null : Number(row.uidnext) };
}

function onRecord(row: FolderRow): FolderOnRecord {
  return {
    folderId: row.folder_id,
    path: row.path,
    role: row.role,
    inScope: row.in_scope,
    mailboxId: row.mailbox_object_id,
    generation: generationOf(row),
    hadMessages: row.had_messages,
  };
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
    isExact: row.is_exact === true,
    inParts: row.in_parts ?? false,
    identityUid: row.identity_uid ?? 0,
    listedAt: row.listed_at,
    flagsCheckedAt: row.flags_checked_at,
  };
}
