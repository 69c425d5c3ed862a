/** What tells one message from another without its bytes; null where it is not known. */
export interface Traits {
  providerId: string | null;
  /** SHA-256 of its Message-ID header, in hex; null where it has none, or where that is not known. */
  messageIdHash: string | null;
  size: number | null;
  /** INTERNALDATE in milliseconds since the epoch. */
  internalDate: number | null;
}

/**
 * A message on the server that no copy stands for (not fetched yet, left out however long ago, or not delivered) and that has not been told
 * apart from those that go.
 */
export interface Sighting extends Traits {
  genId: number;
  uid: number;
  /** `passing`: it has no ledger row yet, and is known when it has. `standing`: it has one, so that it may stay as it is for ever. */
  is: 'passing' | 'standing';
}

/**
 * What looks at the folders in scope have shown. `proven`: each of them was listed whole, and nothing moved meanwhile. What was seen stands
 * for itself: whoever looks longer can only see more.
 */
export interface Evidence {
  proven: boolean;
  seen: Sighting[];
}

/** A copy that no folder in scope shows any more. */
export interface RemovalCandidate {
  copyId: string;
  /** `waiting` for its grace, `asked` a person, `confirmed` by one. */
  state: 'waiting' | 'asked' | 'confirmed';
  /** Its placements that the server still shows, in a folder in scope, or where nobody looks any more. */
  livePlacements: number;
  /** What its placements said of it; each of them may differ. */
  traits: Traits[];
  isDue: boolean;
  /** How long it has been waiting since its grace was over, in milliseconds. */
  overdueMs: number;
}

/** `alive`: it is there. `wait`: nothing can be said now. `ask`: so many go at once that a person must say so. */
export type RemovalVerdict = 'alive' | 'wait' | 'ask' | 'remove';

/** What tells an upstream removal from a broken server. */
export interface RemovalRule {
  /** More at once than this number and this share of the mailbox's messages wait for a person. */
  above: number;
  percent: number;
  /** Messages of the mailbox that are there. */
  alive: number;
  /** Candidates that are in Trash or Junk: somebody put them there, which no broken server does. */
  thrownAway: ReadonlySet<string>;
  /** A person is asked about what waits longer for nothing but messages of which the server says nothing at all. */
  unknownAfterMs: number;
}

/** Joins what looks have shown. In whatever order and however often they are joined, the same comes of it. */
export function mergeEvidence(...looks: readonly Evidence[]): Evidence {
  const seen = new Map<string, Sighting>();
  for (const look of looks) for (const sighting of look.seen) seen.set(JSON.stringify(sighting), sighting);
  const sorted = [...seen].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, sighting]) => sighting);
  return { proven: looks.every(({ proven }) => proven), seen: sorted };
}

/** Evidence that adds nothing to another. */
export const noEvidence: Evidence = { proven: true, seen: [] };

/**
 * Decides for each candidate what becomes of it. A copy with a live placement is alive; without proof, or while the server shows a message
 * that might be it, it waits; and where very many would go at once, they wait for a person, for a broken server looks just like it. So does,
 * after a while, what waits for nothing but a message of which the server never says anything: it may be any.
 */
export function decideRemovals(
  candidates: readonly RemovalCandidate[],
  evidence: Evidence,
  rule: RemovalRule,
): Map<string, RemovalVerdict> {
  const verdicts = new Map<string, RemovalVerdict>();
  const seen = indexOf(evidence.seen);
  const going: RemovalCandidate[] = [];
  for (const candidate of candidates) {
    if (candidate.livePlacements > 0) verdicts.set(candidate.copyId, 'alive');
    else if (!evidence.proven || mightBeSeen(candidate, seen)) verdicts.set(candidate.copyId, 'wait');
    else if (seen.unknown.size === 0) going.push(candidate);
    else verdicts.set(candidate.copyId, besideUnknown(candidate, seen, rule));
  }
  const unexplained = going.filter(({ copyId, state }) => state !== 'confirmed' && !rule.thrownAway.has(copyId));
  const isMass = unexplained.length > rule.above && isMoreThan(unexplained.length, rule);
  for (const candidate of going) verdicts.set(candidate.copyId, verdictOf(candidate, rule, isMass));
  return verdicts;
}

/** Only a person can say that a message which may be any is not this one. */
function besideUnknown({ state, overdueMs }: RemovalCandidate, seen: SeenIndex, rule: RemovalRule): RemovalVerdict {
  if (seen.unknown.has('passing') || overdueMs < rule.unknownAfterMs) return 'wait';
  return state === 'confirmed' ? 'remove' : 'ask';
}

function isMoreThan(count: number, { percent, alive }: RemovalRule): boolean {
  return count * 100 > percent * (alive + count);
}

function verdictOf(candidate: RemovalCandidate, rule: RemovalRule, isMass: boolean): RemovalVerdict {
  const { state, isDue, copyId } = candidate;
  if (state === 'confirmed') return 'remove';
  // Once a person is asked, the answer is waited for, however many are left.
  if (state === 'asked') return 'ask';
  if (isMass && !rule.thrownAway.has(copyId)) return 'ask';
  return isDue ? 'remove' : 'wait';
}

interface SeenIndex {
  providerIds: Set<string>;
  messageIdHashes: Set<string>;
  /** Of messages whose Message-ID is not known, or that have none. */
  sizes: Set<number>;
  dates: Set<number>;
  /** A message of which nothing is known may be any. */
  unknown: Set<Sighting['is']>;
}

function indexOf(seen: readonly Sighting[]): SeenIndex {
  const index: SeenIndex = {
    providerIds: new Set(),
    messageIdHashes: new Set(),
    sizes: new Set(),
    dates: new Set(),
    unknown: new Set(),
  };
  for (const { providerId, messageIdHash, size, internalDate, is } of seen) {
    if (providerId !== null) index.providerIds.add(providerId);
    if (messageIdHash !== null) index.messageIdHashes.add(messageIdHash);
    else {
      if (size !== null) index.sizes.add(size);
      if (internalDate !== null) index.dates.add(internalDate);
      if (providerId === null && size === null && internalDate === null) index.unknown.add(is);
    }
  }
  return index;
}

/**
 * Whether the server shows a message of which something is known, that no copy stands for, and that might be this one: it has its provider id or its Message-ID, or none
 * and its size or its date. Bytes that name another Message-ID are other bytes.
 */
function mightBeSeen({ traits }: RemovalCandidate, seen: SeenIndex): boolean {
  return traits.some(
    ({ providerId, messageIdHash, size, internalDate }) =>
      (providerId !== null && seen.providerIds.has(providerId)) ||
      (messageIdHash !== null && seen.messageIdHashes.has(messageIdHash)) ||
      (size !== null && seen.sizes.has(size)) ||
      (internalDate !== null && seen.dates.has(internalDate)),
  );
}

/** Of the candidates, those that a folder shows whose messages count as removed: by provider id, else by size and date together. */
export function thrownAwayAmong(candidates: readonly RemovalCandidate[], shown: readonly Traits[]): Set<string> {
  const known = new Set(shown.flatMap(keysOf));
  return new Set(
    candidates.filter(({ traits }) => traits.flatMap(keysOf).some((key) => known.has(key))).map(({ copyId }) => copyId),
  );
}

function keysOf({ providerId, size, internalDate }: Traits): string[] {
  const keys = providerId === null ? [] : [`id ${providerId}`];
  if (size !== null && internalDate !== null) keys.push(`at ${String(size)} ${String(internalDate)}`);
  return keys;
}
