import type { Database } from './database';

/** All tenants, for what is done for each of them. */
export async function allTenants(db: Database): Promise<string[]> {
  const rows = await db.acrossTenants((sql) => sql.query<{ tenant_id: string }>('SELECT tenant_id FROM tenant'));
  return rows.map((row) => row.tenant_id);
}
