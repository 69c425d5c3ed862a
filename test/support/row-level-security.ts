import type pg from 'pg';

export interface Column {
  name: string;
  type: string;
  generated: boolean;
  /** The first value that a CHECK constraint allows, null where there is none. */
  allowed: string | null;
}

/** The base tables of the schema, from the catalog, so that a new one cannot be forgotten. */
export async function tablesOf(owner: pg.Client): Promise<string[]> {
  const { rows } = await owner.query<{ relname: string }>(
    `SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
       AND relname <> 'schema_migrations' ORDER BY relname`,
  );
  return rows.map((row) => row.relname);
}

/** The columns that a row must give a value for. */
async function columnsOf(owner: pg.Client, table: string): Promise<Column[]> {
  const { rows } = await owner.query<Column>(
    `SELECT a.attname AS name, format_type(a.atttypid, NULL) AS type, a.attidentity <> '' OR a.attgenerated <> '' AS generated,
            (SELECT (regexp_match(pg_get_constraintdef(con.oid), '''([^'']*)''::text'))[1] FROM pg_constraint con
             WHERE con.conrelid = a.attrelid AND con.contype = 'c' AND con.conkey = ARRAY[a.attnum] LIMIT 1) AS allowed
     FROM pg_attribute a
     WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped AND (a.attnotnull OR a.attidentity <> '')`,
    [table],
  );
  return rows;
}

const values: Record<string, string> = {
  uuid: 'gen_random_uuid()',
  text: 'gen_random_uuid()::text',
  bytea: `decode(replace(gen_random_uuid()::text, '-', ''), 'hex')`,
  integer: '(random() * 1e9)::integer + 1',
  smallint: '1',
  bigint: '(random() * 1e15)::bigint + 1',
  numeric: '1',
  boolean: 'true',
  jsonb: `'{}'`,
  'timestamp with time zone': 'now()',
  'text[]': `'{}'`,
  'bigint[]': `'{}'`,
  'bytea[]': `'{}'`,
  'integer[]': `'{}'`,
  'uuid[]': `'{}'`,
  tsvector: `''`,
  xid8: 'pg_current_xact_id()',
};

/** Columns to which a constraint allows no value of `values`. */
const valuesOfColumns: Record<string, string> = { 'activity_type.statuses': `'{done}'` };

/** An INSERT of one row of the tenant $1, with some value in every column that needs one. */
export async function insertionInto(owner: pg.Client, table: string): Promise<string> {
  const columns = (await columnsOf(owner, table)).filter((column) => !column.generated);
  const value = ({ name, type, allowed }: Column) => {
    if (name === 'tenant_id') return '$1::uuid';
    if (allowed !== null) return `'${allowed}'`;
    const made = valuesOfColumns[`${table}.${name}`] ?? values[type];
    if (made === undefined) throw new Error(`no value is known for ${type}, the type of ${table}.${name}`);
    return made;
  };
  return `INSERT INTO ${table} (${columns.map((column) => column.name).join(', ')}) SELECT ${columns.map(value).join(', ')}`;
}

/** What one tenant can do to the rows of another in a table that has a row of each; empty where the policies hold. */
export async function leaksOf(
  clients: { owner: pg.Client; app: pg.Client },
  table: string,
  tenants: { mine: string; theirs: string },
): Promise<string[]> {
  const { owner, app } = clients;
  const insertion = await insertionInto(owner, table);
  for (const tenant of [tenants.mine, tenants.theirs]) await owner.query(insertion, [tenant]);
  const attempts: [name: string, statement: string, parameter: string | null, harmless: number | string][] = [
    ['reads', `SELECT FROM ${table} WHERE tenant_id <> current_tenant()`, null, 0],
    ['updates', `UPDATE ${table} SET tenant_id = tenant_id WHERE tenant_id <> current_tenant()`, null, 0],
    ['deletes', `DELETE FROM ${table} WHERE tenant_id <> current_tenant()`, null, 0],
    ['inserts', insertion, tenants.theirs, 'refused'],
    ['gives away', `UPDATE ${table} SET tenant_id = $1`, tenants.theirs, 'refused'],
    // The other way round: a test that can do nothing at all would find no leak either.
    ['cannot read its own', `SELECT FROM ${table} WHERE tenant_id = current_tenant()`, null, 1],
  ];
  const leaks: string[] = [];
  for (const [name, statement, parameter, harmless] of attempts) {
    const outcome = await asTenant(app, tenants.mine, () =>
      app.query(statement, parameter === null ? [] : [parameter]),
    );
    const isHarmless = outcome === harmless || (outcome === 'refused' && harmless !== 1);
    if (!isHarmless) leaks.push(`${table}: ${name} (${String(outcome)})`);
  }
  return leaks;
}

/** Runs a statement and takes it back: the number of rows it touched, `refused` by a policy or for want of a grant, or another error's text. */
async function asTenant(
  app: pg.Client,
  tenantId: string,
  work: () => Promise<pg.QueryResult>,
): Promise<number | string> {
  await app.query('BEGIN');
  await app.query(`SELECT set_config('letterbook.tenant', $1, true)`, [tenantId]);
  try {
    return (await work()).rowCount ?? 0;
  } catch (error) {
    return error instanceof Error &&
      /violates row-level security policy|permission denied for table/.test(error.message)
      ? 'refused'
      : String(error);
  } finally {
    await app.query('ROLLBACK');
  }
}
