import type { Logger } from 'pino';

import type { Api, ApiContext } from './context';
import { erasuresPending } from './problems';
import { within } from './within';

/** Whether what was erased is erased here too: a database that was restored may hold it again. */
export interface ErasureGate {
  /** How many erasures must be done again before anything may be served; null where that cannot be told. */
  pending(): Promise<number | null>;
}

const settledForMs = 60_000;
const pendingForMs = 2_000;
/** Neither a request nor an activity waits for a long comparison. */
const answerMs = 3_000;

/**
 * Asks `replay`, which begins what must be erased again and counts what is not done, at most every few seconds until nothing is pending,
 * then once a minute. Where it fails after it has succeeded once, the last answer stands: the file is watched by its own log line.
 */
export function createErasureGate(
  replay: () => Promise<number>,
  { log, now }: { log: Logger; now: () => Date },
): ErasureGate {
  let last: { pending: number | null; at: number } = { pending: null, at: Number.NEGATIVE_INFINITY };
  let asking: Promise<number | null> | null = null;
  const ask = async (): Promise<number | null> => {
    try {
      last = { pending: await replay(), at: now().getTime() };
    } catch (error) {
      log.error(
        { error: error instanceof Error ? error.message : 'unknown' },
        'erasures cannot be compared with their file',
      );
      last = { ...last, at: now().getTime() };
    }
    return last.pending;
  };
  return {
    pending: () => {
      const heldForMs = last.pending === 0 ? settledForMs : pendingForMs;
      if (now().getTime() - last.at < heldForMs) return Promise.resolve(last.pending);
      asking ??= ask().finally(() => {
        asking = null;
      });
      // While nothing was pending nobody waits for the next look.
      return last.pending === 0 ? Promise.resolve(0) : asking;
    },
  };
}

/** The same in a few seconds at most; null also where it takes longer. */
export async function pendingSoon(gate: ErasureGate): Promise<number | null> {
  const looked = await within(gate.pending(), answerMs);
  return looked.kind === 'answered' ? looked.answer : null;
}

/** Serves nothing of anybody while erasures wait to be done again. What is open without a key says only how the process is. */
export function refuseUntilErased(api: Api, { erasures }: ApiContext): void {
  api.addHook('onRequest', async (request) => {
    if (request.routeOptions.config.access === 'public') return;
    const pending = await pendingSoon(erasures);
    if (pending !== 0) throw erasuresPending(pending);
  });
}
