import type { Sql } from '../database';

/** The addresses in From of these messages, in their normal form, each once; two at most. */
export async function sendersAmong(sql: Sql, tenantId: string, messageIds: string[]): Promise<string[]> {
  const rows = await sql.query<{ key: string }>(
    `SELECT DISTINCT a.address_key AS key FROM unnest($2::uuid[]) AS w(id) JOIN copy c ON c.tenant_id = $1 AND c.message_id = w.id
     JOIN copy_address a ON a.tenant_id = $1 AND a.copy_id = c.id AND a.role = 'from' LIMIT 2`,
    [tenantId, messageIds],
  );
  return rows.map(({ key }) => key);
}
