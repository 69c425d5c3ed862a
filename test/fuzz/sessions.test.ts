import { createSyncBench, type SyncBench } from '../support/sync-bench';
import { watchLoop } from './loop-watch';
import { runSessions } from './session-run';

// A machine that is busy with other tests computes at half its speed: a stall of ours is there each time.
jest.retryTimes(2);

/* A short part of `npm run fuzz`; with another seed it is another part. */
const seed = 'letterbook';
const perTest = 250;

let bench: SyncBench;
const unhandled: unknown[] = [];
const note = (reason: unknown): void => void unhandled.push(reason);

beforeAll(async () => {
  bench = await createSyncBench(0);
  process.on('unhandledRejection', note);
});

afterAll(async () => {
  process.off('unhandledRejection', note);
  await bench.close();
});

/*
 * Whatever a server says, a round ends with an answer, no cursor is past a message without a row, nothing is taken for removed of which
 * the server did not say so, and when it speaks the truth again all is there.
 */
test.each(Array.from({ length: 2 }, (_, part) => part * perTest))(
  'sessions with a server that lies anywhere, from number %p',
  async (from) => {
    const watch = watchLoop();
    const result = await runSessions({ seed, from, to: from + perTest, bench });
    const { longestStallMs } = watch.stop();
    expect(result.findings.map(({ number, complaint }) => ({ number, complaint }))).toEqual([]);
    expect(unhandled).toEqual([]);
    expect(result.sessions).toBe(perTest);
    expect(longestStallMs).toBeLessThan(200);
    expect(result.lies).toBeGreaterThan(perTest / 2);
  },
  600_000,
);

/** Listings of the right length with a wrong number, once passed for proof. */
const withWrongNumbers = [3465, 6102, 7788, 8223, 8679, 8766, 8851, 9070];

test.each(withWrongNumbers)('session %p, whose server shows one number in place of another', async (number) => {
  const { findings } = await runSessions({ seed, from: number, to: number + 1, bench });
  expect(findings.map(({ complaint }) => complaint)).toEqual([]);
});
