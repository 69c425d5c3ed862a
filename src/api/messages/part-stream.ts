import type { PartDescriptor } from '../../domain/message';

type Encoding = PartDescriptor['encoding'];

/** The bytes from `offset` on, `length` of them at most, of a content that is read no further. */
export async function* spanOf(
  content: AsyncIterable<Buffer>,
  { offset, length }: { offset: number; length: number },
): AsyncGenerator<Buffer> {
  let position = 0;
  for await (const piece of content) {
    const from = Math.max(0, offset - position);
    const to = Math.min(piece.length, offset + length - position);
    if (from < to) yield piece.subarray(from, to);
    position += piece.length;
    if (position >= offset + length) return;
  }
}

/**
 * Cuts an encoded body into pieces that can be decoded each alone, so that a large attachment is never in memory as a whole.
 * Quoted-printable without any line end comes in one piece.
 */
export async function* decodablePieces(content: AsyncIterable<Buffer>, encoding: Encoding): AsyncGenerator<Buffer> {
  let open = Buffer.alloc(0);
  for await (const piece of content) {
    const bytes = open.length === 0 ? piece : Buffer.concat([open, piece]);
    const cut = cutOf(bytes, encoding);
    if (cut > 0) yield bytes.subarray(0, cut);
    open = Buffer.from(bytes.subarray(cut));
  }
  if (open.length > 0) yield open;
}

/** How much of the bytes can be decoded without what follows. */
function cutOf(bytes: Buffer, encoding: Encoding): number {
  switch (encoding) {
    case 'identity':
      return bytes.length;
    case 'quoted-printable':
      return bytes.lastIndexOf(0x0a) + 1;
    case 'base64':
      return base64Cut(bytes);
  }
}

const equals = 0x3d;

/** Behind the last whole group of four (RFC 4648 4), counted from the last padding, where a decoder begins anew. */
function base64Cut(bytes: Buffer): number {
  const start = bytes.lastIndexOf(equals) + 1;
  let characters = 0;
  let cut = start;
  for (let at = start; at < bytes.length; at += 1) {
    if (!isBase64(bytes[at] ?? 0)) continue;
    characters += 1;
    if (characters % 4 === 0) cut = at + 1;
  }
  return cut;
}

function isBase64(byte: number): boolean {
  const letter = byte | 0x20;
  if (letter >= 0x61 && letter <= 0x7a) return true;
  // Digits, + and /, and - and _ of the URL alphabet, which Node decodes too.
  return (byte >= 0x2f && byte <= 0x39) || byte === 0x2b || byte === 0x2d || byte === 0x5f;
}
