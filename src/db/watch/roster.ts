import type { ListedFolder } from '../../domain/folder';
import type { StoredFolder } from '../../domain/folder-news';
import type { MailboxState } from '../../domain/mailbox-state';
import { shardCount, shardOf } from '../../domain/shard';
import type { Database } from '../database';

/** A mailbox that is to be watched, as far as its watcher must notice a change. */
export interface RosterMailbox {
  tenantId: string;
  mailboxId: string;
  shard: number;
  host: string;
  state: MailboxState;
  refreshSeconds: number;
  /** Changes with host, user name or password. */
  accessVersion: string;
  /** Changes with the folders in scope. */
  scopeVersion: string;
  /** Milliseconds since the epoch, by the database's clock. */
  lastSuccessAt: number;
}

interface Row {
  tenant_id: string;
  id: string;
  host: string;
  state: MailboxState;
  refresh_seconds: number;
  access_version: string;
  scope_version: string;
  last_success_at: Date;
}

/**
 * The mailboxes of these shards that are to be watched, of all tenants: one statement over an index, cheap enough for every other second.
 * One that never had a round is not among them: all of it is news, and which folders it has is not known yet.
 */
export async function readRoster(db: Database, shards: readonly number[]): Promise<RosterMailbox[]> {
  if (shards.length === 0) return [];
  const rows = await db.acrossTenants((sql) =>
    sql.query<Row>(
      `SELECT s.tenant_id, s.id, m.imap->>'host' AS host, m.state, (s.policy->>'refreshSeconds')::integer AS refresh_seconds,
              md5(m.secret || convert_to(m.imap::text || m.username, 'UTF8')) AS access_version,
              md5((s.policy->'folders')::text) AS scope_version, m.last_success_at
       FROM source s JOIN mailbox m ON m.tenant_id = s.tenant_id AND m.source_id = s.id
       WHERE s.kind = 'mailbox' AND s.deleted_at IS NULL AND s.desired_state = 'running' AND m.last_success_at IS NOT NULL
         AND right(s.id::text, 1) = ANY ($1::text[])`,
      [shards.map((shard) => shard.toString(shardCount))],
    ),
  );
  return rows.map((row) => ({
    tenantId: row.tenant_id,
    mailboxId: row.id,
    shard: shardOf(row.id),
    host: row.host.toLowerCase(),
    state: row.state,
    refreshSeconds: row.refresh_seconds,
    accessVersion: row.access_version,
    scopeVersion: row.scope_version,
    lastSuccessAt: row.last_success_at.getTime(),
  }));
}

interface FolderRow {
  path: string;
  role: ListedFolder['role'];
  in_scope: boolean;
  uidvalidity: string | null;
  uidnext: string | null;
  modseq: string | null;
  exists_count: number | null;
}

/** The folders of a mailbox as the ledger has them, by path. OFFSET 0 as in ingest/folder-read.ts. */
export async function storedFolders(
  db: Database,
  ref: { tenantId: string; mailboxId: string },
): Promise<StoredFolder[]> {
  const rows = await db.inTenant(ref.tenantId, (sql) =>
    sql.query<FolderRow>(
      `SELECT f.path, f.role, f.in_scope, g.uidvalidity::text AS uidvalidity, g.uidnext::text AS uidnext, g.modseq::text AS modseq, g.exists_count
       FROM folder f LEFT JOIN LATERAL (
         SELECT * FROM folder_generation WHERE tenant_id = f.tenant_id AND folder_id = f.id AND retired_at IS NULL OFFSET 0
       ) AS g ON true
       WHERE f.tenant_id = $1 AND f.source_id = $2 AND f.gone_at IS NULL ORDER BY f.path COLLATE "C"`,
      [ref.tenantId, ref.mailboxId],
    ),
  );
  return rows.map((row) => ({ path: row.path, role: row.role, inScope: row.in_scope, cursor: cursorOf(row) }));
}

function cursorOf(row: FolderRow): StoredFolder['cursor'] {
  if (row.uidvalidity === null || row.uidnext === null) return null;
  const { uidvalidity: uidValidity, modseq, exists_count: messages } = row;
  return { uidValidity, uidNext: Number(row.uidnext), modseq, messages };
}
