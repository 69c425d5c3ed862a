import { createChunkSize } from '../../src/activities/chunk-size';

test('it begins with a quarter, and grows to what may be where that is quick', () => {
  const size = createChunkSize({ most: 2_000, holdMs: 250 });
  const taken = [];
  for (let turn = 0; turn < 4; turn += 1) {
    taken.push(size.rows());
    size.took(size.rows(), 10);
  }
  expect(taken).toEqual([500, 1_000, 2_000, 2_000]);
});

test('rows that took too long are as few the next time as would have fitted, but never none', () => {
  const size = createChunkSize({ most: 2_000, holdMs: 250 });
  size.took(500, 2_500);
  expect(size.rows()).toBe(50);
  size.took(50, 60_000);
  expect(size.rows()).toBe(20);
  size.took(20, 250);
  expect(size.rows()).toBe(20);
  size.took(20, 100);
  expect(size.rows()).toBe(40);
});

test('a chunk that was the last and small says nothing of the time that many take', () => {
  const size = createChunkSize({ most: 2_000, holdMs: 250 });
  size.took(0, 5_000);
  expect(size.rows()).toBe(500);
});

test('where at most one may be taken, it is one', () => {
  const size = createChunkSize({ most: 1, holdMs: 250 });
  size.took(1, 9_000);
  expect(size.rows()).toBe(1);
});
