import type { Sql } from './database';
import { principalsOf, type Reader } from './timeline-read';

/**
 * Whether a reader may see a record: everybody where it is not restricted, else the tenant and those in its scope. `record` is the name of its
 * row in a statement, `principals` an expression of all the reader's.
 */
export function maySee(record: string, principals: string): string {
  return `(NOT ${record}.restricted OR -1 = ANY (${principals}::integer[]) OR EXISTS (
    SELECT FROM record_scope seen_by WHERE seen_by.tenant_id = ${record}.tenant_id AND seen_by.record_id = ${record}.id
      AND seen_by.principal = ANY (${principals}::integer[])))`;
}

/** Whether there is a record with this id, not deleted, whose mail the reader may see where it stands. */
export async function readsRecord(sql: Sql, reader: Reader, recordId: string): Promise<boolean> {
  const rows = await sql.query(
    `SELECT FROM record r WHERE r.tenant_id = $1 AND r.id = $2 AND r.deleted_at IS NULL AND ${maySee('r', '$3')}`,
    [reader.tenantId, recordId, principalsOf(reader)],
  );
  return rows.length > 0;
}
