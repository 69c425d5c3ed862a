import type { Policy } from './policy';

/** The headers whose addresses take part in an activity. Bcc does not: it belongs to a copy, and is shown to its holders alone. */
export const partyHeaders = ['from', 'sender', 'to', 'cc'] as const;
export type PartyHeader = (typeof partyHeaders)[number];

/** An address of a message, by its normal form. */
export interface ActivityAddress {
  header: PartyHeader;
  key: string;
}

/** A record as far as the rules look at it. */
export interface RuledRecord {
  recordId: string;
  type: string;
  companyId: string | null;
}

/** All that decides what becomes of a message. Ids are whatever the caller has. */
export interface ActivityFacts {
  /** In the order of From, Sender, To, Cc, and as they stand in each. */
  addresses: ActivityAddress[];
  /** Our own addresses: whose they are, or null for those of a mailbox without an owner. */
  ours: ReadonlyMap<string, string | null>;
  /** The records that have an address. */
  records: ReadonlyMap<string, readonly RuledRecord[]>;
  /** Records that a person linked to the message or its thread. */
  byHand: readonly RuledRecord[];
  /** Records that the message is linked to by their number, or because it answers mail of theirs. */
  byRule: readonly RuledRecord[];
  /** Records that a person took away from the message. */
  suppressed: ReadonlySet<string>;
  severalCompanies: Policy['severalCompanies'];
}

/** Somebody in a message. The owner of the activity is none of them. */
export type ActivityParty =
  | { kind: 'user'; header: PartyHeader; key: string; userId: string }
  | { kind: 'contact'; header: PartyHeader; key: string; recordId: string }
  | { kind: 'external'; header: PartyHeader; key: string; recordId: string | null };

/** What a message is as an entry of the CRM. */
export interface Activity {
  ownerUserId: string | null;
  companyIds: string[];
  projectIds: string[];
  /** Each once, in the order of the addresses. */
  parties: ActivityParty[];
}

/**
 * The activity that a message is (product promises C8 and C9). The user who sent it owns it, else the first user among To, then Cc; further
 * users are participants. Contacts are participants, and it belongs to their company; where they have several, `link-none` makes all of
 * them external and leaves it without a company, and `link-all` keeps it with each. A company that a person linked decides instead; that of what is
 * answered does where nobody in the message has one.
 * Everybody else is external: leads, intermediaries, strangers. Addresses of ours that are no user's are nobody.
 */
export function activityOf(facts: ActivityFacts): Activity {
  const people = facts.addresses.slice(0, mostAddresses).map((address) => personOf(facts, address));
  const users = [...new Set(people.flatMap((person) => (person.kind === 'user' ? [person.userId] : [])))];
  const [ownerUserId = null] = users;
  const companyIds = companiesOf(facts, people);
  const allAreExternal = companyIds === 'too-many';
  const parties = new Map<string, ActivityParty>();
  for (const person of people) {
    const party = partyOf(person, allAreExternal);
    if (party === null || (party.kind === 'user' && party.userId === ownerUserId)) continue;
    const once = identityOf(party);
    if (!parties.has(once)) parties.set(once, party);
  }
  return {
    ownerUserId,
    companyIds: companyIds === 'too-many' ? [] : companyIds,
    projectIds: projectsOf(facts),
    parties: [...parties.values()],
  };
}

/** One message has no more; several copies of it that were sent to others each do. From and Sender come first, so they are never left out. */
const mostAddresses = 5_000;

type Person = ActivityAddress &
  ({ kind: 'user'; userId: string } | { kind: 'nobody' } | { kind: 'other'; records: readonly RuledRecord[] });

/** A user stays one where a record has the address too. */
function personOf(facts: ActivityFacts, address: ActivityAddress): Person {
  const { key } = address;
  const behind = facts.ours.has(key) ? key : addressesBehindNumber(key).find((own) => facts.ours.has(own));
  const owner = facts.ours.get(behind ?? '') ?? null;
  if (owner !== null) return { ...address, kind: 'user', userId: owner };
  if (behind !== undefined) return { ...address, kind: 'nobody' };
  const records = (facts.records.get(key) ?? []).filter(({ recordId }) => !facts.suppressed.has(recordId));
  return { ...address, kind: 'other', records };
}

function companiesOf(facts: ActivityFacts, people: Person[]): string[] | 'too-many' {
  const byHand = companiesAmong(facts.byHand);
  if (byHand.length > 0) return byHand;
  const areApart = facts.severalCompanies === 'link-none';
  const ofPeople = companiesAmong(people.flatMap((person) => (person.kind === 'other' ? person.records : [])));
  if (ofPeople.length > 0) return ofPeople.length > 1 && areApart ? 'too-many' : ofPeople;
  const answered = companiesAmong(facts.byRule);
  return answered.length > 1 && areApart ? [] : answered;
}

/** Contacts have a company; a company's own address names it. */
function companiesAmong(records: readonly RuledRecord[]): string[] {
  const ids = records.flatMap(({ recordId, type, companyId }) => {
    if (type === 'company') return [recordId];
    return type === 'contact' && companyId !== null ? [companyId] : [];
  });
  return [...new Set(ids)];
}

/** What the message is filed at by its numbers, what the answered mail is filed at, and what a person linked. */
function projectsOf({ byHand, byRule, suppressed }: ActivityFacts): string[] {
  const linked = [...byRule, ...byHand].flatMap(({ recordId, type }) => (isProject(type) ? [recordId] : []));
  return [...new Set(linked)].filter((recordId) => !suppressed.has(recordId));
}

/** The types of records that mail is filed at by their number (product promise D1). */
export const projectTypes: readonly string[] = ['project', 'opportunity'];

function isProject(type: string): boolean {
  return projectTypes.includes(type);
}

function partyOf(person: Person, allAreExternal: boolean): ActivityParty | null {
  const { header, key } = person;
  if (person.kind === 'nobody') return null;
  if (person.kind === 'user') return { kind: 'user', header, key, userId: person.userId };
  const contact = person.records.find(({ type }) => type === 'contact');
  if (contact !== undefined && !allAreExternal) return { kind: 'contact', header, key, recordId: contact.recordId };
  const recordId = contact?.recordId ?? person.records[0]?.recordId ?? null;
  return { kind: 'external', header, key, recordId };
}

function identityOf(party: ActivityParty): string {
  if (party.kind === 'user') return `user ${party.userId}`;
  return party.kind === 'contact' ? `contact ${party.recordId}` : `external ${party.key}`;
}

/** Each address that is left without what stands before one of the dots: where it is ours, that is a number (product promise D1). */
export function addressesBehindNumber(key: string): string[] {
  const at = key.lastIndexOf('@');
  const local = key.slice(0, at);
  const found: string[] = [];
  for (let dot = local.indexOf('.', 1); dot > 0 && found.length < mostDots; dot = local.indexOf('.', dot + 1)) {
    found.push(key.slice(dot + 1));
  }
  return found;
}

/** More dots than a local part has with a number before it, and fewer than a hostile sender may write. */
export const mostDots = 8;

/** Why mail is not taken in (product promise C10). */
export type ActivityRefusal = 'no-user' | 'no-subject';

/** Whether mail is refused: `keys` are all addresses of senders and recipients, `users` those of the tenant's users. */
export function refusalOf(
  policy: Policy['activity'],
  { keys, subject }: { keys: readonly string[]; subject: string },
  users: ReadonlySet<string>,
): ActivityRefusal | null {
  if (policy === null) return null;
  if (policy.requireUser && !keys.some((key) => isOfUser(key, users))) return 'no-user';
  return policy.requireSubject && subject.trim() === '' ? 'no-subject' : null;
}

/** Their own address, or one of theirs with a number before it. */
function isOfUser(key: string, users: ReadonlySet<string>): boolean {
  return users.has(key) || addressesBehindNumber(key).some((behind) => users.has(behind));
}
