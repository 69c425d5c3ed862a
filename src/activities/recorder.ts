import type { BatchItem, BatchResult, WrittenBatch } from '../db/ingest/batch';
import type { NextCursor } from '../db/ingest/cursor';

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
  /** Writes what is left, with the cursor; where a write left a message to a later round, the cursor stays before it. */
  finish(last: { items: BatchItem[]; cursor: NextCursor | null }): Promise<BatchResult>;
  /** After a failure elsewhere: waits until nothing is under way. */
  abandon(): Promise<void>;
}

type Write = (items: BatchItem[], cursor: NextCursor | null) => Promise<WrittenBatch>;

/**
 * At most `ahead` batches are under way at once. What has been read while a transaction was running goes into the next one together, up
 * to `itemsPerWrite`: a transaction's round trips cost the same for one batch and for three.
 */
export function createRecorder(write: Write, limits: { ahead: number; itemsPerWrite: number }): Recorder {
  const total: WrittenBatch = { recorded: 0, filtered: 0, parked: 0, deferred: 0 };
  const waiting: { items: BatchItem[]; done: () => void }[] = [];
  const open = new Set<Reading>();
  const underWay: Promise<void>[] = [];
  let last: Reading | null = null;
  let reads: Promise<void> = Promise.resolve();
  let writes: Promise<void> = Promise.resolve();

  function close(reading: Reading): void {
    if (open.delete(reading)) reading.done();
  }

  async function writeWaiting(): Promise<void> {
    const items: BatchItem[] = [];
    const dones: (() => void)[] = [];
    for (let next = waiting[0]; next !== undefined && hasRoom(items, next.items, limits); next = waiting[0]) {
      waiting.shift();
      items.push(...next.items);
      dones.push(next.done);
    }
    try {
      if (items.length > 0) count(total, await write(items, null));
    } finally {
      for (const done of dones) done();
    }
  }

  return {
    async add(reading) {
      open.add(reading);
      reading.items.catch(() => undefined); // thrown where the chains are awaited
      reads = Promise.all([reads, reading.items]).then(([, items]) => {
        waiting.push({ items, done: () => close(reading) });
      });
      writes = Promise.all([reads, writes]).then(writeWaiting);
      writes.catch(() => undefined); // likewise, below or in finish
      underWay.push(writes);
      while (underWay.length >= limits.ahead) await underWay.shift();
    },
    addLast(reading) {
      open.add(reading);
      reading.items.catch(() => undefined); // thrown in finish
      last = reading;
    },
    async finish({ items, cursor }) {
      await writes;
      const all = [...((await last?.items) ?? []), ...items];
      const passed = total.deferred > 0 ? null : cursor;
      if (all.length > 0 || passed !== null) count(total, await write(all, passed));
      if (last !== null) close(last);
      return total;
    },
    async abandon() {
      // Also what was handed over behind a batch that failed: its bytes are in memory until it has been read.
      await Promise.allSettled([...[...open].map(({ items }) => items), ...underWay, reads, writes]);
      for (const reading of open) close(reading);
    },
  };
}

function count(total: WrittenBatch, result: WrittenBatch): void {
  total.recorded += result.recorded;
  total.filtered += result.filtered;
  total.parked += result.parked;
  total.deferred += result.deferred;
}

function hasRoom(items: BatchItem[], more: BatchItem[], limits: { itemsPerWrite: number }): boolean {
  return items.length === 0 || items.length + more.length <= limits.itemsPerWrite;
}
