import { lookup } from 'node:dns/promises';

import { createGate } from '../domain/gate';

type Answer = readonly { address: string }[];
type Lookup = (name: string) => Promise<Answer>;

interface SharedLookupOptions {
  /** Asks for the addresses of a name; the system's resolver where absent. */
  ask?: Lookup;
  /** Names that are asked for at the same time: new and found ones, and beside them those that were not found the last time. */
  atOnce?: { sound: number; doubtful: number };
  /** A name that was not found is not asked for again before. */
  missingMs?: number;
  now?: () => number;
}

/** The system's resolver blocks a thread of libuv's pool for as long as it waits (getaddrinfo), and files and zlib need those threads too. */
const threadsForLookups = { sound: 6, doubtful: 2 };
const missingForMs = 5_000;
/** Names remembered as not found; more are some attack, and the oldest are forgotten. */
const mostMissing = 1_000;

/**
 * Makes a lookup of names that one domain's dead DNS cannot make slow for everybody. Whoever asks for the same name shares one question. Few are
 * under way at once, and names that were not found the last time have places of their own. What was not found is not asked for again for some
 * seconds; what was found is asked for each time, because how long an answer holds is the resolver's to know. Rejects as `dns.lookup` does.
 */
export function createSharedLookup(options: SharedLookupOptions = {}): Lookup {
  const ask = options.ask ?? ((name) => lookup(name, { all: true, verbatim: true }));
  const { atOnce = threadsForLookups, missingMs = missingForMs, now = Date.now } = options;
  const underWay = new Map<string, Promise<Answer>>();
  const missing = new Map<string, { error: Error; until: number }>();
  const sound = createGate(atOnce.sound);
  const doubtful = createGate(atOnce.doubtful);

  function remember(name: string, why: unknown): void {
    const error = why instanceof Error ? why : new Error('not found');
    missing.delete(name);
    missing.set(name, { error, until: now() + missingMs });
    const [oldest] = missing.keys();
    if (missing.size > mostMissing && oldest !== undefined) missing.delete(oldest);
  }

  function asked(name: string): Promise<Answer> {
    return (missing.has(name) ? doubtful : sound).pass('', async () => {
      try {
        const answer = await ask(name);
        missing.delete(name);
        return answer;
      } catch (error) {
        remember(name, error);
        throw error;
      }
    });
  }

  return (name) => {
    const known = missing.get(name);
    if (known !== undefined && now() < known.until) return Promise.reject(known.error);
    const shared = underWay.get(name) ?? asked(name).finally(() => underWay.delete(name));
    underWay.set(name, shared);
    return shared;
  };
}
