import fc from 'fast-check';

import { withOwnHeaderOnly } from '../../../src/api/messages/shared-header';

async function shared(raw: string, cut = raw.length, maxHeaderBytes = 1_000): Promise<string> {
  async function* pieces(): AsyncGenerator<Buffer> {
    const bytes = Buffer.from(raw, 'latin1');
    for (let at = 0; at < bytes.length; at += cut) yield await Promise.resolve(bytes.subarray(at, at + cut));
  }
  const out: Buffer[] = [];
  for await (const piece of withOwnHeaderOnly(pieces(), maxHeaderBytes)) out.push(piece);
  return Buffer.concat(out).toString('latin1');
}

test.each([
  ['Bcc: x\r\nFrom: a\r\n\r\nbody', 'From: a\r\n\r\nbody'],
  ['From: a\r\n b\r\nReceived: x\r\n\tfor <secret>\r\nTo: c\r\n\r\n', 'From: a\r\n b\r\nTo: c\r\n\r\n'],
  ['FROM : a\nDelivered-To: x\nSubject: s\n\nBcc: in the body\n', 'FROM : a\nSubject: s\n\nBcc: in the body\n'],
  [' folded secret without a field\r\nFrom: a\r\n\r\n', 'From: a\r\n\r\n'],
  ['a line without a colon\r\nFrom: a\r\n\r\n', 'From: a\r\n\r\n'],
  ['\r\nbody alone', '\r\nbody alone'],
  ['From: a\r\nBcc: no body follows', 'From: a\r\n'],
  ['Resent-Bcc: x\r\nX-Envelope-To: y\r\n\r\nbody', '\r\nbody'],
  ['', ''],
])('%j leaves %j', async (raw, expected) => {
  for (const cut of [1, 2, 3, 1_000]) expect(await shared(raw, cut)).toBe(expected);
});

test('nothing comes of a header that does not end', async () => {
  expect(await shared(`From: a\r\n${'X: y\r\n'.repeat(1_000)}`, 100)).toBe('');
});

test('bodies come byte for byte, whatever they hold', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.integer({ min: 1, max: 50 }), async (body, cut) => {
      const text = Buffer.from(body).toString('latin1');
      expect(await shared(`To: a\r\nBcc: b\r\n\r\n${text}`, cut)).toBe(`To: a\r\n\r\n${text}`);
    }),
  );
});
