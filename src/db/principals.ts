import type { Sql } from './database';

/**
 * The next number by which timelines and scopes know a user or a team; it is given once. The row of the tenant stays locked until the end
 * of the transaction.
 */
export async function nextPrincipal(sql: Sql, tenantId: string): Promise<number> {
  const [row] = await sql.query<{ principal: number }>(
    `UPDATE tenant SET next_principal = 1 + greatest(next_principal,
       (SELECT coalesce(max(principal), 0) + 1 FROM (
          SELECT principal FROM app_user WHERE tenant_id = $1 UNION ALL SELECT principal FROM team WHERE tenant_id = $1) given))
     WHERE tenant_id = $1 RETURNING next_principal - 1 AS principal`,
    [tenantId],
  );
  if (row === undefined) throw new Error('a tenant that is written to is not there');
  return row.principal;
}
