import fc from 'fast-check';

import { planFetch, type BatchLimits } from '../../src/domain/batches';

const limits: BatchLimits = { messages: 3, bytes: 100, streamAboveBytes: 80, maxMessageBytes: 200 };

test('batches are bounded by count and by bytes, newest first', () => {
  const items = [10, 20, 30, 40, 50, 60].map((size, index) => ({ uid: index + 1, size }));
  const plan = planFetch(items, limits);
  expect(plan.batches.map((batch) => batch.map((item) => item.uid))).toEqual([[6], [5, 4], [3, 2, 1]]);
});

test('a message at the limit of streaming is batched, one byte more is streamed', () => {
  const plan = planFetch(
    [
      { uid: 1, size: 80 },
      { uid: 2, size: 81 },
    ],
    limits,
  );
  expect(plan.batches).toEqual([[{ uid: 1, size: 80 }]]);
  expect(plan.streamed).toEqual([{ uid: 2, size: 81 }]);
});

test('a message at maxMessageBytes is fetched, one byte more is not', () => {
  const plan = planFetch(
    [
      { uid: 1, size: 200 },
      { uid: 2, size: 201 },
    ],
    limits,
  );
  expect(plan.streamed.map((item) => item.uid)).toEqual([1]);
  expect(plan.tooLarge.map((item) => item.uid)).toEqual([2]);
});

test('every message is in exactly one place', () => {
  const items = fc.uniqueArray(fc.record({ uid: fc.integer({ min: 1, max: 500 }), size: fc.nat(300) }), {
    selector: (item) => item.uid,
  });
  fc.assert(
    fc.property(items, (all) => {
      const plan = planFetch(all, limits);
      const placed = [...plan.batches.flat(), ...plan.streamed, ...plan.tooLarge].map((item) => item.uid);
      expect(placed.sort((one, other) => one - other)).toEqual(
        all.map((item) => item.uid).sort((one, other) => one - other),
      );
    }),
  );
});
