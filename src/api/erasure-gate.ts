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
/** A request does not wait for a long comparison. */
const answerMs = 3_000;

/**
 * Asks `replay`, which begins what must be erased again and counts what is not done, at most every few seconds until nothing is pending,
 * then once a minute. Where it fails after it has succeeded once, the last answer stands: the file is watched by its own log line.
 */
export function createErasureGate(
  replay: () => Promise<number>,
  { log, now }: { log: Logger; now: () => Date },
): ErasureGate {
  let last: { pending: number; at: number } | null = null;
  let asking: Promise<number | null> | null = null;
  const ask = async (): Promise<number | null> => {
    try {
      last = { pending: await replay(), at: now().getTime() };
    } catch (error) {
      log.error(
        { error: error instanceof Error ? error.message : 'unknown' },
        'erasures cannot be compared with their file',
      );
      if (last !== null) last = { ...last, at: now().getTime() };
    }
    return last?.pending ?? null;
  };
  return {
    pending: () => {
      if (last !== null) {
        const heldForMs = last.pending === 0 ? settledForMs : pendingForMs;
        if (now().getTime() - last.at < heldForMs) return Promise.resolve(last.pending);
      }
      asking ??= ask().finally(() => {
        asking = null;
      });
      // While nothing was pending nobody waits for the next look.
      return last?.pending === 0 ? Promise.resolve(0) : asking;
    },
  };
}

/** Serves nothing of anybody while erasures wait to be done again. What is open without a key says only how the process is. */
export function refuseUntilErased(api: Api, { erasures }: ApiContext): void {
  api.addHook('onRequest', async (request) => {
    if (request.routeOptions.config.access === 'public') return;
    const looked = await within(erasures.pending(), answerMs);
    const pending = looked.kind === 'answered' ? looked.answer : null;
    if (pending !== 0) throw erasuresPending(pending);
  });
}
