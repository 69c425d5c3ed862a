import {
  addressesBehindNumber,
  partyHeaders,
  projectTypes,
  type ActivityAddress,
  type ActivityFacts,
  type PartyHeader,
  type RuledRecord,
} from '../../domain/activity';
import { normaliseAddress } from '../../domain/address';
import { recordsOfAddress, type MatchingPolicy } from '../../domain/matching';
import type { Sql } from '../database';
import { candidatesByAddress } from '../match-candidates';

/** By what an activity is decided, as its source has it: when it is made, and when that source's mail is matched again. */
export type ActivityRule = Omit<MatchingPolicy, 'matchHeaders'>;

/** A message as far as the rules look at it. */
export interface RuledMessage {
  messageId: string;
  rule: ActivityRule;
  participants: Record<PartyHeader, { address: string }[]>;
  /** What further copies add: `role address-key`. */
  addresses: string[];
}

type OfMessage = RuledRecord & { messageId: string };
type LinkedRecord = OfMessage & { isByHand: boolean };

/** What is decided of each of these messages, by their ids: all that the rules need is asked at once. */
export async function factsOfMessages(
  sql: Sql,
  tenantId: string,
  messages: RuledMessage[],
): Promise<Map<string, ActivityFacts>> {
  const addressesOf = new Map(messages.map((message) => [message.messageId, partiesIn(message)]));
  const keys = new Set([...addressesOf.values()].flat().map(({ key }) => key));
  const messageIds = messages.map(({ messageId }) => messageId);
  const recipients = [...addressesOf.values()].flat().filter(({ header }) => header === 'to' || header === 'cc');
  const behind = [...new Set(recipients.map(({ key }) => key))].flatMap(addressesBehindNumber);
  const [ours, records, linked, suppressed] = await Promise.all([
    ourAddresses(sql, tenantId, [...new Set([...keys, ...behind])]),
    recordsOf(sql, tenantId, { keys: [...keys], rules: messages.map(({ rule }) => rule) }),
    linkedOtherwise(sql, tenantId, messageIds),
    suppressedRecords(sql, tenantId, messageIds),
  ]);
  return new Map(
    messages.map(({ messageId, rule }) => [
      messageId,
      {
        addresses: addressesOf.get(messageId) ?? [],
        ours,
        records: records(rule),
        byHand: linked.filter((record) => record.messageId === messageId && record.isByHand),
        byRule: linked.filter((record) => record.messageId === messageId && !record.isByHand),
        suppressed: new Set(suppressed.flatMap((link) => (link.messageId === messageId ? [link.recordId] : []))),
        severalCompanies: rule.severalCompanies,
      },
    ]),
  );
}

/** As they stand in the headers that are shown; what other copies add comes behind. */
function partiesIn({ participants, addresses }: RuledMessage): ActivityAddress[] {
  return partyHeaders.flatMap((header) => {
    const shown = participants[header].flatMap(({ address }) => normaliseAddress(address) ?? []);
    const added = addresses.flatMap((text) => (text.startsWith(`${header} `) ? [text.slice(header.length + 1)] : []));
    return [...new Set([...shown, ...added.sort()])].map((key) => ({ header, key }));
  });
}

/** Users' addresses first: they may be those of mailboxes too. */
async function ourAddresses(sql: Sql, tenantId: string, keys: string[]): Promise<Map<string, string | null>> {
  const rows = await sql.query<{ key: string; user_id: string | null }>(
    `SELECT address_key AS key, owner_user_id AS user_id FROM source
     WHERE tenant_id = $1 AND address_key = ANY ($2::text[]) AND deleted_at IS NULL
     UNION ALL SELECT address_key, user_id FROM user_address WHERE tenant_id = $1 AND address_key = ANY ($2::text[])`,
    [tenantId, keys],
  );
  const ours = new Map<string, string | null>();
  for (const { key, user_id: userId } of rows) ours.set(key, userId ?? ours.get(key) ?? null);
  return ours;
}

/** The records that addresses lead to by each rule, as links are made by it. */
async function recordsOf(
  sql: Sql,
  tenantId: string,
  { keys, rules }: { keys: string[]; rules: ActivityRule[] },
): Promise<(rule: ActivityRule) => Map<string, RuledRecord[]>> {
  const candidates = await candidatesByAddress(sql, tenantId, {
    addressKeys: keys,
    policy: {
      gmailAddresses: rules.some((rule) => rule.gmailAddresses !== 'exact') ? 'fold-dots-and-tags' : 'exact',
      companyDomains: rules.some((rule) => rule.companyDomains === 'link') ? 'link' : 'off',
    },
  });
  const inOrder = (one: RuledRecord, other: RuledRecord) => (one.recordId < other.recordId ? -1 : 1);
  return (rule) =>
    new Map([...candidates].map(([key, found]) => [key, recordsOfAddress(key, found, rule).sort(inOrder)]));
}

/** A company that was deleted is none, for as long as it is not restored. */
const companyOf = `(SELECT c.id FROM record c WHERE c.tenant_id = $1 AND c.id = r.company_id AND c.deleted_at IS NULL)`;

/**
 * Records that a person linked to a message or to its thread, or that it was linked to by what it answers, or by their number: also one in Bcc or a
 * delivery header, for nobody is named by it.
 */
function linkedOtherwise(sql: Sql, tenantId: string, messageIds: string[]): Promise<LinkedRecord[]> {
  return sql.query<LinkedRecord>(
    `SELECT l.message_id AS "messageId", r.id AS "recordId", r.type, ${companyOf} AS "companyId",
       bool_or(lr.kind <> 'rule' AND lr.key NOT LIKE 'reply:%') AS "isByHand"
     FROM link l JOIN record r ON r.tenant_id = $1 AND r.id = l.record_id AND r.deleted_at IS NULL
     JOIN link_reason lr ON lr.tenant_id = $1 AND lr.link_id = l.id
       AND (lr.kind IN ('person', 'thread') OR lr.kind = 'rule' AND r.type = ANY ($3::text[]))
     WHERE l.tenant_id = $1 AND l.message_id = ANY ($2::uuid[]) AND l.state = 'active'
     GROUP BY l.id, l.message_id, r.id, r.type, r.company_id ORDER BY r.id`,
    [tenantId, messageIds, projectTypes],
  );
}

function suppressedRecords(
  sql: Sql,
  tenantId: string,
  messageIds: string[],
): Promise<Pick<OfMessage, 'messageId' | 'recordId'>[]> {
  return sql.query(
    `SELECT message_id AS "messageId", record_id AS "recordId" FROM link
     WHERE tenant_id = $1 AND message_id = ANY ($2::uuid[]) AND state = 'suppressed'`,
    [tenantId, messageIds],
  );
}
