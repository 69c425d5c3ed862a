const firstMs = 5_000;
const capMs = 900_000;

/**
 * How long to wait after the `failedRounds`th failure in a row (from 1): doubling from 5 s, at most 15 minutes, with full jitter,
 * so that mailboxes of one host do not come back together. `random` is from 0 to 1; `longestMs` replaces the 15 minutes.
 */
export function backoffMs(failedRounds: number, random: number, longestMs = capMs): number {
  const ceiling = Math.min(longestMs, firstMs * 2 ** Math.min(failedRounds - 1, 20));
  return Math.round(ceiling / 2 + (ceiling / 2) * random);
}
