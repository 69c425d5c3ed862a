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
 * Cuts an encoded body into pieces that can be decoded each alone, with the same result as the whole, so that a large attachment is never
 * in memory as a whole. What has no place to be cut at, like quoted-printable without line ends, comes in one piece.
 */
export async function* decodablePieces(content: AsyncIterable<Buffer>, encoding: Encoding): AsyncGenerator<Buffer> {
  let open: Buffer[] = [];
  for await (const piece of content) {
    const cut = cutOf(piece, encoding, open);
    if (cut === 0) {
      open.push(piece);
      continue;
    }
    yield Buffer.concat([...open, piece.subarray(0, cut)]);
    open = cut < piece.length ? [piece.subarray(cut)] : [];
  }
  if (open.length > 0) yield Buffer.concat(open);
}

/** Where a piece can be cut, 0 where it cannot. `before` came before it and was not cut. */
function cutOf(piece: Buffer, encoding: Encoding, before: Buffer[]): number {
  switch (encoding) {
    case 'identity':
      return piece.length;
    case 'quoted-printable':
      return hardBreakCut(piece);
    case 'base64':
      return base64Cut(piece, before);
  }
}

const equals = 0x3d;
const lineFeed = 0x0a;
const blanks = new Set([0x20, 0x09, 0x0d]);

/** Behind the last line end that ends a line of the content: spaces before a soft one (RFC 2045 6.7) may belong to what follows. */
function hardBreakCut(piece: Buffer): number {
  for (let at = piece.lastIndexOf(lineFeed); at > 0; at = piece.lastIndexOf(lineFeed, at - 1)) {
    let last = at - 1;
    while (last >= 0 && blanks.has(piece[last] ?? 0)) last -= 1;
    if (last >= 0 && piece[last] !== equals && piece[last] !== lineFeed) return at + 1;
  }
  return 0;
}

/** Behind the last whole group of four (RFC 4648 4), counted from the last padding, behind which a decoder begins anew. */
function base64Cut(piece: Buffer, before: Buffer[]): number {
  const padding = piece.lastIndexOf(equals);
  const start = padding < 0 ? 0 : afterPadding(piece, padding);
  const counted = padding < 0 ? countedBefore(before) : 0;
  if (start === null || counted === null) return 0;
  let characters = counted;
  let cut = 0;
  for (let at = start; at < piece.length; at += 1) {
    if (!isBase64(piece[at] ?? 0)) continue;
    characters += 1;
    if (characters % 4 === 0) cut = at + 1;
  }
  return cut;
}

/** Where a decoder goes on: at once, or on the next line where there is space behind the padding. null where that is not to be seen yet. */
function afterPadding(piece: Buffer, padding: number): number | null {
  const next = piece[padding + 1];
  if (next === undefined) return null;
  if (next !== 0x20 && next !== 0x09) return padding + 1;
  const lineEnd = piece.indexOf(lineFeed, padding);
  return lineEnd < 0 ? null : lineEnd + 1;
}

/** How many characters of a group stand open before a piece; null where padding is among them, so that it must be known what follows. */
function countedBefore(before: Buffer[]): number | null {
  let characters = 0;
  for (const piece of before) {
    if (piece.includes(equals)) return null;
    for (const byte of piece) if (isBase64(byte)) characters += 1;
  }
  return characters;
}

function isBase64(byte: number): boolean {
  const letter = byte | 0x20;
  if (letter >= 0x61 && letter <= 0x7a) return true;
  // Digits, + and /, and - and _ of the URL alphabet, which Node decodes too.
  return (byte >= 0x2f && byte <= 0x39) || byte === 0x2b || byte === 0x2d || byte === 0x5f;
}
