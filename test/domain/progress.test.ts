import fc from 'fast-check';

import {
  doneOf,
  leftBehind,
  newTrack,
  progressOf,
  takenUp,
  totalChanged,
  workBegan,
  workWentOn,
  type Track,
} from '../../src/domain/progress';

/** A job as its row holds it. */
interface Job {
  track: Track;
  done: number;
  total: number;
  at: number;
}

const job = (total: number): Job => ({ track: newTrack, done: 0, total, at: 1_000_000 });

function begin(of: Job): Job {
  return { ...of, track: workBegan(of.track, of) };
}

function work(of: Job, ms: number, done: number): Job {
  const next = { ...of, at: of.at + ms, done: of.done + done };
  return { ...next, track: workWentOn(next.track, { at: next.at, done: next.done, genId: 7 }) };
}

function rest(of: Job, ms: number): Job {
  return { ...of, at: of.at + ms };
}

function grow(of: Job, more: number): Job {
  return { ...of, track: totalChanged(of.track, of), total: of.total + more };
}

/** The same work, again and again. */
function repeat(of: Job, times: number, step: (of: Job) => Job): Job {
  let now = of;
  for (let n = 0; n < times; n += 1) now = step(now);
  return now;
}

test('a job that nobody has worked on has no rate', () => {
  expect(progressOf(job(100))).toEqual({ known: 100, done: 0, percent: 0, rate: null, etaSeconds: null });
});

test('a steady job says its rate and how long it still takes', () => {
  const now = repeat(begin(job(10_000)), 20, (of) => work(of, 1_000, 100));
  expect(progressOf(now)).toEqual({ known: 10_000, done: 2_000, percent: 20, rate: 100, etaSeconds: 80 });
});

test('between two batches the time that is left goes down', () => {
  const now = repeat(begin(job(10_000)), 20, (of) => work(of, 1_000, 100));
  expect(progressOf(rest(now, 5_000)).etaSeconds).toBe(75);
});

test('a night in which no worker ran changes neither rate nor time left', () => {
  const evening = repeat(begin(job(10_000)), 20, (of) => work(of, 1_000, 100));
  const morning = work(begin(rest(evening, 12 * 3_600_000)), 1_000, 100);
  expect(progressOf(morning)).toMatchObject({ rate: 100, etaSeconds: 79 });
});

test('while nothing moves for a minute nobody says how long it takes', () => {
  const now = repeat(begin(job(10_000)), 20, (of) => work(of, 1_000, 100));
  expect(progressOf(rest(now, 60_000)).etaSeconds).not.toBeNull();
  expect(progressOf(rest(now, 60_001))).toMatchObject({ rate: null, etaSeconds: null, percent: 20 });
});

test('a rate of long ago does not count: it follows a server that became slower', () => {
  const fast = repeat(begin(job(1_000_000)), 100, (of) => work(of, 1_000, 1_000));
  const slow = repeat(fast, 600, (of) => work(of, 1_000, 100));
  expect(progressOf(slow).rate).toBeCloseTo(100, 0);
});

test('the samples of a long import stay few', () => {
  const now = repeat(begin(job(10_000_000)), 20_000, (of) => work(of, 1_000, 100));
  expect(now.track.samples.length).toBeLessThan(60);
  expect(progressOf(now).rate).toBeCloseTo(100, 0);
});

test('mail that is added to the work does not take back what was shown', () => {
  const before = repeat(begin(job(1_000)), 9, (of) => work(of, 1_000, 100));
  expect(progressOf(before).percent).toBe(90);
  const after = grow(before, 9_000);
  expect(progressOf(after)).toMatchObject({ percent: 90, known: 10_000, done: 900, etaSeconds: 91 });
  expect(progressOf(repeat(after, 91, (of) => work(of, 1_000, 100))).percent).toBe(100);
});

test('work that falls away does not take back what was shown, and the rest is right', () => {
  const before = repeat(begin(job(100_000)), 9, (of) => work(of, 1_000, 1_000));
  expect(progressOf(before).percent).toBe(9);
  const after = grow(before, -90_000);
  expect(progressOf(after)).toMatchObject({ percent: 9, known: 10_000, done: 9_000, etaSeconds: 1 });
  expect(progressOf(work(after, 1_000, 1_000)).percent).toBe(100);
});

test('where all that was known is done or gone, and more is to come, nobody is told that it is all', () => {
  const before = repeat(begin(job(1_000)), 4, (of) => work(of, 1_000, 100));
  const alone = grow(before, -600);
  expect(progressOf(alone)).toMatchObject({ percent: 40, known: 400, done: 400 });
  const more = grow(alone, 100);
  expect(progressOf(more)).toMatchObject({ percent: 40, known: 500 });
  expect(progressOf(work(more, 1_000, 50)).percent).toBe(70);
});

test('how much was done of each generation is known, in whatever order they are worked on, left and begun again', () => {
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.tuple(fc.constant('work' as const), fc.integer({ min: 1, max: 4 })) },
    fc.tuple(fc.constant('leave' as const), fc.integer({ min: 1, max: 4 })),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      let track = newTrack;
      let done = 0;
      const expected = new Map<number, number>();
      for (const [what, genId] of steps) {
        if (what === 'leave') {
          track = leftBehind(track, [genId]);
          expected.delete(genId);
          continue;
        }
        track = takenUp(track, { genId, done });
        done += 10;
        expected.set(genId, (expected.get(genId) ?? 0) + 10);
      }
      for (const genId of [1, 2, 3, 4]) expect(doneOf(track, { genId, done })).toBe(expected.get(genId) ?? 0);
      expect(track.begun.length).toBeLessThanOrEqual(expected.size);
    }),
  );
});

test('done and percentage never go backwards, whatever happens in whatever order', () => {
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.tuple(fc.constant('work' as const), fc.nat(90_000), fc.integer({ min: 1, max: 500 })) },
    fc.tuple(fc.constant('rest' as const), fc.nat(10_000_000), fc.constant(0)),
    fc.tuple(fc.constant('grow' as const), fc.constant(0), fc.integer({ min: 1, max: 5_000 })),
    fc.tuple(fc.constant('shrink' as const), fc.constant(0), fc.integer({ min: 1, max: 5_000 })),
    fc.tuple(fc.constant('begin' as const), fc.constant(0), fc.constant(0)),
    // A clock that steps back.
    fc.tuple(fc.constant('rest' as const), fc.integer({ min: -3_600_000, max: -1 }), fc.constant(0)),
  );
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5_000 }), fc.array(step, { maxLength: 200 }), (total, steps) => {
      let now = job(total);
      let shown = progressOf(now);
      for (const [what, ms, count] of steps) {
        if (what === 'work') now = work(now, ms, Math.min(count, now.total - now.done));
        if (what === 'rest') now = rest(now, ms);
        if (what === 'grow') now = grow(now, count);
        if (what === 'shrink') now = grow(now, -Math.min(count, now.total - now.done));
        if (what === 'begin') now = begin(now);
        const next = progressOf(now);
        expect(next.done).toBeGreaterThanOrEqual(shown.done);
        expect(next.known).toBeGreaterThanOrEqual(what === 'shrink' ? next.done : shown.known);
        expect(next.percent).toBeGreaterThanOrEqual(shown.percent);
        expect(next.percent).toBeLessThanOrEqual(100);
        expect(next.rate ?? 1).toBeGreaterThan(0);
        expect(next.etaSeconds ?? 0).toBeGreaterThanOrEqual(0);
        shown = next;
      }
    }),
  );
});

/** Seconds for each batch of 100 of imports as they were measured: even, with big mail at the end, and through a slow line that wavers. */
const recorded: Record<string, number[]> = {
  even: Array.from({ length: 200 }, (_, n) => 0.9 + 0.2 * ((n * 7) % 3)),
  wavering: Array.from({ length: 400 }, (_, n) => 2 + Math.sin(n / 6) + ((n * 13) % 5) / 5),
  'in bursts': Array.from({ length: 300 }, (_, n) => (n % 10 === 0 ? 6 : 0.4)),
  'slowly slower': Array.from({ length: 300 }, (_, n) => 1 + n / 1_500),
};

test.each(Object.keys(recorded))('after the first tenth the time left is right to within a fifth: %s', (name) => {
  const seconds = recorded[name] ?? [];
  const whole = seconds.reduce((sum, one) => sum + one, 0);
  let now = begin(job(seconds.length * 100));
  let spent = 0;
  seconds.forEach((one, n) => {
    now = work(now, one * 1_000, 100);
    // A worker is killed in the middle, and is away for half an hour.
    if (n === Math.floor(seconds.length / 2)) now = begin(rest(now, 1_800_000));
    spent += one;
    const left = whole - spent;
    if (n < seconds.length / 10) return;
    const { etaSeconds } = progressOf(now);
    // One burst more or less is no error of an estimate.
    expect(Math.abs((etaSeconds ?? Infinity) - left)).toBeLessThanOrEqual(Math.max(left / 5, 8));
  });
});
