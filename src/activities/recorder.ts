import type { FolderSnapshot } from '../domain/folder';
import type { BatchItem, BatchResult } from '../db/ingest/batch';

/** Writes batches one after the other, in the order they were fetched, while the next ones are fetched and read. */
export interface Recorder {
  /** Hands over a batch that is being read; waits while too many are under way. `done` is called when it is written, or never will be. */
  add(reading: Promise<BatchItem[]>, done: () => void): Promise<void>;
  /** Writes what is left, with the cursor in the same transaction as the last rows. */
  finish(last: { items: BatchItem[]; cursor: FolderSnapshot | null }): Promise<BatchResult>;
  /** After a failure elsewhere: waits until nothing is under way. */
  abandon(): Promise<void>;
}

type Write = (items: BatchItem[], cursor: FolderSnapshot | null) => Promise<BatchResult>;

/** At most `ahead` batches are under way at once. */
export function createRecorder(write: Write, ahead: number): Recorder {
  const total: BatchResult = { recorded: 0, filtered: 0, parked: 0 };
  const underWay: Promise<void>[] = [];
  let held: { reading: Promise<BatchItem[]>; done: () => void } | null = null;
  let chain: Promise<void> = Promise.resolve();

  function count(result: BatchResult): void {
    total.recorded += result.recorded;
    total.filtered += result.filtered;
    total.parked += result.parked;
  }

  function writeHeld(): void {
    if (held === null) return;
    const { reading, done } = held;
    held = null;
    chain = chain.then(async () => {
      const items = await reading;
      if (items.length > 0) count(await write(items, null));
    });
    const settled = chain.finally(done);
    settled.catch(() => undefined); // thrown where it is awaited: in add or finish
    underWay.push(settled);
  }

  return {
    async add(reading, done) {
      reading.catch(() => undefined); // likewise
      writeHeld();
      held = { reading, done };
      while (underWay.length >= ahead) await underWay.shift();
    },
    async finish({ items, cursor }) {
      const last = held;
      held = null;
      try {
        await chain;
        const all = [...((await last?.reading) ?? []), ...items];
        if (all.length > 0 || cursor !== null) count(await write(all, cursor));
      } finally {
        last?.done();
      }
      return total;
    },
    async abandon() {
      await Promise.allSettled([...underWay, chain, held?.reading]);
      held?.done();
    },
  };
}
