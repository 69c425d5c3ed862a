import type { UidRanges } from '../../domain/uid-set';
import type { Database } from '../database';

/**
 * The UIDs of a generation that have a ledger row, as ranges. Where the folder is fetched, rows that only say `filtered: folder-role`
 * or `filtered: removed` do not count: what the server shows of them is fetched now.
 */
export async function ledgerRanges(
  db: Database,
  tenantId: string,
  folder: { genId: number; scope: 'fetch' | 'ledger-only' },
): Promise<UidRanges> {
  const counted = folder.scope === 'fetch' ? `AND NOT (outcome = 3 AND reason IN ('folder-role', 'removed'))` : '';
  return rangesWhere(db, tenantId, { genId: folder.genId, condition: counted });
}

/** The UIDs of a generation that were on the server when it was last looked at, as ranges. */
export async function liveRanges(db: Database, tenantId: string, genId: number): Promise<UidRanges> {
  return rangesWhere(db, tenantId, { genId, condition: 'AND presence = 1' });
}

/** The UIDs of a generation that were on the server when it was last looked at and that a copy stands for, as ranges. */
export async function carriedRanges(db: Database, tenantId: string, genId: number): Promise<UidRanges> {
  return rangesWhere(db, tenantId, { genId, condition: 'AND presence = 1 AND copy_id IS NOT NULL' });
}

/** Gaps and islands: rows whose UID grows in step with their number are one range. */
async function rangesWhere(
  db: Database,
  tenantId: string,
  rows: { genId: number; condition: string },
): Promise<UidRanges> {
  return db.preparedInTenant(tenantId, (sql) =>
    sql.query<{ from: number; to: number }>(
      `SELECT min(uid) AS "from", max(uid) AS "to" FROM (
         SELECT uid, uid - row_number() OVER (ORDER BY uid) AS island FROM placement WHERE gen_id = $1 ${rows.condition}
       ) AS numbered GROUP BY island ORDER BY 1`,
      [rows.genId],
    ),
  );
}
