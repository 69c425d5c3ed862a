/** Every placement has exactly one outcome (product promise B1). The numbers are those of `placement.outcome`. */
export const outcomes = { stored: 1, recorded: 2, filtered: 3, 'headers-only': 4, parked: 5 } as const;
export type Outcome = keyof typeof outcomes;

/** Whether the server still shows a placement. The numbers are those of `placement.presence`. */
export const presences = { live: 1, ended: 2, tombstoned: 3 } as const;
export type Presence = keyof typeof presences;

/** Why a placement was filtered. */
export type FilterReason =
  'before-start' | 'folder-role' | 'unmatched' | 'answers-linked' | 'no-user' | 'no-subject' | 'erased' | 'removed';

/** Rows of such a reason give way: what the server shows of them is fetched. */
export const reasonsToFetch: readonly FilterReason[] = ['folder-role', 'removed', 'answers-linked'];

/** The name of an outcome number. */
export function outcomeName(value: number): Outcome {
  return nameOf(outcomes, value);
}

/** The name of a presence number. */
export function presenceName(value: number): Presence {
  return nameOf(presences, value);
}

function nameOf<Name extends string>(table: Record<Name, number>, value: number): Name {
  for (const name of Object.keys(table) as Name[]) if (table[name] === value) return name;
  throw new RangeError(`no name for the number ${String(value)}`);
}
