/** Why a message may belong to a record that it is not linked to. */
export type SuggestionReason = 'same-thread' | 'same-address' | 'same-name' | 'same-domain';

/** A record that a person may want to link a message to. */
export interface Suggestion {
  recordId: string;
  type: string;
  name: string;
  /** Each once, the strongest first. */
  reasons: SuggestionReason[];
}

/** How much each says; together they put records in order. Whoever writes in the same thread is meant more surely than a namesake. */
const weights: Readonly<Record<SuggestionReason, number>> = {
  'same-thread': 8,
  'same-address': 6,
  'same-name': 3,
  'same-domain': 2,
};

/** Suggestions out of single reasons: a record once, the likeliest first, at most `limit`. */
export function suggestionsOf(
  found: { recordId: string; type: string; name: string; reason: SuggestionReason }[],
  limit: number,
): Suggestion[] {
  const byRecord = new Map<string, Suggestion>();
  for (const { reason, ...record } of found) {
    const known = byRecord.get(record.recordId) ?? { ...record, reasons: [] };
    if (!known.reasons.includes(reason)) known.reasons.push(reason);
    byRecord.set(record.recordId, known);
  }
  const all = [...byRecord.values()].map((one) => ({
    ...one,
    reasons: one.reasons.sort((reason, other) => weights[other] - weights[reason]),
  }));
  return all
    .sort((one, other) => weightOf(other) - weightOf(one) || one.recordId.localeCompare(other.recordId))
    .slice(0, limit);
}

function weightOf({ reasons }: Suggestion): number {
  return reasons.reduce((sum, reason) => sum + weights[reason], 0);
}

const longestName = 200;

/**
 * The names under which a sender may be kept: as it is written, and `First Last` for `Last, First`; in lower case, as they are compared. Names of
 * one letter, and addresses in place of names, say nothing.
 */
export function namesToCompare(displayName: string): string[] {
  const name = displayName.replace(/\s+/g, ' ').trim().slice(0, longestName).toLowerCase();
  if (name.length < 2 || name.includes('@')) return [];
  const [, last, first] = /^([^,]+), ?([^,]+)$/.exec(name) ?? [];
  return last === undefined || first === undefined ? [name] : [name, `${first} ${last}`];
}
