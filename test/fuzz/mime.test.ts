import { defaultLimits } from '../../src/config/limits';
import { createParsePool, type ParsePool } from '../../src/mail/parse/parse-pool';
import { corpus } from './corpus';
import { recordMessages } from './mime-record';
import { mutantOf, smallest } from './mime-mutants';
import { runMessages } from './mime-run';

// A machine that is busy with other tests computes at half its speed: a stall of ours is there each time.
jest.retryTimes(2);

/* A short part of `npm run fuzz`; with another seed it is another part. */
const seed = 'letterbook';
const mutations = 600;
const recorded = 100;

let letters: Buffer[];
let pool: ParsePool;

beforeAll(async () => {
  letters = await corpus();
  pool = createParsePool({
    threads: 2,
    timeoutMs: defaultLimits.parseTimeoutMs,
    heapMegabytes: defaultLimits.parseHeapMegabytes,
    limits: defaultLimits,
  });
  await pool.parse({ kind: 'buffer', raw: Buffer.from('Subject: warm\n\nup\n') });
});

afterAll(async () => {
  await pool.close();
});

test('a seed and a number always make the same message', () => {
  const make = () => mutantOf(seed, 17, letters).raw;
  expect(make().equals(make())).toBe(true);
});

test('damaged messages come to a known outcome, twice the same, of text that can be stored and HTML that can be shown', async () => {
  const before = process.memoryUsage.rss();
  const result = await runMessages({ seed, corpus: letters, from: 0, to: mutations, pool, limits: defaultLimits });
  expect(result.findings.map(({ number, name, complaint }) => ({ number, name, complaint }))).toEqual([]);
  expect(result.parsed).toBeGreaterThan(mutations * 0.9);
  expect(result.longestStallMs).toBeLessThan(200);
  // What the threads may hold, and what jest keeps of the test.
  expect(process.memoryUsage.rss() - before).toBeLessThan(1_000 * 1_048_576);
  // No thread is lost: two messages at once are read.
  const raw = Buffer.from('Subject: still there\n\nx\n');
  const still = await Promise.all([1, 2].map(() => pool.parse({ kind: 'buffer', raw })));
  expect(still).toMatchObject([1, 2].map(() => ({ kind: 'parsed', message: { subject: 'still there' } })));
});

test('damaged messages are recorded as they were read, each once', async () => {
  const mutants = Array.from({ length: recorded }, (_, number) => mutantOf(seed, number, letters));
  expect(await recordMessages(mutants.map(({ raw }) => raw))).toEqual([]);
});

test('the smallest message of which a thing can be said is found', async () => {
  const raw = Buffer.from(`${'a'.repeat(1_000)}needle${'b'.repeat(1_000)}`);
  const found = await smallest(raw, (shorter) => Promise.resolve(shorter.includes('needle')));
  expect(found.length).toBeLessThan(30);
});
