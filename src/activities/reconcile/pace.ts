import { setTimeout as sleep } from 'node:timers/promises';

/** Waits until the next call may be made. */
export type Pace = () => Promise<void>;

/** At most so many a second, evenly; what took long before is not made up for. */
export function createPace(perSecond: number, now: () => number): Pace {
  let nextAt = 0;
  return async () => {
    const waitMs = nextAt - now();
    nextAt = Math.max(nextAt, now()) + 1_000 / perSecond;
    if (waitMs > 0) await sleep(waitMs);
  };
}
