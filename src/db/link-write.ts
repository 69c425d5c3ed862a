import { rolesOf } from '../domain/match-headers';
import type { AddressKind, Policy } from '../domain/policy';
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

/** An address of a message, with the header it stands in. */
export interface MessageAddress {
  messageId: string;
  role: string;
  addressKey: string;
}

/** A record that an address belongs to. */
export interface KnownRecord {
  recordId: string;
  version: number;
}

/**
 * Finds the records that addresses belong to, by these kinds of address. The addresses drive the look-up, one by one through the key of
 * `record_address`: without statistics, in tables that an import is just filling, a planner that may choose joins tenants with themselves.
 */
export async function recordsOfAddresses(
  sql: Sql,
  tenantId: string,
  wanted: { addressKeys: string[]; kinds: AddressKind[] },
): Promise<Map<string, KnownRecord[]>> {
  if (wanted.addressKeys.length === 0) return new Map();
  const rows = await sql.query<{ address_key: string; record_id: string; version: number }>(
    `SELECT wanted.address_key, known.record_id, known.version
     FROM unnest($2::text[]) AS wanted(address_key) CROSS JOIN LATERAL (
       SELECT ra.record_id, (SELECT r.version FROM record r WHERE r.tenant_id = $1 AND r.id = ra.record_id AND r.deleted_at IS NULL)
       FROM record_address ra WHERE ra.tenant_id = $1 AND ra.address_key = wanted.address_key AND ra.kind = ANY ($3::text[])
       OFFSET 0
     ) AS known(record_id, version) WHERE known.version IS NOT NULL`,
    [tenantId, [...new Set(wanted.addressKeys)], wanted.kinds],
  );
  const found = new Map<string, KnownRecord[]>();
  for (const { address_key, record_id, version } of rows) {
    found.set(address_key, [...(found.get(address_key) ?? []), { recordId: record_id, version }]);
  }
  return found;
}

/** Why these messages belong to records, where they do: each address in a header that counts by the source's policy. */
export function addressMatches(
  addresses: MessageAddress[],
  records: Map<string, KnownRecord[]>,
  policy: Policy,
): AddressMatch[] {
  const roles = new Set<string>(rolesOf(policy));
  return addresses
    .filter(({ role }) => roles.has(role))
    .flatMap(({ messageId, role, addressKey }) =>
      (records.get(addressKey) ?? []).map(({ recordId, version }) => {
        return { message_id: messageId, record_id: recordId, role, address_key: addressKey, version };
      }),
    );
}

/** Writes links with their reasons. A link that a person took away stays suppressed. Second run: no change. */
export async function writeLinks(sql: Sql, tenantId: string, matches: AddressMatch[]): Promise<void> {
  if (matches.length === 0) return;
  const pairs = new Map(matches.map((match) => [`${match.message_id} ${match.record_id}`, match]));
  const links = insertRows(
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
  const reasons = sql.execute(
    `INSERT INTO link_reason (tenant_id, link_id, kind, key, actor, record_version)
     SELECT $1, l.id, 'address', m.role || ':' || m.address_key, 'rule', m.version
     FROM json_to_recordset($2::json) AS m(message_id uuid, record_id uuid, role text, address_key text, version integer)
     CROSS JOIN LATERAL (
       SELECT id FROM link WHERE tenant_id = $1 AND message_id = m.message_id AND record_id = m.record_id OFFSET 0
     ) AS l
     ON CONFLICT DO NOTHING`,
    [tenantId, JSON.stringify(matches)],
  );
  await Promise.all([links, reasons]);
}
