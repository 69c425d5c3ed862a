/** What a connection to an account is for. `second-look`: a fresh one beside that of a round, to ask again what a listing left out. */
export const connectionPurposes = ['watch', 'sync', 'import', 'audit', 'second-look'] as const;

export type ConnectionPurpose = (typeof connectionPurposes)[number];

/** Three are the fewest that do: with two, a round would wait for an import, or nobody could watch. */
const ownSlots: Record<ConnectionPurpose, number[]> = {
  watch: [0],
  sync: [1],
  import: [2],
  audit: [2],
  'second-look': [2, 1],
};
const fewest = 3;

/** How many connections an account has at most where so many are wished for. */
export function connectionsAtMost(wished: number): number {
  return Math.max(fewest, wished);
}

/**
 * The slots that a connection may take, best first, where an account may have `most` connections: those of its purpose, so that nobody who
 * watches keeps rounds waiting, nor an import either of them; and then those that all share.
 */
export function slotsOf(purpose: ConnectionPurpose, most: number): number[] {
  const shared = Array.from({ length: connectionsAtMost(most) - fewest }, (_, index) => fewest + index);
  return [...ownSlots[purpose], ...shared];
}
