import type { Sql } from '../../database';

/** A column that says whose a row is, as the catalogue knows it. */
interface Carrier {
  table: string;
  column: string;
  readable: boolean;
  is_uuid: boolean;
  has_tenant: boolean;
}

/** What is looked for: columns of these names, and those by which a foreign key refers to the table. */
const wanted = {
  record: { names: '^(.+_)?record_id$', table: 'record' },
  user: { names: '^(.+_)?user_id$', table: 'app_user' },
  tenant: { names: '^tenant_id$', table: 'tenant' },
} as const;

/** What a count of everything that carries a record, user or tenant came to. */
export interface Carried {
  /** All tables that were looked at. */
  tables: string[];
  /** Those that still have rows, with how many (-1: it may not be read); empty where nothing is left. */
  left: Record<string, number>;
}

const mostCounted = 1_000_000;
const notCountable = -1;

/** The bytes are written by COPY and cannot be read as a table; this view shows those of the tenant. */
const readThrough: Record<string, string> = { blob_chunk: 'blob_bytes' };

/**
 * Counts the rows of a record, user or tenant in every table of the database that carries one. The list comes from the catalogue, so that
 * a table that is added later is counted without anybody thinking of it; `except` are tables that are still needed, or outlive it.
 */
export async function countCarried(
  sql: Sql,
  of: { kind: keyof typeof wanted; tenantId: string; targetId: string },
  except: readonly string[],
): Promise<Carried> {
  const left: Record<string, number> = {};
  const carriers = (await carriersOf(sql, of.kind)).filter(({ table }) => !except.includes(table));
  for (const carrier of carriers) {
    const count = await countIn(sql, of, carrier);
    if (count !== 0) left[carrier.table] = count === notCountable ? count : count + (left[carrier.table] ?? 0);
  }
  return { tables: [...new Set(carriers.map(({ table }) => table))], left };
}

/** The columns of all tables that say whose a row is. */
export function carriersOf(sql: Sql, kind: keyof typeof wanted): Promise<Carrier[]> {
  const { names, table } = wanted[kind];
  return sql.query<Carrier>(
    `SELECT c.relname AS table, a.attname AS column, a.atttypid = 'uuid'::regtype AS is_uuid,
       has_table_privilege(c.oid, 'SELECT') AS readable,
       EXISTS (SELECT FROM pg_attribute t WHERE t.attrelid = c.oid AND t.attname = 'tenant_id' AND NOT t.attisdropped) AS has_tenant
     FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
       AND (a.attname ~ $1 OR EXISTS (
         SELECT FROM pg_constraint k CROSS JOIN LATERAL unnest(k.conkey, k.confkey) AS pair(mine, theirs)
         JOIN pg_attribute p ON p.attrelid = k.confrelid AND p.attnum = pair.theirs AND p.attname = 'id'
         WHERE k.conrelid = c.oid AND k.contype = 'f' AND k.confrelid = to_regclass($2) AND pair.mine = a.attnum))
     ORDER BY 1, 2`,
    [names, table],
  );
}

async function countIn(
  sql: Sql,
  of: { tenantId: string; targetId: string },
  { table, column, readable, is_uuid, has_tenant }: Carrier,
): Promise<number> {
  const name = readThrough[table] ?? table;
  if (!readable && name === table) return notCountable;
  const ofTenant = has_tenant ? 'tenant_id = $1' : '$1::uuid IS NOT NULL';
  const ofTarget = is_uuid ? `"${column}" = $2::uuid` : `"${column}"::text = $2::text`;
  const [row] = await sql.query<{ count: number }>(
    `SELECT count(*) AS count FROM (SELECT FROM "${name}" WHERE ${ofTenant} AND ${ofTarget} LIMIT ${String(mostCounted)}) rows`,
    [of.tenantId, of.targetId],
  );
  return row?.count ?? 0;
}
