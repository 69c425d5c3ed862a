import type { UidRanges } from '../../domain/uid-set';
import type { Database } from '../database';

/** The UIDs of a generation by what their ledger rows say of a message that the server shows, as ranges. */
export interface RowRanges {
  /** Live, and a copy stands for it. */
  carried: UidRanges;
  /** A copy stands for it, and it has ended. */
  ended: UidRanges;
  /** No copy stands for it; by what it can be told from others is known. */
  described: UidRanges;
  all: UidRanges;
}

const conditions: Record<keyof RowRanges, string> = {
  carried: 'presence = 1 AND copy_id IS NOT NULL',
  ended: 'presence <> 1 AND copy_id IS NOT NULL',
  described: 'copy_id IS NULL AND (message_id_hash IS NOT NULL OR size > 0 AND internal_date IS NOT NULL)',
  all: 'true',
};

/** All rows of a generation. */
export async function rowRanges(db: Database, tenantId: string, genId: number): Promise<RowRanges> {
  // Gaps and islands: rows whose UID grows in step with their number are one range.
  const ranges = (condition: string) =>
    db.inTenant(tenantId, (sql) =>
      sql.query<{ from: number; to: number }>(
        `SELECT min(uid) AS "from", max(uid) AS "to" FROM (
           SELECT uid, uid - row_number() OVER (ORDER BY uid) AS island FROM placement WHERE gen_id = $1 AND ${condition}
         ) AS numbered GROUP BY island ORDER BY 1`,
        [genId],
      ),
    );
  return {
    carried: await ranges(conditions.carried),
    ended: await ranges(conditions.ended),
    described: await ranges(conditions.described),
    all: await ranges(conditions.all),
  };
}
