import { numberMark } from '../domain/matching';
import type { Sql } from './database';

/**
 * Whose mail is to be matched again when these records come, go, or are restored, as `queueRematch` takes it: their addresses, `@domain` for
 * their domains, the addresses of those who work for them, where a source links nothing when contacts of several companies meet, and their numbers,
 * with those of the records that are a part of them.
 */
export async function keysOfRecords(sql: Sql, tenantId: string, recordIds: string[]): Promise<string[]> {
  const rows = await sql.query<{ key: string }>(
    `WITH RECURSIVE ours AS MATERIALIZED (
       SELECT unnest($2::uuid[]) AS id
       UNION SELECT r.id FROM record r WHERE r.tenant_id = $1 AND r.company_id = ANY ($2::uuid[])
         AND EXISTS (SELECT FROM source WHERE tenant_id = $1 AND policy ->> 'severalCompanies' = 'link-none')
     ), parts AS (
       SELECT unnest($2::uuid[]) AS id
       UNION SELECT r.id FROM parts p JOIN record r ON r.tenant_id = $1 AND r.merged_into = p.id
     )
     SELECT address_key AS key FROM ours JOIN record_address a ON a.tenant_id = $1 AND a.record_id = ours.id
     UNION SELECT '@' || domain FROM record_domain WHERE tenant_id = $1 AND record_id = ANY ($2::uuid[])
     UNION SELECT '${numberMark}' || r.number_key FROM parts p JOIN record r ON r.tenant_id = $1 AND r.id = p.id
       AND r.number_key IS NOT NULL`,
    [tenantId, recordIds],
  );
  return rows.map(({ key }) => key);
}
