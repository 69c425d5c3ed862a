/** Permission to hold shards: as many as are this worker's share, whatever is free elsewhere. */
export interface Seats {
  /** Resolves when one is free, and takes it. @throws the reason of the signal */
  take(signal: AbortSignal): Promise<void>;
  give(): void;
  /** How many there are from now on. Fewer than are taken is no contradiction: none is given out until some come back. */
  allow(count: number): void;
}

/** Makes seats, none at first. */
export function createSeats(): Seats {
  let allowed = 0;
  let taken = 0;
  const waiting = new Set<() => void>();
  const seat = () => {
    for (const sit of waiting) {
      if (taken >= allowed) return;
      waiting.delete(sit);
      taken += 1;
      sit();
    }
  };
  return {
    take: (signal) =>
      new Promise((resolve, reject) => {
        signal.throwIfAborted();
        const leave = () => {
          if (waiting.delete(sit)) reject(signal.reason as Error);
        };
        const sit = () => {
          signal.removeEventListener('abort', leave);
          resolve();
        };
        signal.addEventListener('abort', leave, { once: true });
        waiting.add(sit);
        seat();
      }),
    give: () => {
      taken -= 1;
      seat();
    },
    allow: (count) => {
      allowed = count;
      seat();
    },
  };
}
