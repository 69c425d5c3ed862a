import type { FolderSnapshot } from '../domain/folder';
import type { BatchItem, BatchResult } from '../db/ingest/batch';

/** A batch that is being read. `done` is called when it is written, or never will be. */
export interface Reading {
  items: Promise<BatchItem[]>;
  done: () => void;
}

/** Writes batches one after the other, in the order they were fetched, while the next ones are fetched and read. */
export interface Recorder {
  /** Hands over a batch; waits while too many are under way. */
  add(reading: Reading): Promise<void>;
  /** Keeps the last batch back for `finish`, so that the cursor moves in the transaction that writes the last rows. Nothing is fetched after it. */
  addLast(reading: Reading): void;
  /** Writes what is left, with the cursor. */
  finish(last: { items: BatchItem[]; cursor: FolderSnapshot | null }): Promise<BatchResult>;
  /** After a failure elsewhere: waits until nothing is under way. */
  abandon(): Promise<void>;
}

type Write = (items: BatchItem[], cursor: FolderSnapshot | null) => Promise<BatchResult>;

/** At most `ahead` batches are under way at once. */
export function createRecorder(write: Write, ahead: number): Recorder {
  const total: BatchResult = { recorded: 0, filtered: 0, parked: 0 };
  const underWay: Promise<void>[] = [];
  let last: Reading | null = null;
  let chain: Promise<void> = Promise.resolve();

  function count(result: BatchResult): void {
    total.recorded += result.recorded;
    total.filtered += result.filtered;
    total.parked += result.parked;
  }

  return {
    async add(reading) {
      reading.items.catch(() => undefined); // thrown where the chain is awaited
      chain = chain.then(async () => {
        const items = await reading.items;
        if (items.length > 0) count(await write(items, null));
      });
      const settled = chain.finally(reading.done);
      settled.catch(() => undefined); // likewise, below or in finish
      underWay.push(settled);
      while (underWay.length >= ahead) await underWay.shift();
    },
    addLast(reading) {
      reading.items.catch(() => undefined); // thrown in finish
      last = reading;
    },
    async finish({ items, cursor }) {
      await chain;
      const all = [...((await last?.items) ?? []), ...items];
      if (all.length > 0 || cursor !== null) count(await write(all, cursor));
      last?.done();
      return total;
    },
    async abandon() {
      await Promise.allSettled([...underWay, chain, last?.items]);
      last?.done();
    },
  };
}
