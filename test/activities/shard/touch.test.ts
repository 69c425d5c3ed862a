import { createTouch } from '../../../src/activities/shard/touch';

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

/** Asks a Temporal that answers as `temporal` says, by a clock that goes with the timers. */
function touching(temporal: { answers: boolean }) {
  const ask = () => (temporal.answers ? Promise.resolve() : Promise.reject(new Error('no answer')));
  const touch = createTouch({ ask, now: () => performance.now() });
  touch.start();
  return touch;
}

test('a worker is lost to Temporal ten seconds after the last answer, not before, and no longer than to the next', async () => {
  const temporal = { answers: true };
  const touch = touching(temporal);
  await jest.advanceTimersByTimeAsync(60_000);
  temporal.answers = false;
  await jest.advanceTimersByTimeAsync(9_999);
  expect(touch.isLost()).toBe(false);
  await jest.advanceTimersByTimeAsync(1);
  expect(touch.isLost()).toBe(true);
  temporal.answers = true;
  await jest.advanceTimersByTimeAsync(2_500);
  expect(touch.isLost()).toBe(false);
  touch.end();
});

test('time in which nobody asked says nothing', async () => {
  const touch = touching({ answers: true });
  touch.end();
  await jest.advanceTimersByTimeAsync(3_600_000);
  expect(touch.isLost()).toBe(false);
});
