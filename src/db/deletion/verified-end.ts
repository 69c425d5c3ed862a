import type { Database, Sql } from '../database';
import type { DeletionRef, DeletionReport } from './deletions';

/** How a deletion ended, or what it does not know how to delete. */
export type DeletionEnd =
  { kind: 'done'; report: DeletionReport } | { kind: 'rows-left'; tables: Record<string, number> };

type Ref = Pick<DeletionRef, 'tenantId' | 'deletionId'>;

/** A whole-table count may take longer than a statement usually may. */
const verifyTimeoutMs = 1_800_000;

/** Rows are left after all; nothing of the transaction is kept. */
class RowsLeft extends Error {
  override readonly name = 'RowsLeft';

  constructor(readonly tables: Record<string, number>) {
    super('rows are left of what was deleted');
  }
}

/**
 * Ends a deletion in two transactions: `look` counts what is left, without a lock; `end` deletes the thing itself, counts again and writes
 * the report. Where either finds rows (`refuseRows`), nothing of its transaction is kept, and the deletion says which tables have them.
 */
export async function endVerified(
  db: Database,
  ref: Ref,
  work: { look: (sql: Sql) => Promise<Record<string, number>>; end: (sql: Sql) => Promise<DeletionReport> },
): Promise<DeletionEnd> {
  await noteVerifying(db, ref);
  try {
    await inLongTransaction(db, ref, async (sql) => {
      refuseRows(await work.look(sql));
    });
    return { kind: 'done', report: await inLongTransaction(db, ref, work.end) };
  } catch (error) {
    if (!(error instanceof RowsLeft)) throw error;
    await noteRowsLeft(db, ref, error.tables);
    return { kind: 'rows-left', tables: error.tables };
  }
}

/** Ends the transaction where rows are left, by table. */
export function refuseRows(left: Record<string, number>): void {
  if (Object.keys(left).length > 0) throw new RowsLeft(left);
}

async function noteVerifying(db: Database, ref: Ref): Promise<void> {
  await db.inTenant(ref.tenantId, (sql) =>
    sql.execute(`UPDATE deletion SET state = 'verifying' WHERE tenant_id = $1 AND id = $2 AND state = 'deleting'`, [
      ref.tenantId,
      ref.deletionId,
    ]),
  );
}

function inLongTransaction<T>(db: Database, ref: Ref, work: (sql: Sql) => Promise<T>): Promise<T> {
  return db.inTenant(ref.tenantId, async (sql) => {
    // A table of somebody else's, without an index by what is counted, is read as a whole.
    await sql.execute(`SET LOCAL statement_timeout = ${String(verifyTimeoutMs)}`);
    return work(sql);
  });
}

async function noteRowsLeft(db: Database, ref: Ref, tables: Record<string, number>): Promise<void> {
  await db.inTenant(ref.tenantId, (sql) =>
    sql.execute(
      `UPDATE deletion SET error = jsonb_build_object('code', 'rows-left', 'tables', $3::jsonb) WHERE tenant_id = $1 AND id = $2`,
      [ref.tenantId, ref.deletionId, JSON.stringify(tables)],
    ),
  );
}
