import type { Sql } from './database';

/**
 * Decides the direction of the copies of these messages anew, after addresses of users changed: what `directionOf` says of mail that arrives now
 * (domain/direction.ts). To be called under the tenant's lock. Second run: no change.
 */
export async function refreshDirections(sql: Sql, tenantId: string, messageIds: string[]): Promise<void> {
  if (messageIds.length === 0) return;
  await sql.execute(statement, [tenantId, messageIds]);
}

const isOwn = (address: string) => `(${address}.address_key = s.address_key
  OR EXISTS (SELECT FROM user_address u WHERE u.tenant_id = $1 AND u.address_key = ${address}.address_key))`;

const standing = (alias: string, roles: string) =>
  `SELECT FROM copy_address ${alias} WHERE ${alias}.tenant_id = $1 AND ${alias}.copy_id = c.id AND ${alias}.role IN (${roles})`;

// An address that has no normal form is nobody's of ours. As elsewhere, OFFSET 0 makes each look-up go by its key.
const statement = `
WITH decided AS MATERIALIZED (
  SELECT c.id, c.direction AS before, CASE
    WHEN NOT EXISTS (${standing('f', `'from'`)} AND ${isOwn('f')} OFFSET 0) THEN 'incoming'
    WHEN EXISTS (${standing('r', `'to', 'cc', 'bcc'`)} OFFSET 0) AND NOT EXISTS (${standing('r', `'to', 'cc', 'bcc'`)} AND NOT ${isOwn('r')} OFFSET 0)
      AND NOT EXISTS (
        SELECT FROM jsonb_array_elements(m.participants -> 'to' || (m.participants -> 'cc')) AS shown WHERE strpos(shown ->> 'address', '@') = 0)
    THEN 'internal' ELSE 'outgoing' END AS direction
  FROM unnest($2::uuid[]) AS w(id)
  CROSS JOIN LATERAL (SELECT participants FROM message WHERE tenant_id = $1 AND id = w.id OFFSET 0) m
  CROSS JOIN LATERAL (SELECT id, source_id, direction FROM copy WHERE tenant_id = $1 AND message_id = w.id OFFSET 0) c
  CROSS JOIN LATERAL (SELECT address_key FROM source WHERE tenant_id = $1 AND id = c.source_id OFFSET 0) s
)
UPDATE copy c SET direction = d.direction FROM decided d WHERE c.tenant_id = $1 AND c.id = d.id AND d.direction <> d.before`;
