import type { Sql } from '../database';
import { uuidArray } from '../binary-array';

/** A table whose rows belong to a message, copy, thread or link, and go with it. */
export interface ChildTable {
  name: string;
  /** The column that holds the parent's id. */
  column: string;
}

/** The tables that belong to each of these, as the database itself knows them. */
export interface Catalogue {
  message: ChildTable[];
  copy: ChildTable[];
  thread: ChildTable[];
  link: ChildTable[];
}

/**
 * Reads which tables belong to messages, copies, threads and links: those with a column of that name. A table that is added later joins in
 * by its column, whether or not a foreign key holds it. `message` belongs to no thread in this sense, and what has a source of its own
 * is deleted by its source.
 */
export async function readCatalogue(sql: Sql): Promise<Catalogue> {
  const rows = await sql.query<ChildTable>(
    `SELECT c.relname AS name, a.attname AS column
     FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND NOT a.attisdropped
     JOIN pg_attribute t ON t.attrelid = c.oid AND t.attname = 'tenant_id' AND NOT t.attisdropped
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname <> 'message'
       AND a.attname IN ('message_id', 'copy_id', 'thread_id', 'link_id')
       AND NOT EXISTS (SELECT FROM pg_attribute s WHERE s.attrelid = c.oid AND s.attname = 'source_id' AND NOT s.attisdropped)
     ORDER BY 1`,
  );
  const of = (column: string) => rows.filter((row) => row.column === column);
  return { message: of('message_id'), copy: of('copy_id'), thread: of('thread_id'), link: of('link_id') };
}

/** Deletes the rows of a table that belong to these (ids, or an array as PostgreSQL writes it); how many. The names come from the catalogue. */
export function deleteChildren(
  sql: Sql,
  tenantId: string,
  from: { child: ChildTable; parentIds: string[] | string },
): Promise<number> {
  const { name, column } = from.child;
  return sql.execute(`DELETE FROM "${name}" WHERE tenant_id = $1 AND "${column}" = ANY ($2::uuid[])`, [
    tenantId,
    Array.isArray(from.parentIds) ? uuidArray(from.parentIds) : from.parentIds,
  ]);
}
