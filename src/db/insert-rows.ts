import type { Sql } from './database';

/** The columns of a table that are written, with their types, in the order of the statement. */
export type Columns = Record<string, string>;

/**
 * Writes rows in one statement (schema: set-based, never one statement a row). Bytes are given as `\x` hex, times as ISO text.
 * `onConflict` is the rest of the statement, e.g. `ON CONFLICT DO NOTHING`.
 */
export async function insertRows<Table extends Columns>(
  sql: Sql,
  into: { table: string; columns: Table; onConflict?: string },
  rows: Record<keyof Table, unknown>[],
): Promise<number> {
  if (rows.length === 0) return 0;
  const names = Object.keys(into.columns);
  const list = names.join(', ');
  const typed = names.map((name) => `${name} ${into.columns[name] ?? ''}`).join(', ');
  return sql.execute(
    `INSERT INTO ${into.table} (${list}) SELECT ${list} FROM json_to_recordset($1::json) AS row(${typed}) ${into.onConflict ?? ''}`,
    [JSON.stringify(rows)],
  );
}

/** bytea in a row for `insertRows`. */
export function hexOf(bytes: Uint8Array): string {
  return `\\x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')}`;
}
