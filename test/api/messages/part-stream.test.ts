import fc from 'fast-check';

import { decodablePieces, spanOf } from '../../../src/api/messages/part-stream';
import type { PartDescriptor } from '../../../src/domain/message';
import { decodePart } from '../../../src/mail/parse/stored-parts';

async function* inPieces(bytes: Buffer, sizes: number[]): AsyncGenerator<Buffer> {
  let from = 0;
  for (let n = 0; from < bytes.length; n += 1) {
    const size = sizes[n % sizes.length] ?? 1;
    yield await Promise.resolve(bytes.subarray(from, from + size));
    from += size;
  }
}

async function all(content: AsyncIterable<Buffer>): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of content) pieces.push(piece);
  return Buffer.concat(pieces);
}

async function decodedInPieces(body: Buffer, encoding: PartDescriptor['encoding'], sizes: number[]): Promise<Buffer> {
  const decoded: Buffer[] = [];
  for await (const piece of decodablePieces(inPieces(body, sizes), encoding))
    decoded.push(decodePart(piece, { encoding }));
  return Buffer.concat(decoded);
}

const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 });
const lineWidth = fc.integer({ min: 1, max: 80 });

function base64Lines(content: Uint8Array, width: number): Buffer {
  const text = Buffer.from(content).toString('base64');
  return Buffer.from(text.replace(new RegExp(`.{1,${String(width)}}`, 'g'), '$&\r\n'));
}

test('base64 in lines of any width, cut anywhere, decodes to the content', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), lineWidth, sizes, async (content, width, cuts) => {
      const decoded = await decodedInPieces(base64Lines(content, width), 'base64', cuts);
      expect(decoded.equals(Buffer.from(content))).toBe(true);
    }),
  );
});

test('base64 that several encoders wrote one after the other decodes to all of it', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ minLength: 1, maxLength: 20 })), sizes, async (contents, cuts) => {
      const body = Buffer.concat(contents.map((content) => base64Lines(content, 76)));
      const whole = decodePart(body, { encoding: 'base64' });
      expect((await decodedInPieces(body, 'base64', cuts)).equals(whole)).toBe(true);
    }),
  );
});

// Line ends, blanks, padding, hex digits and letters, so that every rule of the decoders is met.
const troublesome = fc
  .array(fc.constantFrom(0x3d, 0x0a, 0x0d, 0x20, 0x09, 0x41, 0x34, 0x2d, 0xff), { maxLength: 60 })
  .map((list) => Buffer.from(list));

test.each(['identity', 'quoted-printable', 'base64'] as const)(
  'any bytes as %s decode alike in pieces and whole',
  async (encoding) => {
    await fc.assert(
      fc.asyncProperty(troublesome, sizes, async (body, cuts) => {
        const whole = decodePart(body, { encoding });
        expect((await decodedInPieces(body, encoding, cuts)).equals(whole)).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  },
);

test('a large body comes in pieces, whatever its encoding', async () => {
  const content = Buffer.alloc(1_000_000, 'A line of text, and another.\r\n');
  for (const [encoding, body] of [
    ['base64', base64Lines(content, 76)],
    ['quoted-printable', content],
    ['identity', content],
  ] as const) {
    let largest = 0;
    for await (const piece of decodablePieces(inPieces(body, [65_536]), encoding))
      largest = Math.max(largest, piece.length);
    expect(largest).toBeLessThan(140_000);
  }
});

test('a span is what lies in it, and no more is read', async () => {
  const bytes = Buffer.from('0123456789');
  await fc.assert(
    fc.asyncProperty(fc.nat(12), fc.nat(12), sizes, async (offset, length, cuts) => {
      const span = await all(spanOf(inPieces(bytes, cuts), { offset, length }));
      expect(span.toString()).toBe(bytes.toString().slice(offset, offset + length));
    }),
  );
  let read = 0;
  async function* counted(): AsyncGenerator<Buffer> {
    for (;;) {
      read += 1;
      yield await Promise.resolve(Buffer.from('ab'));
    }
  }
  expect((await all(spanOf(counted(), { offset: 1, length: 4 }))).toString()).toBe('baba');
  expect(read).toBe(3);
});
