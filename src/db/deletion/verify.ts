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
  const counted = tables.filter(({ name, proven_by: parent }) => !except.includes(name) && parent === null);
  const readable = counted.filter((table) => table.readable);
  const [row] = await sql.query<{ counts: number[] }>(
    `SELECT to_jsonb(ARRAY[${[...readable.map(countIn), countOutbox].map((count) => `(${count})`).join(', ')}]) AS counts`,
    [ref.tenantId, ref.sourceId],
  );
  const places = [...readable.map(({ name }) => name), 'outbox'];
  const left = Object.fromEntries(places.map((name, n) => [name, row?.counts[n] ?? notCountable] as const));
  for (const { name } of counted.filter((table) => !table.readable)) left[name] = notCountable;
  return { tables: [...tables.map((table) => table.name), 'outbox'], left: nonZero(left) };
}

function nonZero(counts: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0));
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

// All are counted by one statement: $1 is the tenant, $2 the source.
function countIn({ name, has_tenant: hasTenant }: SourceTable): string {
  const ofTenant = hasTenant ? 'tenant_id = $1::uuid' : '$1::uuid IS NOT NULL';
  return `SELECT count(*) FROM (SELECT FROM "${name}" WHERE ${ofTenant} AND source_id = $2::uuid LIMIT ${String(mostCounted)}) rows`;
}

/** The outbox calls the source its stream. */
const countOutbox = 'SELECT count(*) FROM outbox WHERE tenant_id = $1::uuid AND stream = $2::uuid';

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
  if (loose.length === 0) return {};
  const counts = loose.map(
    ({ name, column }) =>
      `(SELECT count(*) FROM (SELECT FROM "${name}" child WHERE child.tenant_id = $1 AND child."${column}" IS NOT NULL
         AND NOT EXISTS (SELECT FROM "${parents[column] ?? ''}" parent WHERE parent.tenant_id = $1 AND parent.id = child."${column}")
         AND ${isNotRest(name)} LIMIT ${String(mostCounted)}) rows)`,
  );
  const [row] = await sql.query<{ counts: number[] }>(`SELECT to_jsonb(ARRAY[${counts.join(', ')}]) AS counts`, [
    tenantId,
  ]);
  return nonZero(
    Object.fromEntries(loose.map(({ name, column }, n) => [`${name}.${column}`, row?.counts[n] ?? notCountable])),
  );
}
