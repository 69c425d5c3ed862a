import type { Sql } from '../database';
import type { RowCounts } from '../deletion/steps';

/** A table whose rows belong to a message, copy, thread or link, and go with it. */
interface Dependent {
  name: string;
  column: string;
}

/** The tables that belong to each of these, as the database itself knows them. */
export type Dependents = Record<'message' | 'copy' | 'thread' | 'link', Dependent[]>;

/** Rows of these are dealt with one by one: a ledger row stays, and a copy and a message go with their own. */
const dealtWith = ['placement', 'copy', 'message'];

/**
 * Reads which tables belong to messages, copies, threads and links, by the names of their columns. A table that is added later joins in,
 * also one that has a source of its own: a person's mail goes from all of them.
 */
export async function readDependents(sql: Sql): Promise<Dependents> {
  const rows = await sql.query<Dependent>(
    `SELECT c.relname AS name, a.attname AS column
     FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND NOT a.attisdropped
     JOIN pg_attribute t ON t.attrelid = c.oid AND t.attname = 'tenant_id' AND NOT t.attisdropped
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname <> ALL ($1)
       AND a.attname IN ('message_id', 'copy_id', 'thread_id', 'link_id')
     ORDER BY 1`,
    [dealtWith],
  );
  const of = (column: string) => rows.filter((row) => row.column === column);
  return { message: of('message_id'), copy: of('copy_id'), thread: of('thread_id'), link: of('link_id') };
}

/** Deletes what belongs to these parents, and adds to the counts. The names come from the catalogue. */
export async function deleteDependents(
  sql: Sql,
  tenantId: string,
  { tables, parentIds, counts }: { tables: Dependent[]; parentIds: string[]; counts: RowCounts },
): Promise<void> {
  if (parentIds.length === 0) return;
  for (const { name, column } of tables) {
    const deleted = await sql.execute(`DELETE FROM "${name}" WHERE tenant_id = $1 AND "${column}" = ANY ($2::uuid[])`, [
      tenantId,
      parentIds,
    ]);
    counts[name] = (counts[name] ?? 0) + deleted;
  }
}
