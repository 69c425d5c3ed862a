const firstMs = 5_000;
const capMs = 900_000;
/** Never at once, however the dice fall. */
const leastMs = 500;

/**
 * How long to wait after the `failedRounds`th failure in a row (from 1): doubling from 5 s, at most 15 minutes, with full jitter
 * above half a second, so that mailboxes of one host do not come back together. `random` is from 0 to 1; `longestMs` replaces the 15 minutes.
 */
export function backoffMs(failedRounds: number, random: number, longestMs = capMs): number {
  const ceiling = Math.min(longestMs, firstMs * 2 ** Math.min(failedRounds - 1, 20));
  const least = Math.min(leastMs, ceiling);
  return Math.round(least + (ceiling - least) * random);
}
