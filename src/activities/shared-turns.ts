import { setTimeout as sleep } from 'node:timers/promises';

/** Work for a key, such as a tenant, that all who want it within a short time have done once. */
export interface SharedTurns {
  /**
   * Resolves when a turn has ended that began after this call; `count` is what the caller adds to its work.
   * @throws what the turn throws
   */
  join(key: string, count: number): Promise<void>;
}

interface Turn {
  /** Resolves when the next may begin. */
  over: Promise<unknown>;
  /** What is added to the next; null where nobody waits for one. */
  next: { count: number; ended: Promise<void> } | null;
}

/** Turns of a key follow one another, and begin at least `everyMs` apart. The first begins at once; who comes during it shares the next. */
export function createSharedTurns(work: (key: string, count: number) => Promise<void>, everyMs: number): SharedTurns {
  const turns = new Map<string, Turn>();

  function begin(key: string, count: number): Promise<void> {
    const ended = work(key, count);
    const over = Promise.allSettled([ended, sleep(everyMs, undefined, { ref: false })]);
    const turn: Turn = { over, next: null };
    turns.set(key, turn);
    void over.then(() => {
      if (turn.next === null) turns.delete(key);
    });
    return ended;
  }

  return {
    join(key, count) {
      const turn = turns.get(key);
      if (turn === undefined) return begin(key, count);
      const { over } = turn;
      turn.next ??= { count: 0, ended: over.then(() => begin(key, turn.next?.count ?? 0)) };
      turn.next.count += count;
      return turn.next.ended;
    },
  };
}
