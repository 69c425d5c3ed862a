import type { Database, Sql } from './database';

/** What must be known of a user to answer their requests. */
export interface ViewingUser {
  id: string;
  principal: number;
  /** The numbers of the teams that they are in. */
  teams: number[];
  role: 'admin' | 'manager' | 'member';
}

/** The user with this id in the tenant, or null. */
export async function findUser(db: Database, tenantId: string, userId: string): Promise<ViewingUser | null> {
  const rows = await db.preparedInTenant(tenantId, (sql) =>
    sql.query<ViewingUser>(
      `SELECT u.id, u.principal, u.role, ARRAY(
         SELECT t.principal FROM team_member tm JOIN team t ON t.tenant_id = $1 AND t.id = tm.team_id
         WHERE tm.tenant_id = $1 AND tm.user_id = u.id ORDER BY 1) AS teams
       FROM app_user u WHERE u.tenant_id = $1 AND u.id = $2`,
      [tenantId, userId],
    ),
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
