/** How many rows one transaction takes, as many as fit into a time: others wait while it holds their lock. */
export interface ChunkSize {
  rows(): number;
  /** A transaction of so many rows has held the lock for so long. */
  took(rows: number, heldMs: number): void;
}

const smallestRows = 20;
const firstShare = 4;
/** One that was slow by chance is soon forgotten, and one that was quick does not make the next too long. */
const mostGrowth = 2;

/** Begins with a quarter of `most` rows, and follows what they take: on a quiet machine as many as may be, beside other work few. */
export function createChunkSize({ most, holdMs }: { most: number; holdMs: number }): ChunkSize {
  const smallest = Math.min(smallestRows, most);
  let rows = Math.max(smallest, Math.ceil(most / firstShare));
  return {
    rows: () => rows,
    took(taken, heldMs) {
      if (taken === 0) return;
      const fitting = Math.floor((taken * holdMs) / Math.max(1, heldMs));
      rows = Math.min(most, Math.max(smallest, Math.min(fitting, rows * mostGrowth)));
    },
  };
}
