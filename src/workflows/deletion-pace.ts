/** How long a deletion that stands still waits before it looks again, the first time. */
export const firstPauseMs = 5_000;
const longestPauseMs = 3_600_000;

/** The pause after this one: twice as long, an hour at most. */
export function pauseAfter(pauseMs: number): number {
  return Math.min(2 * pauseMs, longestPauseMs);
}

/** What is said of the speed of a deletion, behind how far it is; nothing where it is not known yet. */
export function speedOf({ rate, etaSeconds }: { rate: number | null; etaSeconds: number | null }): string {
  return rate === null ? '' : `, ${String(Math.round(rate))} a second, ${String(etaSeconds ?? 0)} s left`;
}

/** What is said of a deletion that stands still. */
export function standsStill({ tables }: { tables: string[] }): string {
  return `stands still: rows are left in ${tables.join(', ')}`;
}
