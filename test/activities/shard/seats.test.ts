import { createSeats } from '../../../src/activities/shard/seats';

const settled = async (promise: Promise<unknown>) => {
  let isSettled = false;
  const note = () => {
    isSettled = true;
  };
  promise.then(note, note);
  await new Promise(setImmediate);
  return isSettled;
};

test('there are none at first, and then as many as are allowed', async () => {
  const seats = createSeats();
  const { signal } = new AbortController();
  const taken = [seats.take(signal), seats.take(signal), seats.take(signal)];
  expect(await Promise.all(taken.map(settled))).toEqual([false, false, false]);
  seats.allow(2);
  await Promise.all(taken.slice(0, 2));
  expect(await Promise.all(taken.map(settled))).toEqual([true, true, false]);
  seats.give();
  await taken[2];
});

test('fewer than are taken gives out none until they have come back', async () => {
  const seats = createSeats();
  const { signal } = new AbortController();
  seats.allow(2);
  await Promise.all([seats.take(signal), seats.take(signal)]);
  seats.allow(1);
  const third = seats.take(signal);
  seats.give();
  expect(await settled(third)).toBe(false);
  seats.give();
  await third;
});

test('who no longer waits gets none', async () => {
  const seats = createSeats();
  const leaving = new AbortController();
  const left = seats.take(leaving.signal);
  leaving.abort(new Error('enough'));
  await expect(left).rejects.toThrow('enough');
  await expect(seats.take(leaving.signal)).rejects.toThrow('enough');
  seats.allow(1);
  await seats.take(new AbortController().signal);
});
