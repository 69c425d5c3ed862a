import { recordsOfAddress, type MatchingPolicy } from '../domain/matching';
import type { Database, Sql } from './database';
import { candidatesByAddress } from './match-candidates';

interface Wanted {
  addressKeys: string[];
  policy: Omit<MatchingPolicy, 'matchHeaders' | 'severalCompanies'>;
}

/**
 * Those of the address keys that lead to a record under a policy. Mail with one of them is not unmatched, also where it is linked to none
 * because contacts of several companies are in it.
 */
export async function matchingKeys(sql: Sql, tenantId: string, wanted: Wanted): Promise<Set<string>> {
  const candidates = await candidatesByAddress(sql, tenantId, wanted);
  return new Set(
    [...candidates].flatMap(([key, found]) => (recordsOfAddress(key, found, wanted.policy).length > 0 ? [key] : [])),
  );
}

/** The same in a transaction of its own. */
export async function addressKeysThatMatch(db: Database, tenantId: string, wanted: Wanted): Promise<Set<string>> {
  return db.inTenant(tenantId, (sql) => matchingKeys(sql, tenantId, wanted));
}
