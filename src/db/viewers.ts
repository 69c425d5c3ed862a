import type { Database, Sql } from './database';

/** What must be known of a user to answer their requests. */
export interface ViewingUser {
  id: string;
  principal: number;
  role: 'admin' | 'manager' | 'member';
}

/** The user with this id in the tenant, or null. */
export async function findUser(db: Database, tenantId: string, userId: string): Promise<ViewingUser | null> {
  const rows = await db.inTenant(tenantId, (sql) =>
    sql.query<ViewingUser>('SELECT id, principal, role FROM app_user WHERE tenant_id = $1 AND id = $2', [
      tenantId,
      userId,
    ]),
  );
  return rows[0] ?? null;
}

/** Those of the ids that are users of the tenant. */
export async function usersAmong(sql: Sql, tenantId: string, userIds: string[]): Promise<Set<string>> {
  const rows = await sql.query<{ id: string }>(
    'SELECT id FROM app_user WHERE tenant_id = $1 AND id = ANY ($2::uuid[])',
    [tenantId, userIds],
  );
  return new Set(rows.map((row) => row.id));
}
