import type { Sql } from '../database';

/** By which an address is known again without being written down: one for each key of the secret box, the present one first. */
export type AddressFingerprints = (addressKey: string) => readonly Buffer[];

/** The fingerprint that is written down: hexadecimal, under the present key. */
export function hashOfAddress(addressKey: string, fingerprintsOf: AddressFingerprints): string {
  const [present] = hashesOfAddress(addressKey, fingerprintsOf);
  if (present === undefined) throw new Error('there is no key for fingerprints');
  return present;
}

/** All fingerprints that an address may have been written down by. */
export function hashesOfAddress(addressKey: string, fingerprintsOf: AddressFingerprints): string[] {
  return fingerprintsOf(`address ${addressKey}`).map((hash) => hash.toString('hex'));
}

/** Whether the tenant has erased any person. One index look-up: each batch of new mail asks. */
export async function hasErasedPeople(sql: Sql, tenantId: string): Promise<boolean> {
  const rows = await sql.query(`SELECT FROM erasure WHERE tenant_id = $1 AND kind = 'person' LIMIT 1`, [tenantId]);
  return rows.length > 0;
}

/** Of these addresses those that belong to a person who was erased, with when that was last. */
export async function erasedAmong(
  sql: Sql,
  tenantId: string,
  { addressKeys, fingerprintsOf }: { addressKeys: string[]; fingerprintsOf: AddressFingerprints },
): Promise<Map<string, Date>> {
  const keyOf = new Map(addressKeys.flatMap((key) => hashesOfAddress(key, fingerprintsOf).map((hash) => [hash, key])));
  const rows = await sql.query<{ hash: string; at: Date }>(
    `SELECT hash, max(at) AS at FROM erasure CROSS JOIN LATERAL unnest(address_hashes) AS hash
     WHERE tenant_id = $1 AND kind = 'person' AND hash = ANY ($2::text[]) GROUP BY hash`,
    [tenantId, [...keyOf.keys()]],
  );
  const erased = new Map<string, Date>();
  for (const { hash, at } of rows) {
    const key = keyOf.get(hash) ?? '';
    const other = erased.get(key);
    if (other === undefined || other < at) erased.set(key, at);
  }
  return erased;
}
