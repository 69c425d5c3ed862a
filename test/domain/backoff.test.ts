import { backoffMs } from '../../src/domain/backoff';

test('the first wait is anything up to 5 seconds but nothing, then the longest doubles', () => {
  expect(backoffMs(1, 0)).toBe(500);
  expect(backoffMs(1, 0.5)).toBe(2_750);
  expect(backoffMs(1, 1)).toBe(5_000);
  expect(backoffMs(3, 0)).toBe(500);
  expect(backoffMs(3, 1)).toBe(20_000);
});

test('it never waits longer than 15 minutes, or than it was told', () => {
  expect(backoffMs(50, 1)).toBe(900_000);
  expect(backoffMs(50, 1, 1_000)).toBe(1_000);
  expect(backoffMs(50, 1, 300)).toBe(300);
});
