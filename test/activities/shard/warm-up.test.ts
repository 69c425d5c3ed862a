import { createWarmUp } from '../../../src/activities/shard/warm-up';

/** Loads that end when the test says so. */
function loads() {
  const open: { id: string; done: () => void; fail: () => void }[] = [];
  const asked: string[] = [];
  const load = (id: string) =>
    new Promise<void>((resolve, reject) => {
      asked.push(id);
      open.push({
        id,
        done: resolve,
        fail: () => {
          reject(new Error('no worker'));
        },
      });
    });
  return { open, asked, load };
}
const settled = () => new Promise((resolve) => setImmediate(resolve));

test('loads no more at once than allowed, each mailbox once while it waits, in their order', async () => {
  const { open, asked, load } = loads();
  const warmUp = createWarmUp({ load, atOnce: 2 });
  for (const id of ['a', 'b', 'c', 'c', 'd']) warmUp.warm(id);
  expect(asked).toEqual(['a', 'b']);
  open[1]?.done();
  await settled();
  expect(asked).toEqual(['a', 'b', 'c']);
  open[0]?.done();
  await settled();
  expect(asked).toEqual(['a', 'b', 'c', 'd']);
});

test('a load that fails ends the turn of all that wait, not of those that come later', async () => {
  const { open, asked, load } = loads();
  const warmUp = createWarmUp({ load, atOnce: 1 });
  for (const id of ['a', 'b', 'c']) warmUp.warm(id);
  open[0]?.fail();
  await settled();
  expect(asked).toEqual(['a']);
  warmUp.warm('d');
  expect(asked).toEqual(['a', 'd']);
});

test('after the end nothing more is loaded', async () => {
  const { open, asked, load } = loads();
  const warmUp = createWarmUp({ load, atOnce: 1 });
  warmUp.warm('a');
  warmUp.warm('b');
  warmUp.end();
  open[0]?.done();
  await settled();
  expect(asked).toEqual(['a']);
});
