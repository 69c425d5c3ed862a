import { gmailAccount } from '../domain/address';
import { mayNameNumber, type Candidate, type MatchingPolicy } from '../domain/matching';
import type { AddressKind } from '../domain/policy';
import type { Sql } from './database';
import { candidatesByNumber, numbersAreUsed } from './record-numbers';

/** What may have to be asked beside the addresses themselves. */
export type CandidatePolicy = Pick<MatchingPolicy, 'gmailAddresses' | 'companyDomains'>;

/** A candidate as the database tells it. */
export interface CandidateRow {
  address_key: string;
  record_id: string;
  kind: AddressKind | null;
  way: 'address' | 'gmail' | 'domain' | 'number';
  version: number;
  type: string;
  company_id: string | null;
}

/**
 * The records that addresses may lead to: columns of `CandidateRow`, of the rows of `wanted(address_key, gmail_key)` in the statement.
 * `gmail` and `domains` say whether accounts of Gmail and domains of companies are asked for. The addresses drive the look-ups, one by one
 * through keys: without statistics, in tables that an import is just filling, a planner that may choose joins tenants with themselves.
 */
export function candidatesOfWanted({ gmail, domains }: { gmail: string; domains: string }): string {
  return `
  SELECT found.address_key, found.record_id, found.kind, found.way, r.version, r.type, r.company_id
  FROM (
    SELECT w.address_key, a.record_id, a.kind, 'address' AS way FROM wanted w CROSS JOIN LATERAL (
      SELECT record_id, kind FROM record_address WHERE tenant_id = $1 AND address_key = w.address_key OFFSET 0) AS a
    UNION ALL
    SELECT w.address_key, g.record_id, g.kind, 'gmail' FROM wanted w CROSS JOIN LATERAL (
      SELECT record_id, kind, address_key FROM record_address WHERE tenant_id = $1 AND gmail_key = w.gmail_key OFFSET 0) AS g
    WHERE ${gmail} AND g.address_key <> w.address_key
    UNION ALL
    SELECT w.address_key, d.record_id, NULL, 'domain' FROM wanted w CROSS JOIN LATERAL (
      SELECT record_id, domain FROM record_domain WHERE tenant_id = $1 AND domain = split_part(w.address_key, '@', -1) OFFSET 0) AS d
    WHERE ${domains}
      AND NOT EXISTS (SELECT FROM user_address u WHERE u.tenant_id = $1 AND u.address_key = w.address_key)
      AND NOT EXISTS (SELECT FROM tenant t WHERE t.tenant_id = $1 AND d.domain = ANY (t.own_domains))
  ) AS found
  CROSS JOIN LATERAL (
    SELECT version, type, (
      SELECT c.id FROM record c WHERE c.tenant_id = $1 AND c.id = record.company_id AND c.deleted_at IS NULL) AS company_id
    FROM record WHERE tenant_id = $1 AND id = found.record_id AND deleted_at IS NULL
      AND (found.way <> 'domain' OR type = 'company') OFFSET 0
  ) AS r`;
}

/** The records that these addresses may lead to, by address. */
export async function candidatesByAddress(
  sql: Sql,
  tenantId: string,
  { addressKeys, policy }: { addressKeys: string[]; policy: CandidatePolicy },
): Promise<Map<string, Candidate[]>> {
  if (addressKeys.length === 0) return new Map();
  const keys = [...new Set(addressKeys)];
  const gmail = policy.gmailAddresses !== 'exact';
  const rows = await sql.query<CandidateRow | NumbersRow>(candidatesStatement, [
    tenantId,
    keys,
    keys.map((key) => (gmail ? gmailAccount(key) : null)),
    gmail,
    policy.companyDomains === 'link',
  ]);
  const candidates = rows.filter((row) => row.way !== 'numbers');
  // Where nobody uses numbers, no statement asks for them.
  const dotted = rows.length > candidates.length ? keys.filter(mayNameNumber) : [];
  if (dotted.length === 0) return byAddress(candidates);
  return byAddress([...candidates, ...(await candidatesByNumber(sql, tenantId, dotted))]);
}

const candidatesStatement = `
WITH wanted AS MATERIALIZED (SELECT * FROM unnest($2::text[], $3::text[]) AS w(address_key, gmail_key))
${candidatesOfWanted({ gmail: '$4::boolean', domains: '$5::boolean' })}
UNION ALL SELECT NULL, NULL, NULL, 'numbers', NULL, NULL, NULL WHERE ${numbersAreUsed}`;

/** Mail may be filed by numbers. */
interface NumbersRow {
  way: 'numbers';
}

/** Candidates by the address of the message. A row may stand there several times. */
export function byAddress(rows: CandidateRow[]): Map<string, Candidate[]> {
  const found = new Map<string, Map<string, Candidate>>();
  for (const row of rows) {
    const ofKey = found.get(row.address_key) ?? new Map<string, Candidate>();
    const { record_id: recordId, type, version, company_id: companyId } = row;
    const by: Candidate['by'] =
      row.way === 'domain' || row.way === 'number' ? { way: row.way } : { way: row.way, kind: row.kind ?? 'other' };
    ofKey.set(`${recordId} ${row.way} ${row.kind ?? ''}`, { recordId, type, version, companyId, by });
    found.set(row.address_key, ofKey);
  }
  return new Map([...found].map(([key, candidates]) => [key, [...candidates.values()]]));
}
