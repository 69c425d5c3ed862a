import { createSyncBench, type SyncBench } from '../support/sync-bench';
import { watchLoop } from './loop-watch';
import { runSessions } from './session-run';

/* A short part of `npm run fuzz`; with another seed it is another part. */
const seed = 'letterbook';
const sessions = 500;

let bench: SyncBench;

beforeAll(async () => {
  bench = await createSyncBench(0);
});

afterAll(async () => {
  await bench.close();
});

test('a server that lies anywhere ends no round by anything but an answer, moves no cursor past a message, and is believed again later', async () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown): void => void unhandled.push(reason);
  process.on('unhandledRejection', note);
  const watch = watchLoop();
  const result = await runSessions({ seed, from: 0, to: sessions, bench });
  const { longestStallMs } = watch.stop();
  process.off('unhandledRejection', note);
  expect(result.findings.map(({ number, complaint }) => ({ number, complaint }))).toEqual([]);
  expect(unhandled).toEqual([]);
  expect(result.sessions).toBe(sessions);
  expect(result.lies).toBeGreaterThan(sessions);
  expect(longestStallMs).toBeLessThan(200);
});
