import { pino } from 'pino';

import { createErasureGate, pendingSoon } from '../../src/api/erasure-gate';

let clock: number;
let answers: (number | Error)[];
let asked: number;

beforeEach(() => {
  [clock, asked] = [0, 0];
});

const gateOf = () =>
  createErasureGate(
    () => {
      asked += 1;
      const answer = answers.shift();
      if (typeof answer === 'number') return Promise.resolve(answer);
      return Promise.reject(answer ?? new Error('asked too often'));
    },
    { log: pino({ enabled: false }), now: () => new Date(clock) },
  );

test('what cannot be told is asked again after two seconds, however many want to know', async () => {
  answers = [new Error('the file is damaged'), 0];
  const gate = gateOf();
  expect(await Promise.all([pendingSoon(gate), pendingSoon(gate)])).toEqual([null, null]);
  expect(await pendingSoon(gate)).toBeNull();
  expect(asked).toBe(1);
  clock += 2_000;
  expect(await pendingSoon(gate)).toBe(0);
  expect(asked).toBe(2);
});

test('while nothing is pending the last answer stands, and it is asked again once a minute', async () => {
  answers = [0, new Error('away'), 3];
  const gate = gateOf();
  expect(await gate.pending()).toBe(0);
  clock += 59_000;
  expect(await gate.pending()).toBe(0);
  expect(asked).toBe(1);
  clock += 1_000;
  expect(await gate.pending()).toBe(0);
  expect(asked).toBe(2);
  await new Promise(setImmediate);
  clock += 60_000;
  expect(await gate.pending()).toBe(0);
  await new Promise(setImmediate);
  expect(await gate.pending()).toBe(3);
});
