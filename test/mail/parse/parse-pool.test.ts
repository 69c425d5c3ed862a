import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { createParsePool, type ParsePool } from '../../../src/mail/parse/parse-pool';
import { messageOf, parseLimits } from './message-of';

let pool: ParsePool | undefined;
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'parse-pool-'));
});

afterEach(async () => {
  await pool?.close();
  pool = undefined;
});

afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

function poolOf(settings: Partial<Parameters<typeof createParsePool>[0]> = {}): ParsePool {
  pool = createParsePool({ threads: 1, timeoutMs: 20_000, heapMegabytes: 256, limits: parseLimits, ...settings });
  return pool;
}

/** Text of which reading takes far longer than any time limit used here. */
function slowMessage(): Buffer {
  return messageOf({ headers: ['Message-ID: <slow@example.com>'], body: 'word '.repeat(6_000_000) });
}

test('every message of many is answered with its own content, in whatever order', async () => {
  const { parse } = bound(poolOf({ threads: 2 }));
  const subjects = Array.from({ length: 200 }, (_, index) => `Letter ${String(index)}`);
  const outcomes = await Promise.all(
    subjects.map((subject) => parse({ kind: 'buffer', raw: messageOf({ headers: [`Subject: ${subject}`] }) })),
  );
  expect(outcomes.map((outcome) => (outcome.kind === 'parsed' ? outcome.message.subject : outcome.code))).toEqual(
    subjects,
  );
});

test('who goes first does not wait for those that stand in line', async () => {
  const parsing = poolOf();
  const raw = messageOf({ headers: ['Subject: many'], body: 'word '.repeat(20_000) });
  let answered = 0;
  const line = Array.from({ length: 100 }, async () => {
    await parsing.parse({ kind: 'buffer', raw });
    answered += 1;
  });
  await parsing.parse({ kind: 'buffer', raw }, 'first');
  // Those that a thread has in hand already come before it.
  expect(answered).toBeLessThan(50);
  await Promise.all(line);
});

test('a date survives the way between the threads as a date', async () => {
  const outcome = await poolOf().parse({
    kind: 'buffer',
    raw: messageOf({ headers: ['Date: Fri, 21 Nov 1997 09:55:06 -0600'] }),
  });
  expect(outcome).toMatchObject({ kind: 'parsed', message: { sentAt: new Date('1997-11-21T15:55:06Z') } });
});

test('a message is read from a file', async () => {
  const path = join(directory, 'letter.eml');
  writeFileSync(path, messageOf({ headers: ['Subject: From a file'] }));
  expect(await poolOf().parse({ kind: 'file', path })).toMatchObject({ message: { subject: 'From a file' } });
});

test('a file that is not there is an error, not an unreadable message', async () => {
  await expect(poolOf().parse({ kind: 'file', path: join(directory, 'none.eml') })).rejects.toThrow('ENOENT');
});

test('the bytes of the caller are still there after parsing', async () => {
  const raw = messageOf({ headers: ['Subject: Mine'] });
  const before = Buffer.from(raw);
  await poolOf().parse({ kind: 'buffer', raw });
  expect(raw.equals(before)).toBe(true);
});

test('a message that takes too long is given up, and the ones behind it are read', async () => {
  const { parse } = bound(poolOf({ timeoutMs: 25 }));
  await parse({ kind: 'buffer', raw: messageOf({}) });
  const [slow, next] = await Promise.all([
    parse({ kind: 'buffer', raw: slowMessage() }),
    parse({ kind: 'buffer', raw: messageOf({ headers: ['Subject: Behind it'] }) }),
  ]);
  expect(slow).toEqual({
    kind: 'unreadable',
    code: 'parse-timeout',
    detail: { parseTimeoutMs: 25 },
    messageIdHeader: '<slow@example.com>',
  });
  expect(next).toMatchObject({ kind: 'parsed', message: { subject: 'Behind it' } });
});

test('a message that takes too much memory is given up, and the ones behind it are read', async () => {
  const { parse } = bound(poolOf({ heapMegabytes: 32, limits: { ...parseLimits, maxHeaderBytes: 16_000_000 } }));
  const greedy = messageOf({ headers: ['Message-ID: <greedy@example.com>', ...Array<string>(2_000_000).fill('a:b')] });
  const [first, next] = await Promise.all([
    parse({ kind: 'buffer', raw: greedy }),
    parse({ kind: 'buffer', raw: messageOf({ headers: ['Subject: Behind it'] }) }),
  ]);
  expect(first).toMatchObject({ kind: 'unreadable', code: 'parse-memory', messageIdHeader: '<greedy@example.com>' });
  expect(next).toMatchObject({ kind: 'parsed', message: { subject: 'Behind it' } });
});

test('a thread that cannot start is an error, not an unreadable message', async () => {
  const starved = poolOf({ heapMegabytes: 1 });
  await expect(starved.parse({ kind: 'buffer', raw: messageOf({}) })).rejects.toThrow('could not be started');
});

test('a closed pool refuses', async () => {
  const closed = poolOf();
  await closed.close();
  await expect(closed.parse({ kind: 'buffer', raw: messageOf({}) })).rejects.toThrow('closed');
});

test('closing rejects what was not answered', async () => {
  const closing = poolOf();
  const answer = closing.parse({ kind: 'buffer', raw: slowMessage() });
  await Promise.all([expect(answer).rejects.toThrow('closed'), closing.close()]);
});

function bound(of: ParsePool) {
  return { parse: of.parse.bind(of) };
}
