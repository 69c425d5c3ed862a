import type { Sql } from '../database';
import type { DeletionRef } from './deletions';
import { isNotRest } from './rest';

/** What a count of everything that carries a source came to. */
interface Verification {
  /** All tables that were looked at. */
  tables: string[];
  /** Those that still have rows, with how many (-1: it may not be read); empty where nothing is left. */
  left: Record<string, number>;
}

/** A table with a column `source_id`, as the catalogue knows it. */
interface SourceTable {
  name: string;
  has_tenant: boolean;
  readable: boolean;
  /** A foreign key that holds the source too: a row without its parent cannot be. */
  proven_by: string | null;
}

const mostCounted = 1_000_000;
const notCountable = -1;

/**
 * Counts the rows of a source in every table of the database that carries one. The list comes from the catalogue, so that a table that is
 * added later is counted without anybody thinking of it; `except` are tables that are still needed.
 * Where a foreign key with the source in it refers to a table that is counted too, that one stands for both.
 */
export async function verifyGone(sql: Sql, ref: DeletionRef, except: readonly string[]): Promise<Verification> {
  const tables = await sourceTables(sql);
  const left: Record<string, number> = {};
  for (const table of tables) {
    if (except.includes(table.name) || table.proven_by !== null) continue;
    const count = table.readable ? await countIn(sql, ref, table) : notCountable;
    if (count !== 0) left[table.name] = count;
  }
  const events = await countOutbox(sql, ref);
  if (events > 0) left['outbox'] = events;
  return { tables: [...tables.map((table) => table.name), 'outbox'], left };
}

function sourceTables(sql: Sql): Promise<SourceTable[]> {
  return sql.query<SourceTable>(
    `SELECT c.relname AS name, has_table_privilege(c.oid, 'SELECT') AS readable,
       EXISTS (SELECT FROM pg_attribute t WHERE t.attrelid = c.oid AND t.attname = 'tenant_id' AND NOT t.attisdropped) AS has_tenant,
       (SELECT r.relname FROM pg_constraint k JOIN pg_class r ON r.oid = k.confrelid AND r.oid <> c.oid
        CROSS JOIN LATERAL unnest(k.conkey, k.confkey) AS pair(mine, theirs)
        JOIN pg_attribute p ON p.attrelid = r.oid AND p.attnum = pair.theirs AND p.attname = 'source_id'
        WHERE k.conrelid = c.oid AND k.contype = 'f' AND k.convalidated AND pair.mine = a.attnum LIMIT 1) AS proven_by
     FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'source_id' AND NOT a.attisdropped
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1`,
  );
}

async function countIn(sql: Sql, ref: DeletionRef, table: SourceTable): Promise<number> {
  const ofTenant = table.has_tenant ? 'tenant_id = $1' : '$1::uuid IS NOT NULL';
  const [row] = await sql.query<{ count: number }>(
    `SELECT count(*) AS count FROM (SELECT FROM "${table.name}" WHERE ${ofTenant} AND source_id = $2 LIMIT ${String(mostCounted)}) rows`,
    [ref.tenantId, ref.sourceId],
  );
  return row?.count ?? 0;
}

/** The outbox calls the source its stream. */
async function countOutbox(sql: Sql, ref: DeletionRef): Promise<number> {
  const [row] = await sql.query<{ count: number }>(
    'SELECT count(*) AS count FROM outbox WHERE tenant_id = $1 AND stream = $2',
    [ref.tenantId, ref.sourceId],
  );
  return row?.count ?? 0;
}

/** What columns of these names refer to. */
const parents: Record<string, string> = {
  message_id: 'message',
  copy_id: 'copy',
  thread_id: 'thread',
  link_id: 'link',
  gen_id: 'folder_generation',
  folder_id: 'folder',
  blob_id: 'blob',
};

/** The bytes cannot be read here; they are looked for when they are freed. */
const seenElsewhere = ['blob_chunk'];

/**
 * Rows of a tenant that refer to a message, copy, thread ... that is no more, by table and column. Where a foreign key holds the column
 * there can be none; any other table is read once: not to be called under the tenant's lock. What a deletion has noted is counted by its
 * source, which has not ended yet.
 */
export async function danglingRows(sql: Sql, tenantId: string): Promise<Record<string, number>> {
  const loose = await sql.query<{ name: string; column: string }>(
    `SELECT c.relname AS name, a.attname AS column
     FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = ANY ($1) AND NOT a.attisdropped
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname <> ALL ($2)
       AND NOT EXISTS (SELECT FROM pg_attribute s WHERE s.attrelid = c.oid AND s.attname = 'source_id' AND NOT s.attisdropped)
       AND EXISTS (SELECT FROM pg_attribute t WHERE t.attrelid = c.oid AND t.attname = 'tenant_id' AND NOT t.attisdropped)
       AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'f' AND k.convalidated AND a.attnum = ANY (k.conkey))
     ORDER BY 1, 2`,
    [Object.keys(parents), seenElsewhere],
  );
  const left: Record<string, number> = {};
  for (const { name, column } of loose) {
    const [row] = await sql.query<{ count: number }>(
      `SELECT count(*) AS count FROM (SELECT FROM "${name}" child WHERE child.tenant_id = $1 AND child."${column}" IS NOT NULL
         AND NOT EXISTS (SELECT FROM "${parents[column] ?? ''}" parent WHERE parent.tenant_id = $1 AND parent.id = child."${column}")
         AND ${isNotRest(name)} LIMIT ${String(mostCounted)}) rows`,
      [tenantId],
    );
    if (row !== undefined && row.count > 0) left[`${name}.${column}`] = row.count;
  }
  return left;
}
