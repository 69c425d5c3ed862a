/** Spaces connections to a host over all workers. */
export interface HostPace {
  /** Resolves when a connection to the host may be made. @throws the reason of the signal, or where no turn could be reserved */
  turn(host: string, signal?: AbortSignal): Promise<void>;
}

/** Where turns are reserved, and how many there are. */
export interface HostPaceOptions {
  /** Reserves turns for all workers together: milliseconds until the first one. */
  reserve: (wanted: { host: string; count: number; perSecond: number }) => Promise<number>;
  perSecondOf: (host: string) => number;
}

interface Waiting {
  go: (delayMs: number) => void;
  fail: (error: unknown) => void;
}

/**
 * Makes the pace of a process. Whoever comes alone reserves one turn; those who come while a reservation is under way get theirs in one
 * block together, of a second's worth at most, so that other workers come in between.
 */
export function createHostPace(options: HostPaceOptions): HostPace {
  const queues = new Map<string, Waiting[]>();

  async function reserveFor(host: string, queue: Waiting[]): Promise<void> {
    const perSecond = options.perSecondOf(host);
    while (queue.length > 0) {
      const block = queue.slice(0, Math.max(1, Math.floor(perSecond)));
      try {
        const delayMs = await options.reserve({ host, count: block.length, perSecond });
        for (const [place, waiting] of block.entries()) waiting.go(delayMs + (place * 1_000) / perSecond);
      } catch (error) {
        for (const waiting of block) waiting.fail(error);
      }
      queue.splice(0, block.length);
    }
    queues.delete(host);
  }

  return {
    turn: (name, signal) => {
      const host = name.toLowerCase();
      return new Promise((resolve, reject) => {
        const waiting: Waiting = {
          go: (delayMs) => {
            waitFor(delayMs, signal).then(resolve, reject);
          },
          fail: reject,
        };
        const queue = queues.get(host);
        if (queue !== undefined) {
          queue.push(waiting);
          return;
        }
        const fresh = [waiting];
        queues.set(host, fresh);
        void reserveFor(host, fresh);
      });
    },
  };
}

function waitFor(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort);
      resolve();
    }, ms);
    if (signal?.aborted === true) abort();
    else signal?.addEventListener('abort', abort, { once: true });
  });
}
