import type { Database, Sql } from '../database';
import { newUuid } from '../new-id';

/** What an audit was made for. */
export type AuditCause = 'person' | 'import' | 'outage' | 'rewound' | 'unproven' | 'again' | 'daily';

export type FindingKind = 'missing' | 'extra' | 'ended-but-alive' | 'undelivered' | 'not-linked' | 'not-provable';

/** A difference that an audit found. */
export interface Finding {
  kind: FindingKind;
  reason: string | null;
  count: number;
  uids: number[];
}

/** How many UIDs are kept of a difference. */
export const uidsShown = 1_000;

interface OfFolder {
  tenantId: string;
  sourceId: string;
  /** null: the mailbox as a whole. */
  folderId: string | null;
  cause: AuditCause;
}

const noFolder = '00000000-0000-0000-0000-000000000000';

/**
 * Writes what an audit found of a folder: a difference that is there still has its one row, one that is there no more has healed.
 * Second run: the same.
 */
export async function writeFindings(sql: Sql, folder: OfFolder, found: Finding[]): Promise<void> {
  await sql.execute(
    `UPDATE audit_finding SET healed_at = now()
     WHERE tenant_id = $1 AND source_id = $2 AND coalesce(folder_id, $5) = coalesce($3::uuid, $5) AND healed_at IS NULL AND kind <> ALL ($4::text[])`,
    [folder.tenantId, folder.sourceId, folder.folderId, found.map(({ kind }) => kind), noFolder],
  );
  await addFindings(sql, folder, found);
}

/** The same for a folder that could not be looked at: nothing has healed. */
export async function addFindings(sql: Sql, folder: OfFolder, found: Finding[]): Promise<void> {
  for (const { kind, reason, count, uids } of found) {
    await sql.execute(
      `INSERT INTO audit_finding (tenant_id, id, source_id, folder_id, kind, cause, reason, count, uids)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
       ON CONFLICT (tenant_id, source_id, coalesce(folder_id, '${noFolder}'), kind) WHERE healed_at IS NULL
       DO UPDATE SET seen_at = now(), reason = excluded.reason, count = excluded.count, uids = excluded.uids`,
      [
        folder.tenantId,
        newUuid(),
        folder.sourceId,
        folder.folderId,
        kind,
        folder.cause,
        reason,
        count,
        uids.slice(0, uidsShown),
      ],
    );
  }
}

/** The UIDs of a folder that its last audit found without a row, or with the row of another message; at most 1,000. */
export async function uidsDoubted(db: Database, tenantId: string, genId: number): Promise<number[]> {
  const rows = await db.inTenant(tenantId, (sql) =>
    sql.query<{ uid: number }>(
      `SELECT unnest(a.missing) AS uid FROM folder_generation g
       JOIN folder_audit a ON a.tenant_id = g.tenant_id AND a.folder_id = g.folder_id WHERE g.tenant_id = $1 AND g.id = $2`,
      [tenantId, genId],
    ),
  );
  return rows.map(({ uid }) => uid);
}

/** Folders that are compared no more (gone, or out of scope) are no reason to call a mailbox incomplete. */
export async function dropUncompared(
  sql: Sql,
  source: { tenantId: string; sourceId: string },
  compared: string[],
): Promise<void> {
  const values = [source.tenantId, source.sourceId, compared];
  await sql.execute(
    `UPDATE audit_finding SET healed_at = now()
     WHERE tenant_id = $1 AND source_id = $2 AND folder_id <> ALL ($3::uuid[]) AND healed_at IS NULL`,
    values,
  );
  await sql.execute(
    'DELETE FROM folder_audit WHERE tenant_id = $1 AND source_id = $2 AND folder_id <> ALL ($3::uuid[])',
    values,
  );
}
