import type { Database } from '../../database';
import { noteStep } from '../steps';
import type { CascadeRef } from './cascades';

const rowsPerTransaction = 5_000;

/** Deletes the next rows of a table in a transaction of its own, and counts them. Second run: the next ones. Returns how many. */
export async function deleteSome(
  db: Database,
  cascade: CascadeRef,
  from: { table: string; column: string; value: string },
): Promise<number> {
  const { tenantId } = cascade;
  return db.inTenant(tenantId, async (sql) => {
    const rows = await sql.execute(
      `DELETE FROM "${from.table}" WHERE tenant_id = $1 AND ctid = ANY (ARRAY(
         SELECT ctid FROM "${from.table}" WHERE tenant_id = $1 AND "${from.column}" = $2 LIMIT ${String(rowsPerTransaction)}))`,
      [tenantId, from.value],
    );
    if (rows > 0) await noteStep(sql, cascade, { counts: { [from.table]: rows } });
    return rows;
  });
}
