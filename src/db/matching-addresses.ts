import { numberMark, recordsOfAddress, recordsOfNumber, type MatchingPolicy } from '../domain/matching';
import type { Database, Sql } from './database';
import { candidatesByAddress } from './match-candidates';

interface Wanted {
  /** Behind `number:`, an address that is looked at for its number alone. */
  addressKeys: string[];
  policy: Omit<MatchingPolicy, 'matchHeaders' | 'severalCompanies'>;
}

/**
 * Those of the address keys that lead to a record under a policy. Mail with one of them is not unmatched, also where it is linked to none
 * because contacts of several companies are in it.
 */
export async function matchingKeys(sql: Sql, tenantId: string, wanted: Wanted): Promise<Set<string>> {
  const { addressKeys, policy } = wanted;
  const addressOf = (key: string) => (key.startsWith(numberMark) ? key.slice(numberMark.length) : key);
  const candidates = await candidatesByAddress(sql, tenantId, { addressKeys: addressKeys.map(addressOf), policy });
  return new Set(
    addressKeys.filter((key) => {
      const found = candidates.get(addressOf(key)) ?? [];
      return (key === addressOf(key) ? recordsOfAddress(key, found, policy) : recordsOfNumber(found)).length > 0;
    }),
  );
}

/** The same in a transaction of its own. */
export async function addressKeysThatMatch(db: Database, tenantId: string, wanted: Wanted): Promise<Set<string>> {
  return db.inTenant(tenantId, (sql) => matchingKeys(sql, tenantId, wanted));
}
