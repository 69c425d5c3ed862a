import type { FolderRole } from '../domain/folder';
import type { LedgerOfFolder, ScopedFolder } from '../domain/policy-effects';
import type { Sql } from './database';

interface MailboxRef {
  tenantId: string;
  mailboxId: string;
}

/** The folders of a mailbox as the last listing left them, by path. OFFSET 0 as in ingest/folder-read.ts. */
export function scopedFolders(sql: Sql, { tenantId, mailboxId }: MailboxRef): Promise<ScopedFolder[]> {
  return sql.query<ScopedFolder & { role: FolderRole | null }>(
    `SELECT f.path, f.role, f.in_scope AS "inScope", g.id AS "genId"
     FROM folder f LEFT JOIN LATERAL (
       SELECT * FROM folder_generation WHERE tenant_id = f.tenant_id AND folder_id = f.id AND retired_at IS NULL OFFSET 0
     ) AS g ON true
     WHERE f.tenant_id = $1 AND f.source_id = $2 AND f.gone_at IS NULL ORDER BY f.path`,
    [tenantId, mailboxId],
  );
}

/** What the ledger holds of these folder generations; one without rows is absent. */
export async function ledgerOfFolders(
  sql: Sql,
  tenantId: string,
  genIds: number[],
): Promise<Map<number, LedgerOfFolder>> {
  const rows = await sql.query<LedgerOfFolder & { genId: number }>(
    `SELECT gen_id AS "genId", count(*) AS rows, count(*) FILTER (WHERE outcome = 2) AS recorded,
       count(*) FILTER (WHERE outcome = 3 AND reason = 'folder-role' AND presence = 1) AS "leftOut"
     FROM placement WHERE tenant_id = $1 AND gen_id = ANY ($2::bigint[]) GROUP BY gen_id`,
    [tenantId, genIds],
  );
  return new Map(rows.map(({ genId, ...ledger }) => [genId, ledger]));
}

/** How many messages of a mailbox are nowhere on its server any more: what `removals: mirror` would have to remove. */
export async function removedOnServer(sql: Sql, { tenantId, mailboxId }: MailboxRef): Promise<number> {
  const [row] = await sql.query<{ count: number }>(
    `SELECT count(*) FROM copy c WHERE c.tenant_id = $1 AND c.source_id = $2
       AND NOT EXISTS (SELECT FROM placement p WHERE p.copy_id = c.id AND p.presence = 1)`,
    [tenantId, mailboxId],
  );
  return row?.count ?? 0;
}
