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

test('who goes first waits behind no one who does not, and behind those before it who do', async () => {
  const budget = createByteBudget(100);
  await budget.take(100, never);
  const order: string[] = [];
  const takes = (['in-line', 'first', 'in-line', 'first'] as const).map(async (turn, at) => {
    await budget.take(100, never, turn);
    order.push(`${turn} ${String(at)}`);
    budget.give(100);
  });
  budget.give(100);
  await Promise.all(takes);
  expect(order).toEqual(['first 1', 'first 3', 'in-line 0', 'in-line 2']);
});
