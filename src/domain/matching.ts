import { projectTypes } from './activity';
import { domainOf } from './address';
import { rolesOf } from './match-headers';
import type { AddressRole } from './message';
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
  /**
   * How: the address is one of the record, or the same account of Gmail; or its domain is one of the company; or it is one of ours with the
   * record's number before it.
   */
  by: { way: 'address' | 'gmail'; kind: AddressKind } | { way: 'domain' } | { way: 'number' };
}

/** An address of a message, with the header it stands in. */
export interface HeaderAddress {
  role: string;
  addressKey: string;
}

/** Why a message belongs to a record. */
export interface MatchReason {
  recordId: string;
  /** `address`: of the record; `rule`: the domain of the address is one of the company, or the number in it is that of the project. */
  kind: 'address' | 'rule';
  /** The header's role and the address as it stands in the message, with a colon between. */
  key: string;
  /** Of the record. */
  version: number;
}

/** Which of its candidates an address leads to, by a policy; those of a number are none of them. */
export function recordsOfAddress(
  addressKey: string,
  candidates: Candidate[],
  policy: Omit<MatchingPolicy, 'matchHeaders' | 'severalCompanies'>,
): Candidate[] {
  const counting = candidates.filter(({ by }) => {
    if (by.way === 'number') return false;
    if (by.way === 'domain') return policy.companyDomains === 'link' && !isPublicMailDomain(domainOf(addressKey));
    if (by.way === 'gmail' && policy.gmailAddresses === 'exact') return false;
    return policy.matchKinds.includes(by.kind);
  });
  if (policy.matchTypes === 'all') return counting;
  const first = policy.matchTypes.find((type) => counting.some((candidate) => candidate.type === type));
  return counting.filter(({ type }) => type === first);
}

/** The headers in which a number counts, whatever a policy says of addresses: those that say where the mail is to go (product promise D1). */
export const numberRoles = ['to', 'cc', 'bcc', 'delivered-to'] as const satisfies readonly AddressRole[];

/** Whether an address in such a header may be one of ours with a number before it: something stands before a dot of its local part. */
export function mayHaveNumber({ role, addressKey }: HeaderAddress): boolean {
  return (numberRoles as readonly string[]).includes(role) && mayNameNumber(addressKey);
}

/** The same of an address in any header. */
export function mayNameNumber(addressKey: string): boolean {
  const dot = addressKey.indexOf('.', 1);
  return dot > 0 && dot < addressKey.lastIndexOf('@');
}

/** What stands before a number among addresses, and before an address that is looked at for its number alone. No address begins with it. */
export const numberMark = 'number:';

/** The number of a record by which mail is filed at it, among addresses whose mail is matched again; none where its type is not filed at so. */
export function numberKeys({ type, number }: { type: string; number: string | null }): string[] {
  return number !== null && projectTypes.includes(type) ? [`${numberMark}${number.toLowerCase()}`] : [];
}

/** The records whose number stands before an address: projects go before opportunities of the same number. */
export function recordsOfNumber(candidates: Candidate[]): Candidate[] {
  const numbered = candidates.filter(({ by }) => by.way === 'number');
  const first = projectTypes.find((type) => numbered.some((candidate) => candidate.type === type));
  return first === undefined ? numbered : numbered.filter(({ type }) => type === first);
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
  const matches = addresses.flatMap((address) => {
    const { role, addressKey } = address;
    const found = candidates.get(addressKey) ?? [];
    const records = [
      ...(roles.has(role) ? recordsOfAddress(addressKey, found, policy) : []),
      ...(mayHaveNumber(address) ? recordsOfNumber(found) : []),
    ];
    return records.map((record) => ({ record, key: `${role}:${addressKey}` }));
  });
  const records = matches.map(({ record }) => record);
  const apart = policy.severalCompanies === 'link-none' && companiesOf(records).length > 1;
  const reasons = new Map<string, MatchReason>();
  for (const { record, key } of matches) {
    if (apart && isOfCompany(record)) continue;
    const { recordId, version } = record;
    const kind = record.by.way === 'domain' || record.by.way === 'number' ? 'rule' : 'address';
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
