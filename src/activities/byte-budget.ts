/** Bounds the bytes that a worker holds between server and database: back-pressure on every fetch of the process. */
export interface ByteBudget {
  /**
   * Waits until there is room, first come first served; `first` goes before those that wait and did not say so. More than the whole budget
   * is let in alone.
   * Whoever waits must hold nothing that only a later step of its own gives back.
   * @throws the signal's reason when it is aborted while waiting; nothing is taken then
   */
  take(bytes: number, signal: AbortSignal, turn?: 'first' | 'in-line'): Promise<void>;
  give(bytes: number): void;
  readonly inUse: number;
}

interface Waiting {
  bytes: number;
  first: boolean;
  enter: () => void;
}

/** A budget of `total` bytes. */
export function createByteBudget(total: number): ByteBudget {
  let inUse = 0;
  const waiting: Waiting[] = [];
  const fits = (bytes: number) => inUse === 0 || inUse + bytes <= total;
  const letIn = () => {
    for (let next = waiting[0]; next !== undefined && fits(next.bytes); next = waiting[0]) {
      waiting.shift();
      inUse += next.bytes;
      next.enter();
    }
  };
  return {
    take: (bytes, signal, turn = 'in-line') =>
      new Promise((resolve, reject) => {
        signal.throwIfAborted();
        const giveUp = () => {
          waiting.splice(waiting.indexOf(mine), 1);
          reject(signal.reason as Error);
          letIn();
        };
        const enter = () => {
          signal.removeEventListener('abort', giveUp);
          resolve();
        };
        const mine: Waiting = { bytes, first: turn === 'first', enter };
        signal.addEventListener('abort', giveUp, { once: true });
        const behind = mine.first ? waiting.findIndex(({ first }) => !first) : -1;
        waiting.splice(behind < 0 ? waiting.length : behind, 0, mine);
        letIn();
      }),
    give: (bytes) => {
      inUse -= bytes;
      letIn();
    },
    get inUse() {
      return inUse;
    },
  };
}
