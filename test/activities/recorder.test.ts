import { setTimeout as sleep } from 'node:timers/promises';

import { createByteBudget } from '../../src/activities/byte-budget';
import { createRecorder, type Reading } from '../../src/activities/recorder';
import type { BatchItem, WrittenBatch } from '../../src/db/ingest/batch';

const item = (uid: number): BatchItem => {
  const placed = { uid, size: 1, internalDate: null, flags: 0, modseq: null };
  return { kind: 'filtered', reason: 'unmatched', ...placed } as BatchItem;
};
const reading = (uid: number, done: () => void = () => undefined): Reading => ({
  items: Promise.resolve([item(uid)]),
  done,
});
const nothing: WrittenBatch = { recorded: 0, filtered: 0, parked: 0, deferred: 0 };
const cursor = { uidValidity: '1', uidNext: 9, messages: 3, highestModseq: null };

test('batches are written in order, and the cursor with the last rows', async () => {
  const written: [number[], boolean][] = [];
  const recorder = createRecorder(
    (items, at) => {
      written.push([items.map(({ uid }) => uid), at !== null]);
      return Promise.resolve({ ...nothing, filtered: items.length });
    },
    { ahead: 2, itemsPerWrite: 1 },
  );
  await recorder.add(reading(1));
  await recorder.add(reading(2));
  recorder.addLast(reading(3));
  expect(await recorder.finish({ items: [item(4)], cursor })).toEqual({ ...nothing, filtered: 4 });
  expect(written).toEqual([
    [[1], false],
    [[2], false],
    [[3, 4], true],
  ]);
});

test('the cursor stays where a batch before the last one left a message to a later round', async () => {
  const written: [number[], boolean][] = [];
  const recorder = createRecorder(
    (items, at) => {
      written.push([items.map(({ uid }) => uid), at !== null]);
      return Promise.resolve({ ...nothing, deferred: items[0]?.uid === 1 ? 1 : 0 });
    },
    { ahead: 2, itemsPerWrite: 1 },
  );
  await recorder.add(reading(1));
  await recorder.add(reading(2));
  recorder.addLast(reading(3));
  await recorder.finish({ items: [], cursor });
  expect(written).toEqual([
    [[1], false],
    [[2], false],
    [[3], false],
  ]);
});

test('what was read while a transaction ran goes into the next one together, up to the limit', async () => {
  const written: number[][] = [];
  const recorder = createRecorder(
    async (items) => {
      written.push(items.map(({ uid }) => uid));
      await sleep(20);
      return nothing;
    },
    { ahead: 10, itemsPerWrite: 3 },
  );
  for (let uid = 1; uid <= 6; uid += 1) await recorder.add(reading(uid));
  await recorder.finish({ items: [], cursor: null });
  expect(written.flat()).toEqual([1, 2, 3, 4, 5, 6]);
  expect(written.length).toBeLessThan(6);
  expect(Math.max(...written.map((uids) => uids.length))).toBeLessThanOrEqual(3);
});

test('a batch that cannot be written fails the whole, and what follows is not written', async () => {
  const written: number[] = [];
  const recorder = createRecorder(
    (items) => {
      if (items[0]?.uid === 1) return Promise.reject(new Error('no'));
      written.push(...items.map(({ uid }) => uid));
      return Promise.resolve(nothing);
    },
    { ahead: 5, itemsPerWrite: 1 },
  );
  await recorder.add(reading(1));
  await recorder.add(reading(2));
  await expect(recorder.finish({ items: [], cursor })).rejects.toThrow('no');
  await recorder.abandon();
  expect(written).toEqual([]);
});

test('many mailboxes that share a small budget all come to their end', async () => {
  const budget = createByteBudget(16);
  const never = new AbortController().signal;
  const import1 = async () => {
    const recorder = createRecorder(
      async () => {
        await sleep(1);
        return nothing;
      },
      { ahead: 3, itemsPerWrite: 1 },
    );
    for (let batch = 0; batch < 4; batch += 1) {
      await budget.take(8, never);
      const one = reading(batch, () => {
        budget.give(8);
      });
      if (batch === 3) recorder.addLast(one);
      else await recorder.add(one);
    }
    await recorder.finish({ items: [], cursor: null });
  };
  await Promise.all(Array.from({ length: 10 }, import1));
  expect(budget.inUse).toBe(0);
});

test('a batch that cannot be read gives back the bytes of all that were handed over behind it', async () => {
  const budget = createByteBudget(100);
  const never = new AbortController().signal;
  const recorder = createRecorder(() => Promise.resolve(nothing), { ahead: 10, itemsPerWrite: 100 });
  for (const uid of [1, 2, 3, 4]) {
    await budget.take(10, never);
    const one = reading(uid, () => {
      budget.give(10);
    });
    await recorder.add(uid === 1 ? { ...one, items: Promise.reject(new Error('no')) } : one);
  }
  await expect(recorder.finish({ items: [], cursor })).rejects.toThrow('no');
  await recorder.abandon();
  expect(budget.inUse).toBe(0);
});
