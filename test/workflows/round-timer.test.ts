import { createRoundTimer, type StartSleep } from '../../src/workflows/round-timer';

/** Sleeps that end when they are told to. One whose time is over can no longer be cancelled, as with Temporal's. */
function sleeps() {
  const begun: { ms: number; end: () => void; isCancelled: boolean }[] = [];
  const start: StartSleep = (ms) => {
    let end = (): void => undefined;
    let reject = (_: Error): void => undefined;
    const promise = new Promise<void>((resolve, rejectIt) => {
      end = resolve;
      reject = rejectIt;
    });
    const one = { ms, end, isCancelled: false };
    begun.push(one);
    const cancel = () => {
      one.isCancelled = true;
      reject(new Error('cancelled'));
    };
    return { slept: promise, cancel };
  };
  return { begun, start };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test('a timer whose time is over while another takes over makes no round, and leaves the other running', async () => {
  const { begun, start } = sleeps();
  let rounds = 0;
  const timer = createRoundTimer(() => (rounds += 1), start);
  timer.restart(1_000);
  begun[0]?.end();
  timer.restart(2_000);
  await settled();
  expect(rounds).toBe(0);
  expect(timer.dueAt()).not.toBeNull();
  timer.keep(2_000);
  expect(begun).toHaveLength(2);
  timer.stop();
  expect(begun[1]?.isCancelled).toBe(true);
});

test('a timer whose time is over while it is stopped makes no round', async () => {
  const { begun, start } = sleeps();
  let rounds = 0;
  const timer = createRoundTimer(() => (rounds += 1), start);
  timer.restart(1_000);
  begun[0]?.end();
  timer.stop();
  await settled();
  expect(rounds).toBe(0);
});

test('a timer that runs out makes one round, and then none runs', async () => {
  const { begun, start } = sleeps();
  let rounds = 0;
  const timer = createRoundTimer(() => (rounds += 1), start);
  timer.restart(1_000);
  begun[0]?.end();
  await settled();
  expect(rounds).toBe(1);
  expect(timer.dueAt()).toBeNull();
});
