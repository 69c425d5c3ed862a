import type { AddressKind } from '../domain/policy';
import type { Database, Sql } from './database';

interface Wanted {
  addressKeys: string[];
  kinds: AddressKind[];
}

/** Those of the address keys that belong to a record, by one of these kinds of address. */
export async function matchingKeys(sql: Sql, tenantId: string, wanted: Wanted): Promise<Set<string>> {
  if (wanted.addressKeys.length === 0) return new Set();
  const rows = await sql.query<{ address_key: string }>(
    `SELECT DISTINCT ra.address_key FROM record_address ra
     JOIN record r ON r.tenant_id = ra.tenant_id AND r.id = ra.record_id AND r.deleted_at IS NULL
     WHERE ra.tenant_id = $1 AND ra.address_key = ANY ($2::text[]) AND ra.kind = ANY ($3::text[])`,
    [tenantId, wanted.addressKeys, wanted.kinds],
  );
  return new Set(rows.map((row) => row.address_key));
}

/** The same in a transaction of its own. */
export async function addressKeysThatMatch(db: Database, tenantId: string, wanted: Wanted): Promise<Set<string>> {
  return db.inTenant(tenantId, (sql) => matchingKeys(sql, tenantId, wanted));
}
