/** Whether Temporal hears of this worker. */
export interface Touch {
  /** Asks again and again, until `end`. */
  start(): void;
  /** True once Temporal has not answered for so long that it takes this worker's activities for dead, or soon will. */
  isLost(): boolean;
  end(): void;
}

export interface TouchOptions {
  /** Asks Temporal for anything; ends by itself, within seconds, where there is no answer. */
  ask: () => Promise<void>;
  /** A clock that nobody sets: milliseconds since any moment. */
  now: () => number;
}

const askEveryMs = 2_500;
/** Heartbeats are sent every 9.2 s, and a shard whose heartbeat is missing for 11.5 s is given to another worker. */
const lostAfterMs = 10_000;

/**
 * The SDK sends heartbeats and asks for work behind our back, and says nothing where neither arrives: a worker that is cut off from Temporal
 * alone would count as there, and keep shards from the others that it can hold no more.
 */
export function createTouch({ ask, now }: TouchOptions): Touch {
  let answeredAt = now();
  let hasFailed = false;
  let isAsking = false;
  let asking: NodeJS.Timeout | undefined;

  async function askOnce(): Promise<void> {
    if (isAsking) return;
    isAsking = true;
    try {
      await ask();
      answeredAt = now();
      hasFailed = false;
    } catch {
      hasFailed = true;
    } finally {
      isAsking = false;
    }
  }

  return {
    start: () => {
      answeredAt = now();
      asking = setInterval(() => void askOnce(), askEveryMs);
    },
    // Time in which this process did not get to ask, since the machine slept, says nothing.
    isLost: () => hasFailed && now() - answeredAt >= lostAfterMs,
    end: () => {
      clearInterval(asking);
    },
  };
}
