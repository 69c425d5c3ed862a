import { matchReasons, numberRoles, type HeaderAddress, type MatchingPolicy } from '../domain/matching';
import { defaultPolicy } from '../domain/policy';
import type { Sql } from './database';
import type { MessageReason, StaleReason } from './link-write';
import { byAddress, candidatesOfWanted, type CandidateRow } from './match-candidates';
import { candidatesByNumber, numbersAreUsed, type NumberedRow } from './record-numbers';

/** How the links of messages differ from those they would get if they arrived now. */
export interface MatchDifferences {
  /** Reasons that should stand and do not; none for a link that a person took away. */
  missing: MessageReason[];
  /** Reasons that do not hold any more, each with its message. Of links that a person took away none is told. */
  stale: (StaleReason & { messageId: string })[];
}

/**
 * Compares the links of stored messages with what the records say as they are now, under the policy of each copy's source as it is now. Reasons of threads and of people are not looked at.
 */
export function matchDifferences(sql: Sql, tenantId: string, messageIds: string[]): Promise<MatchDifferences> {
  return differencesUnder(sql, tenantId, { messageIds, instead: null });
}

/** The same, where one source had another policy (`instead`). */
export async function differencesUnder(
  sql: Sql,
  tenantId: string,
  { messageIds, instead }: { messageIds: string[]; instead: { sourceId: string; policy: MatchingPolicy } | null },
): Promise<MatchDifferences> {
  if (messageIds.length === 0) return { missing: [], stale: [] };
  const values = [tenantId, messageIds];
  const asked = [instead?.policy.gmailAddresses === 'fold-dots-and-tags', instead?.policy.companyDomains === 'link'];
  const [matches, policies, standing] = await Promise.all([
    sql.query<MatchRow>(matchesStatement, [...values, ...asked]),
    sql.query<{ id: string; policy: Partial<MatchingPolicy>; numbers: boolean }>(policiesStatement, values),
    sql.query<StandingRow>(standingStatement, values),
  ]);
  // Where nobody uses numbers, no statement asks for them.
  const numbered = policies.some(({ numbers }) => numbers) ? await numberedMatches(sql, tenantId, messageIds) : [];
  const policyOf = new Map(policies.map(({ id, policy }) => [id, policy]));
  if (instead !== null) policyOf.set(instead.sourceId, instead.policy);
  return differences(wantedReasons([...matches, ...numbered], policyOf), standing);
}

interface MatchRow extends CandidateRow {
  message_id: string;
  source_id: string;
  role: string;
}

const tenantHas = (name: keyof MatchingPolicy, value: string) =>
  `(SELECT EXISTS (SELECT FROM source WHERE tenant_id = $1 AND policy ->> '${name}' = '${value}'))`;

// Materialized, and by keys, so that each table is asked once by the ids, also while its statistics are behind an import.
const matchesStatement = `
WITH held AS MATERIALIZED (
  SELECT DISTINCT w.message_id, c.source_id, ca.role, ca.address_key, ca.gmail_key
  FROM unnest($2::uuid[]) AS w(message_id)
  CROSS JOIN LATERAL (SELECT id, source_id FROM copy WHERE tenant_id = $1 AND message_id = w.message_id OFFSET 0) AS c
  CROSS JOIN LATERAL (
    SELECT role, address_key, gmail_key FROM copy_address WHERE tenant_id = $1 AND copy_id = c.id OFFSET 0) AS ca
), wanted AS MATERIALIZED (SELECT DISTINCT address_key, gmail_key FROM held
), known AS MATERIALIZED (${candidatesOfWanted({
  gmail: `($3::boolean OR ${tenantHas('gmailAddresses', 'fold-dots-and-tags')})`,
  domains: `($4::boolean OR ${tenantHas('companyDomains', 'link')})`,
})}
)
SELECT h.message_id, h.source_id, h.role, k.* FROM held h JOIN known k ON k.address_key = h.address_key`;

/** What the numbers of recipients lead to. */
async function numberedMatches(sql: Sql, tenantId: string, messageIds: string[]): Promise<MatchRow[]> {
  const held = await sql.query<Pick<MatchRow, 'message_id' | 'source_id' | 'role' | 'address_key'>>(
    recipientsStatement,
    [tenantId, messageIds, numberRoles],
  );
  const found = new Map<string, NumberedRow[]>();
  for (const row of await candidatesByNumber(sql, tenantId, [...new Set(held.map((one) => one.address_key))])) {
    found.set(row.address_key, [...(found.get(row.address_key) ?? []), row]);
  }
  return held.flatMap((one) => (found.get(one.address_key) ?? []).map((row) => ({ ...row, ...one })));
}

const recipientsStatement = `
SELECT DISTINCT w.message_id, c.source_id, ca.role, ca.address_key FROM unnest($2::uuid[]) AS w(message_id)
CROSS JOIN LATERAL (SELECT id, source_id FROM copy WHERE tenant_id = $1 AND message_id = w.message_id OFFSET 0) AS c
CROSS JOIN LATERAL (SELECT role, address_key FROM copy_address WHERE tenant_id = $1 AND copy_id = c.id OFFSET 0) AS ca
WHERE ca.role = ANY ($3::text[]) AND strpos(ca.address_key, '.') < strpos(ca.address_key, '@')`;

const policiesStatement = `
SELECT id, policy, (SELECT ${numbersAreUsed}) AS numbers FROM source WHERE tenant_id = $1 AND id IN (
  SELECT c.source_id FROM unnest($2::uuid[]) AS w(message_id)
  CROSS JOIN LATERAL (SELECT source_id FROM copy WHERE tenant_id = $1 AND message_id = w.message_id OFFSET 0) AS c)`;

interface StandingRow {
  id: string;
  message_id: string;
  record_id: string;
  state: 'active' | 'suppressed';
  /** null: the link has none of the reasons that are compared. */
  kind: string | null;
  key: string | null;
}

const standingStatement = `
SELECT l.id, l.message_id, l.record_id, l.state, r.kind, r.key FROM unnest($2::uuid[]) AS w(message_id)
CROSS JOIN LATERAL (SELECT id, message_id, record_id, state FROM link WHERE tenant_id = $1 AND message_id = w.message_id
  AND state IN ('active', 'suppressed') OFFSET 0) AS l
LEFT JOIN LATERAL (
  SELECT kind, key FROM link_reason WHERE tenant_id = $1 AND link_id = l.id AND kind IN ('address', 'rule') OFFSET 0) AS r ON true`;

/** The reasons of all copies, each once: one copy is enough. */
function wantedReasons(
  matches: MatchRow[],
  policies: ReadonlyMap<string, Partial<MatchingPolicy>>,
): Map<string, MessageReason> {
  const candidates = byAddress(matches);
  const copies = new Map<string, { messageId: string; sourceId: string; addresses: Map<string, HeaderAddress> }>();
  for (const { message_id: messageId, source_id: sourceId, role, address_key: addressKey } of matches) {
    const copy = copies.get(`${messageId} ${sourceId}`) ?? { messageId, sourceId, addresses: new Map() };
    copy.addresses.set(`${role}:${addressKey}`, { role, addressKey });
    copies.set(`${messageId} ${sourceId}`, copy);
  }
  const wanted = new Map<string, MessageReason>();
  for (const { messageId, sourceId, addresses } of copies.values()) {
    const policy = { ...defaultPolicy, ...policies.get(sourceId) };
    for (const reason of matchReasons([...addresses.values()], candidates, policy)) {
      wanted.set(`${messageId} ${reason.recordId} ${reason.kind} ${reason.key}`, { messageId, ...reason });
    }
  }
  return wanted;
}

function differences(wanted: Map<string, MessageReason>, standing: StandingRow[]): MatchDifferences {
  const missing = new Map(wanted);
  const suppressed = new Set<string>();
  const stale: MatchDifferences['stale'] = [];
  for (const { id, message_id: messageId, record_id: recordId, state, kind, key } of standing) {
    if (state === 'suppressed') suppressed.add(`${messageId} ${recordId}`);
    else if (kind !== null && key !== null && !missing.delete(`${messageId} ${recordId} ${kind} ${key}`))
      stale.push({ linkId: id, kind, key, messageId });
  }
  const left = [...missing.values()].filter(({ messageId, recordId }) => !suppressed.has(`${messageId} ${recordId}`));
  return { missing: left, stale };
}
