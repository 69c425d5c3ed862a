import { newUuid } from '../../src/db/new-id';
import { shardCount, shardOf, shareOf } from '../../src/domain/shard';

test('the shard is the last digit of the id', () => {
  expect(shardOf('0198c0de-0000-7000-8000-00000000000f')).toBe(15);
  expect(shardOf('0198c0de-0000-7000-8000-0000000000f0')).toBe(0);
});

test('mailboxes spread evenly', () => {
  const counts = new Array<number>(shardCount).fill(0);
  for (let i = 0; i < 16_000; i += 1) {
    const shard = shardOf(newUuid());
    counts[shard] = (counts[shard] ?? 0) + 1;
  }
  expect(Math.max(...counts)).toBeLessThan(1_250);
  expect(Math.min(...counts)).toBeGreaterThan(750);
});

test.each([1, 2, 3, 4, 5, 15, 16, 17, 40])(
  'the shares of %i workers are all shards, and differ by one at most',
  (count) => {
    const alive = Array.from({ length: count }, (_, i) => `worker-${String(i)}`);
    const shares = alive.map((worker) => shareOf(worker, alive));
    expect(shares.reduce((sum, share) => sum + share, 0)).toBe(shardCount);
    expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(1);
  },
);

test('a worker that is not on the list has no share', () => {
  expect(shareOf('left', ['here'])).toBe(0);
});
