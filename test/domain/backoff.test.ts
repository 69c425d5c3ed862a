import { backoffMs } from '../../src/domain/backoff';

test('the first wait is 2.5 to 5 seconds, then it doubles', () => {
  expect(backoffMs(1, 0)).toBe(2_500);
  expect(backoffMs(1, 1)).toBe(5_000);
  expect(backoffMs(3, 1)).toBe(20_000);
});

test('it never waits longer than 15 minutes', () => {
  expect(backoffMs(50, 1)).toBe(900_000);
});
