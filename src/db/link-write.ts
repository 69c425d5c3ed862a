import { rolesOf } from '../domain/match-headers';
import type { Policy } from '../domain/policy';
import type { Sql } from './database';
import { insertRows } from './insert-rows';
import { newUuid } from './new-id';

/** One reason why a message belongs to a record: an address of the record stands in the message. */
export interface AddressMatch {
  message_id: string;
  record_id: string;
  role: string;
  address_key: string;
  version: number;
}

/** Finds the records that the addresses of these copies belong to, under the source's policy. */
export async function matchCopies(
  sql: Sql,
  tenantId: string,
  copies: { ids: string[]; policy: Policy },
): Promise<AddressMatch[]> {
  return sql.query<AddressMatch>(
    `SELECT DISTINCT c.message_id, ra.record_id, ca.role, ca.address_key, r.version
     FROM copy c
     JOIN copy_address ca ON ca.tenant_id = c.tenant_id AND ca.copy_id = c.id
     JOIN record_address ra ON ra.tenant_id = c.tenant_id AND ra.address_key = ca.address_key
     JOIN record r ON r.tenant_id = c.tenant_id AND r.id = ra.record_id AND r.deleted_at IS NULL
     WHERE c.tenant_id = $1 AND c.id = ANY ($2::uuid[]) AND ca.role = ANY ($3::text[]) AND ra.kind = ANY ($4::text[])`,
    [tenantId, copies.ids, rolesOf(copies.policy), copies.policy.matchKinds],
  );
}

/** Writes links with their reasons. A link that a person took away stays suppressed. Second run: no change. */
export async function writeLinks(sql: Sql, tenantId: string, matches: AddressMatch[]): Promise<void> {
  if (matches.length === 0) return;
  const pairs = new Map(matches.map((match) => [`${match.message_id} ${match.record_id}`, match]));
  await insertRows(
    sql,
    {
      table: 'link',
      columns: { tenant_id: 'uuid', id: 'uuid', message_id: 'uuid', record_id: 'uuid' },
      onConflict: 'ON CONFLICT (tenant_id, message_id, record_id) DO NOTHING',
    },
    [...pairs.values()].map((match) => ({
      tenant_id: tenantId,
      id: newUuid(),
      message_id: match.message_id,
      record_id: match.record_id,
    })),
  );
  await sql.execute(
    `INSERT INTO link_reason (tenant_id, link_id, kind, key, actor, record_version)
     SELECT $1, l.id, 'address', m.role || ':' || m.address_key, 'rule', m.version
     FROM json_to_recordset($2::json) AS m(message_id uuid, record_id uuid, role text, address_key text, version integer)
     JOIN link l ON l.tenant_id = $1 AND l.message_id = m.message_id AND l.record_id = m.record_id
     ON CONFLICT DO NOTHING`,
    [tenantId, JSON.stringify(matches)],
  );
}
