import { defaultLimits } from '../../../src/config/limits';
import { createHtmlPool, type HtmlPool } from '../../../src/mail/html/html-pool';
import { parseMessage } from '../../../src/mail/parse/parse-message';
import { watchLoop } from '../../fuzz/loop-watch';
import { messageOf } from '../parse/message-of';

// A machine that is busy with other tests computes at half its speed: a stall of ours is there each time.
jest.retryTimes(2);

/* HTML that was made to take long keeps nobody waiting but whoever looks at it. */

const pools: HtmlPool[] = [];

afterAll(async () => {
  await Promise.all(pools.map((pool) => pool.close()));
});

function poolOf(settings: { timeoutMs?: number; heapMegabytes?: number; threads?: number } = {}): HtmlPool {
  const pool = createHtmlPool({
    threads: 1,
    timeoutMs: 60_000,
    heapMegabytes: 256,
    limits: defaultLimits,
    ...settings,
  });
  pools.push(pool);
  return pool;
}

function wishOf(html: string) {
  const raw = messageOf({ headers: ['Content-Type: text/html; charset=utf-8'], body: Buffer.from(html) });
  const outcome = parseMessage(raw, defaultLimits);
  if (outcome.kind !== 'parsed') throw new Error(outcome.code);
  return { raw, parts: outcome.message.parts, maxCharacters: 2_097_152, remoteContent: 'block' as const };
}

const slow = wishOf('<p style="color: red"><a href="https://a.example/?a=1&amp;b">x</a>'.repeat(33_000));
const quick = wishOf('<p onclick="x()">Hi</p>');

test('the HTML of a message is made fit to be shown', async () => {
  expect(await poolOf().show(quick)).toMatchObject({
    html: expect.stringContaining('<p>Hi</p>') as string,
    blockedRemote: 0,
  });
});

test('a message without HTML has none', async () => {
  expect(await poolOf().show({ ...quick, parts: [] })).toBeNull();
});

test('two megabytes of elements do not hold up the main thread', async () => {
  const pool = poolOf();
  await pool.show(quick);
  const watch = watchLoop();
  expect(await pool.show(slow)).toMatchObject({ blockedRemote: 0 });
  expect(watch.stop().longestStallMs).toBeLessThan(200);
});

test('a thread that takes too long is replaced, and the next message is shown', async () => {
  const pool = poolOf({ timeoutMs: 40 });
  await expect(Promise.all([pool.show(slow), pool.show(quick)])).resolves.toMatchObject([
    'too-hard',
    { html: expect.stringContaining('<p>Hi</p>') as string },
  ]);
});

test('a closed pool refuses', async () => {
  const pool = poolOf();
  await pool.close();
  await expect(pool.show(quick)).rejects.toThrow('closed');
});
