import { defaultLimits } from '../../src/config/limits';
import { createParsePool, type ParsePool } from '../../src/mail/parse/parse-pool';
import { messageOf } from '../mail/parse/message-of';
import { watchLoop } from './loop-watch';

// A machine that is busy with other tests computes at half its speed: a stall of ours is there each time.
jest.retryTimes(2);

/* Messages of 30 MB that were made to take long, through the threads and their limits, each with a letter behind it. */
const mega = 1_000_000;

let pool: ParsePool;

beforeAll(() => {
  const { parseTimeoutMs: timeoutMs, parseHeapMegabytes: heapMegabytes } = defaultLimits;
  pool = createParsePool({ threads: 1, timeoutMs, heapMegabytes, limits: defaultLimits });
});

afterAll(async () => {
  await pool.close();
});

const filled = (piece: string): Buffer => Buffer.alloc(30 * mega, piece);

test.each([
  ['one line', [], filled('word ')],
  ['quotes in quotes', [], Buffer.alloc(30 * mega, `${'> '.repeat(500)}Am 2. März schrieb Ada:\r\n`)],
  ['forwarded headers', [], filled('---------- Forwarded message ----------\r\nFrom: a@b.example\r\n\r\n> ')],
  ['opening brackets in HTML', ['Content-Type: text/html'], filled('<')],
  ['equals signs', ['Content-Transfer-Encoding: quoted-printable'], filled('=')],
  ['one encoded word after another', [`Subject: ${'=?utf-8?q?=C3=BC?= '.repeat(52_000)}`], Buffer.from('x')],
])(
  'a message of %s ends within the limits, holds up no other thread, and the next is read',
  async (_, headers, body) => {
    const raw = messageOf({ headers, body });
    const watch = watchLoop();
    const [hostile, next] = await Promise.all([
      pool.parse({ kind: 'buffer', raw }),
      pool.parse({ kind: 'buffer', raw: messageOf({ headers: ['Subject: behind it'] }) }),
    ]);
    const { longestStallMs } = watch.stop();
    expect(hostile.kind === 'parsed' ? 'parsed' : hostile.code).toMatch(/^(?:parsed|parse-timeout|parse-memory)$/);
    expect(next).toMatchObject({ kind: 'parsed', message: { subject: 'behind it' } });
    expect(longestStallMs).toBeLessThan(200);
  },
);
