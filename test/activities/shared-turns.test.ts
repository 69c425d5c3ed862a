import { createSharedTurns } from '../../src/activities/shared-turns';

/** Turns that end when they are told to, and what has begun. */
function turnsByHand() {
  const begun: { key: string; count: number; end: () => void; fail: (error: Error) => void }[] = [];
  const turns = createSharedTurns(
    (key, count) => new Promise<void>((end, fail) => begun.push({ key, count, end, fail })),
    20,
  );
  return { begun, turns };
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((wake) => setTimeout(wake, 5));
}

test('the first turn begins at once, and all who come during it share the next', async () => {
  const { begun, turns } = turnsByHand();
  const first = turns.join('a', 1);
  expect(begun).toHaveLength(1);
  const rest = [turns.join('a', 2), turns.join('a', 3)];
  begun[0]?.end();
  await first;
  await until(() => begun.length === 2);
  expect(begun[1]?.count).toBe(5);
  begun[1]?.end();
  await Promise.all(rest);
});

test('who comes when the next has begun waits for the one after it', async () => {
  const { begun, turns } = turnsByHand();
  void turns.join('a', 1);
  void turns.join('a', 1);
  begun[0]?.end();
  await until(() => begun.length === 2);
  void turns.join('a', 7);
  begun[1]?.end();
  await until(() => begun.length === 3);
  expect(begun[2]?.count).toBe(7);
});

test('keys do not wait for one another', () => {
  const { begun, turns } = turnsByHand();
  void turns.join('a', 1);
  void turns.join('b', 1);
  expect(begun.map(({ key }) => key)).toEqual(['a', 'b']);
});

test('a turn that fails is told to those who shared it, and to nobody else', async () => {
  const { begun, turns } = turnsByHand();
  const first = turns.join('a', 1);
  const shared = [turns.join('a', 1), turns.join('a', 1)];
  begun[0]?.fail(new Error('first'));
  await expect(first).rejects.toThrow('first');
  await until(() => begun.length === 2);
  begun[1]?.end();
  await expect(Promise.all(shared)).resolves.toBeDefined();
});

test('after a quiet time the next turn begins at once', async () => {
  const { begun, turns } = turnsByHand();
  void turns.join('a', 1);
  begun[0]?.end();
  await new Promise((wake) => setTimeout(wake, 60));
  void turns.join('a', 1);
  expect(begun).toHaveLength(2);
});
