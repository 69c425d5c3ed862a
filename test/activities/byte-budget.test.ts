import { createByteBudget } from '../../src/activities/byte-budget';

const never = new AbortController().signal;

async function isWaiting(promise: Promise<unknown>): Promise<boolean> {
  return Promise.race([
    promise.then(() => false),
    new Promise<boolean>((resolve) => setImmediate(() => resolve(true))),
  ]);
}

test('the budget lets in what fits, and the next one when there is room again', async () => {
  const budget = createByteBudget(100);
  await budget.take(60, never);
  await budget.take(40, never);
  const third = budget.take(1, never);
  expect(await isWaiting(third)).toBe(true);
  budget.give(40);
  await third;
  expect(budget.inUse).toBe(61);
});

test('more than the whole budget is let in alone', async () => {
  const budget = createByteBudget(100);
  await budget.take(500, never);
  const next = budget.take(1, never);
  expect(await isWaiting(next)).toBe(true);
  budget.give(500);
  await next;
});

test('whoever gives up waiting takes nothing and holds up nobody', async () => {
  const budget = createByteBudget(100);
  await budget.take(100, never);
  const ending = new AbortController();
  const abandoned = budget.take(50, ending.signal);
  const after = budget.take(100, never);
  ending.abort(new Error('told to stop'));
  await expect(abandoned).rejects.toThrow('told to stop');
  budget.give(100);
  await after;
  expect(budget.inUse).toBe(100);
});
