import { setTimeout as sleep } from 'node:timers/promises';

import type { Logger } from 'pino';

const tries = 60;
const pauseMs = 1_000;

/** Runs a first call on a server that may still be starting, once a second for a minute. @throws the last error */
export async function retryUntilReachable<T>(attempt: () => Promise<T>, log: Logger): Promise<T> {
  for (let number = 1; ; number += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (number >= tries) throw error;
      if (number === 1) log.warn({ event: 'temporal not reachable yet' }, 'waiting for Temporal');
    }
    await sleep(pauseMs);
  }
}
