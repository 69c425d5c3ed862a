import type { Sql } from '../database';

/** A table whose rows go with those of another: by a foreign key with ON DELETE CASCADE. */
export interface ChildTable {
  name: string;
  /** The column that refers to the parent's id. */
  column: string;
}

/** The tables that a content chunk has to empty by hand, by parent, as the database itself knows them. */
export interface Catalogue {
  message: ChildTable[];
  copy: ChildTable[];
  thread: ChildTable[];
  link: ChildTable[];
}

/**
 * Reads which tables hang on messages, copies, threads and links. A table that is added later joins in by its foreign key; deleting its
 * rows in sets, before the parent goes, is several times faster than one cascade a row, and can be counted.
 */
export async function readCatalogue(sql: Sql): Promise<Catalogue> {
  const rows = await sql.query<{ parent: keyof Catalogue; name: string; column: string }>(
    `SELECT parent.relname AS parent, child.relname AS name, a.attname AS column
     FROM pg_constraint k
     JOIN pg_class parent ON parent.oid = k.confrelid JOIN pg_class child ON child.oid = k.conrelid
     CROSS JOIN LATERAL unnest(k.conkey, k.confkey) AS pair(mine, theirs)
     JOIN pg_attribute a ON a.attrelid = child.oid AND a.attnum = pair.mine
     JOIN pg_attribute p ON p.attrelid = parent.oid AND p.attnum = pair.theirs
     WHERE k.contype = 'f' AND k.confdeltype = 'c' AND parent.relnamespace = 'public'::regnamespace
       AND parent.relname IN ('message', 'copy', 'thread', 'link') AND p.attname = 'id' ORDER BY 1, 2`,
  );
  const of = (parent: keyof Catalogue) => rows.filter((row) => row.parent === parent);
  return { message: of('message'), copy: of('copy'), thread: of('thread'), link: of('link') };
}

/** Deletes the rows of a table that refer to these; how many. The names come from the catalogue. */
export function deleteChildren(
  sql: Sql,
  tenantId: string,
  from: { child: ChildTable; parentIds: string[] },
): Promise<number> {
  const { name, column } = from.child;
  return sql.execute(`DELETE FROM "${name}" WHERE tenant_id = $1 AND "${column}" = ANY ($2::uuid[])`, [
    tenantId,
    from.parentIds,
  ]);
}
