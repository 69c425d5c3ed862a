import { createSharedLookup } from '../../src/mail/shared-lookup';

const settled = () => new Promise((resolve) => setImmediate(resolve));

/** A resolver whose answers come when the test says so. */
function resolver() {
  const asked: string[] = [];
  const open = new Map<string, { found: () => void; missing: () => void }>();
  const ask = (name: string) => {
    asked.push(name);
    return new Promise<{ address: string }[]>((resolve, reject) => {
      open.set(name, {
        found: () => {
          resolve([{ address: '192.0.2.1' }]);
        },
        missing: () => {
          reject(new Error('ENOTFOUND'));
        },
      });
    });
  };
  return { asked, open, ask };
}

test('all who ask for a name at the same time share one question, and the next asks again', async () => {
  const { asked, open, ask } = resolver();
  const find = createSharedLookup({ ask });
  const answers = Promise.all([find('one.example'), find('one.example'), find('one.example')]);
  await settled();
  open.get('one.example')?.found();
  expect(await answers).toHaveLength(3);
  expect(asked).toEqual(['one.example']);
  void find('one.example');
  await settled();
  expect(asked).toEqual(['one.example', 'one.example']);
});

test('names whose DNS is dead hold no more than their number of questions, and the next goes when one has ended', async () => {
  const { asked, open, ask } = resolver();
  const find = createSharedLookup({ ask, atOnce: { sound: 2, doubtful: 1 } });
  const lookups = ['one', 'two', 'three'].map((name) => find(name).catch(() => 'missing'));
  await settled();
  expect(asked).toEqual(['one', 'two']);
  open.get('one')?.missing();
  expect(await lookups[0]).toBe('missing');
  await settled();
  expect(asked).toEqual(['one', 'two', 'three']);
  open.get('three')?.found();
  expect(await lookups[2]).toHaveLength(1);
});

test('a name that was not found is not asked for again for some seconds', async () => {
  const { asked, open, ask } = resolver();
  let now = 0;
  const find = createSharedLookup({ ask, missingMs: 5_000, now: () => now });
  const first = find('gone.example');
  await settled();
  open.get('gone.example')?.missing();
  await expect(first).rejects.toThrow('ENOTFOUND');
  now = 4_999;
  await expect(find('gone.example')).rejects.toThrow('ENOTFOUND');
  expect(asked).toHaveLength(1);
  now = 5_000;
  void find('gone.example');
  await settled();
  expect(asked).toHaveLength(2);
});

test('names that were not found the last time keep no others waiting', async () => {
  const { asked, open, ask } = resolver();
  const find = createSharedLookup({ ask, atOnce: { sound: 2, doubtful: 1 }, missingMs: 0 });
  const dead = ['dead-1', 'dead-2', 'dead-3'];
  for (const name of dead) {
    const answer = find(name).catch(() => 'missing');
    await settled();
    open.get(name)?.missing();
    await answer;
  }
  for (const name of dead) void find(name);
  void find('one');
  void find('two');
  await settled();
  expect(asked.slice(dead.length).sort()).toEqual(['dead-1', 'one', 'two']);
});
