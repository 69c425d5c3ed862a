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

/** A column that says which source a row is of, as the catalogue knows it. */
interface SourceColumn {
  /** The table. */
  name: string;
  column: string;
  is_uuid: boolean;
  has_tenant: boolean;
  readable: boolean;
  /** An index finds the rows of a source. */
  is_indexed: boolean;
  /** Tables to which a foreign key refers that holds the source too: a row without its parent cannot be. */
  proven_by: string[];
}

/** A table, and what says there whose a row is: $1 is the tenant, $2 the source. */
interface Place {
  name: string;
  condition: string;
}

const mostCounted = 1_000_000;
const notCountable = -1;

/**
 * Counts the rows of a source in every table of the database that carries one: by a column that is called so, or that refers to it. The list
 * comes from the catalogue, so that a table that is added later is counted without anybody thinking of it; `except` are tables that are still
 * needed.
 * Where a foreign key with the source in it refers to a table that is counted too, that one stands for both. Where nothing is left nothing is
 * counted, and what takes long is a statement of its own for each table: no time-out is for more than one.
 */
export async function verifyGone(sql: Sql, ref: DeletionRef, except: readonly string[]): Promise<Verification> {
  const columns = await sourceColumns(sql);
  const isProven = (parents: string[]) => parents.some((parent) => !except.includes(parent));
  const counted = columns.filter(({ name, proven_by: parents }) => !except.includes(name) && !isProven(parents));
  const left: Record<string, number> = {};
  for (const place of await placesWithRows(sql, ref, counted)) {
    const count = await countIn(sql, ref, place);
    left[place.name] = count === notCountable ? count : count + (left[place.name] ?? 0);
  }
  for (const { name } of counted.filter((column) => !column.readable)) left[name] = notCountable;
  return { tables: [...new Set(columns.map(({ name }) => name)), 'outbox'], left: nonZero(left) };
}

async function placesWithRows(sql: Sql, ref: DeletionRef, columns: SourceColumn[]): Promise<Place[]> {
  const readable = columns.filter((column) => column.readable);
  const found = await withRows(sql, ref, [...readable.filter((column) => column.is_indexed).map(placeOf), outbox]);
  // One that nobody gave an index is read as a whole.
  for (const column of readable.filter((one) => !one.is_indexed)) {
    found.push(...(await withRows(sql, ref, [placeOf(column)])));
  }
  return found;
}

/** Those of the places that have a row of the source: asked together, for most have none. */
async function withRows(sql: Sql, { tenantId, sourceId }: DeletionRef, places: Place[]): Promise<Place[]> {
  const found = places.map(({ name, condition }) => `EXISTS (SELECT FROM "${name}" WHERE ${condition})`);
  const [row] = await sql.query<{ found: boolean[] }>(`SELECT ARRAY[${found.join(', ')}] AS found`, [
    tenantId,
    sourceId,
  ]);
  return places.filter((_, n) => row?.found[n] !== false);
}

async function countIn(sql: Sql, { tenantId, sourceId }: DeletionRef, { name, condition }: Place): Promise<number> {
  const [row] = await sql.query<{ count: number }>(
    `SELECT count(*) AS count FROM (SELECT FROM "${name}" WHERE ${condition} LIMIT ${String(mostCounted)}) rows`,
    [tenantId, sourceId],
  );
  return row?.count ?? notCountable;
}

function nonZero(counts: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0));
}

/** What columns are called that hold the id of a source. A text of that name may be another's id: it is ours only where it is equal. */
const sourceNames = '^(.+_)?(source|mailbox)_id$';

function sourceColumns(sql: Sql): Promise<SourceColumn[]> {
  return sql.query<SourceColumn>(
    `SELECT c.relname AS name, a.attname AS column, a.atttypid = 'uuid'::regtype AS is_uuid, has_table_privilege(c.oid, 'SELECT') AS readable,
       EXISTS (SELECT FROM pg_attribute t WHERE t.attrelid = c.oid AND t.attname = 'tenant_id' AND NOT t.attisdropped) AS has_tenant,
       a.atttypid = 'uuid'::regtype AND EXISTS (
         SELECT FROM pg_index i LEFT JOIN pg_attribute first ON first.attrelid = c.oid AND first.attnum = i.indkey[0]
         WHERE i.indrelid = c.oid AND i.indpred IS NULL
           AND (i.indkey[0] = a.attnum OR first.attname = 'tenant_id' AND i.indkey[1] = a.attnum)) AS is_indexed,
       ARRAY(SELECT r.relname::text FROM pg_constraint k JOIN pg_class r ON r.oid = k.confrelid AND r.oid <> c.oid
        CROSS JOIN LATERAL unnest(k.conkey, k.confkey) AS pair(mine, theirs)
        JOIN pg_attribute p ON p.attrelid = r.oid AND p.attnum = pair.theirs AND p.attname ~ $1
        WHERE k.conrelid = c.oid AND k.contype = 'f' AND k.convalidated AND pair.mine = a.attnum
          AND NOT EXISTS (SELECT FROM pg_attribute n WHERE n.attrelid = c.oid AND n.attnum = ANY (k.conkey) AND n.attnum <> a.attnum
            AND NOT n.attnotnull)) AS proven_by
     FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
       AND (a.attname ~ $1 OR EXISTS (
         SELECT FROM pg_constraint k CROSS JOIN LATERAL unnest(k.conkey, k.confkey) AS pair(mine, theirs)
         JOIN pg_attribute p ON p.attrelid = k.confrelid AND p.attnum = pair.theirs
         WHERE k.conrelid = c.oid AND k.contype = 'f' AND pair.mine = a.attnum
           AND (k.confrelid = to_regclass('source') AND p.attname = 'id' OR k.confrelid = to_regclass('mailbox') AND p.attname = 'source_id')))
     ORDER BY 1, 2`,
    [sourceNames],
  );
}

function placeOf({ name, column, is_uuid: isUuid, has_tenant: hasTenant }: SourceColumn): Place {
  const ofTenant = hasTenant ? 'tenant_id = $1::uuid' : '$1::uuid IS NOT NULL';
  const ofSource = isUuid ? `"${column}" = $2::uuid` : `"${column}"::text = $2::uuid::text`;
  return { name, condition: `${ofTenant} AND ${ofSource}` };
}

/** The outbox calls the source its stream. */
const outbox: Place = { name: 'outbox', condition: 'tenant_id = $1::uuid AND stream = $2::uuid' };

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
  for (const { name, column } of loose)
    left[`${name}.${column}`] = await countDangling(sql, tenantId, { name, column });
  return nonZero(left);
}

async function countDangling(
  sql: Sql,
  tenantId: string,
  { name, column }: { name: string; column: string },
): Promise<number> {
  const [row] = await sql.query<{ count: number }>(
    `SELECT count(*) AS count FROM (SELECT FROM "${name}" child WHERE child.tenant_id = $1 AND child."${column}" IS NOT NULL
       AND NOT EXISTS (SELECT FROM "${parents[column] ?? ''}" parent WHERE parent.tenant_id = $1 AND parent.id = child."${column}")
       AND ${isNotRest(name)} LIMIT ${String(mostCounted)}) rows`,
    [tenantId],
  );
  return row?.count ?? notCountable;
}
