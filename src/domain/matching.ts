import { domainOf } from './address';
import { rolesOf } from './match-headers';
import type { AddressKind, Policy } from './policy';
import { isPublicMailDomain } from './public-mail-domains/public-mail-domains';

/** What of a policy decides which records mail belongs to. */
export type MatchingPolicy = Pick<
  Policy,
  'matchHeaders' | 'matchKinds' | 'matchTypes' | 'gmailAddresses' | 'companyDomains' | 'severalCompanies'
>;

/** A record that an address of a message may lead to. Own users and own domains lead to no company by their domain. */
export interface Candidate {
  recordId: string;
  type: string;
  version: number;
  /** The company that the record belongs to, where that exists. */
  companyId: string | null;
  /** How: the address is one of the record, or the same account of Gmail; or its domain is one of the company. */
  by: { way: 'address' | 'gmail'; kind: AddressKind } | { way: 'domain' };
}

/** An address of a message, with the header it stands in. */
export interface HeaderAddress {
  role: string;
  addressKey: string;
}

/** Why a message belongs to a record. */
export interface MatchReason {
  recordId: string;
  /** `address`: of the record; `rule`: the domain of the address is one of the company. */
  kind: 'address' | 'rule';
  /** The header's role and the address as it stands in the message, with a colon between. */
  key: string;
  /** Of the record. */
  version: number;
}

/** Which of its candidates an address leads to, by a policy. */
export function recordsOfAddress(
  addressKey: string,
  candidates: Candidate[],
  policy: Omit<MatchingPolicy, 'matchHeaders' | 'severalCompanies'>,
): Candidate[] {
  const counting = candidates.filter(({ by }) => {
    if (by.way === 'domain') return policy.companyDomains === 'link' && !isPublicMailDomain(domainOf(addressKey));
    if (by.way === 'gmail' && policy.gmailAddresses === 'exact') return false;
    return policy.matchKinds.includes(by.kind);
  });
  if (policy.matchTypes === 'all') return counting;
  const first = policy.matchTypes.find((type) => counting.some((candidate) => candidate.type === type));
  return counting.filter(({ type }) => type === first);
}

/**
 * Why a copy of a message belongs to records under the policy of its source; each reason once. `candidates` are those of all its addresses.
 * Where `severalCompanies` is `link-none` and contacts of several companies are in it, neither they nor their companies are linked.
 */
export function matchReasons(
  addresses: HeaderAddress[],
  candidates: ReadonlyMap<string, Candidate[]>,
  policy: MatchingPolicy,
): MatchReason[] {
  const roles = new Set<string>(rolesOf(policy));
  const matches = addresses
    .filter(({ role }) => roles.has(role))
    .flatMap(({ role, addressKey }) =>
      recordsOfAddress(addressKey, candidates.get(addressKey) ?? [], policy).map((record) => {
        return { record, key: `${role}:${addressKey}` };
      }),
    );
  const records = matches.map(({ record }) => record);
  const apart = policy.severalCompanies === 'link-none' && companiesOf(records).length > 1;
  const reasons = new Map<string, MatchReason>();
  for (const { record, key } of matches) {
    if (apart && isOfCompany(record)) continue;
    const { recordId, version } = record;
    const kind = record.by.way === 'domain' ? 'rule' : 'address';
    reasons.set(`${recordId} ${kind} ${key}`, { recordId, kind, key, version });
  }
  return [...reasons.values()];
}

/** A contact or a company: what `severalCompanies` speaks of. Leads, brokers, projects and tickets are linked all the same. */
function isOfCompany({ type }: { type: string }): boolean {
  return type === 'contact' || type === 'company';
}

/**
 * The companies that records stand for, each once: companies themselves, and those of contacts. A contact of no company stands for none.
 */
export function companiesOf(records: { recordId: string; type: string; companyId: string | null }[]): string[] {
  const companies = records.flatMap(({ recordId, type, companyId }) => {
    if (type === 'company') return [recordId];
    return type === 'contact' && companyId !== null ? [companyId] : [];
  });
  return [...new Set(companies)];
}
