/** Bounds the bytes that a worker holds between server and database: back-pressure on every fetch of the process. */
export interface ByteBudget {
  /** Waits until there is room, first come first served. More than the whole budget is let in alone. */
  take(bytes: number): Promise<void>;
  give(bytes: number): void;
  readonly inUse: number;
}

/** A budget of `total` bytes. */
export function createByteBudget(total: number): ByteBudget {
  let inUse = 0;
  const waiting: { bytes: number; enter: () => void }[] = [];
  const letIn = () => {
    for (let next = waiting[0]; next !== undefined && fits(next.bytes); next = waiting[0]) {
      waiting.shift();
      inUse += next.bytes;
      next.enter();
    }
  };
  const fits = (bytes: number) => inUse === 0 || inUse + bytes <= total;
  return {
    take: (bytes) =>
      new Promise((enter) => {
        waiting.push({ bytes, enter });
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
