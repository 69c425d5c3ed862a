/** What a connection to an account is for. `second-look`: a fresh one beside that of a round, to ask again what a listing left out. */
export type ConnectionPurpose = 'watch' | 'sync' | 'import' | 'audit' | 'second-look';

/** Three are the fewest that do: with two, a round would wait for an import, or nobody could watch. */
const ownSlots: Record<ConnectionPurpose, number[]> = {
  watch: [0],
  sync: [1],
  import: [2],
  audit: [2],
  'second-look': [2, 1],
};
const fewest = 3;

/**
 * The slots that a connection may take, best first, where an account may have `most` connections: those of its purpose, so that nobody who
 * watches keeps rounds waiting, nor an import either of them; and then those that all share.
 */
export function slotsOf(purpose: ConnectionPurpose, most: number): number[] {
  const shared = Array.from({ length: Math.max(0, most - fewest) }, (_, index) => fewest + index);
  return [...ownSlots[purpose], ...shared];
}
