import type { PartDescriptor } from '../../domain/message';

const equals = 0x3d;
const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const space = 0x20;
const tab = 0x09;

/** The encoding that a Content-Transfer-Encoding header names (RFC 2045 6.1); what nobody knows counts as identity. */
export function encodingOf(header: string | null): PartDescriptor['encoding'] {
  const name = /^[\s"']*([\w-]+)/.exec(header ?? '')?.[1]?.toLowerCase();
  if (name === 'base64') return 'base64';
  return name === 'quoted-printable' ? 'quoted-printable' : 'identity';
}

/** Decodes the body of a part. Never fails: what is not in the alphabet is left out (base64) or kept as it is (quoted-printable). */
export function decodeTransfer(bytes: Buffer, encoding: PartDescriptor['encoding']): Buffer {
  switch (encoding) {
    case 'identity':
      return bytes;
    case 'base64':
      return decodeBase64(bytes);
    case 'quoted-printable':
      return decodeQuotedPrintable(bytes);
  }
}

/**
 * Node decodes up to the first padding, which is the end of what RFC 2045 6.8 describes. Some senders pad every line or join several
 * encodings, so what follows a padding is decoded too, by itself, if it follows at once or on the next line.
 */
function decodeBase64(bytes: Buffer): Buffer {
  const padding = bytes.indexOf(equals);
  if (padding < 0 || isBlankFrom(bytes, padding)) return Buffer.from(bytes.toString('latin1'), 'base64');
  return decodeJoinedBase64(bytes);
}

function isBlankFrom(bytes: Buffer, start: number): boolean {
  for (let at = start; at < bytes.length; at += 1) {
    const byte = bytes[at] ?? 0;
    if (byte > space && byte !== equals) return false;
  }
  return true;
}

/** Values of the alphabet (RFC 4648 4 and 5), 255 for what is not in it. */
const base64Values = new Uint8Array(256).fill(255);
for (const [value, letter] of Buffer.from(
  'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/',
).entries()) {
  base64Values[letter] = value;
}
base64Values[0x2d] = 62;
base64Values[0x5f] = 63;

function decodeJoinedBase64(bytes: Buffer): Buffer {
  const decoded = Buffer.allocUnsafe(Math.ceil((bytes.length * 3) / 4));
  let to = 0;
  let bits = 0;
  let held = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at] ?? 0;
    const value = base64Values[byte] ?? 255;
    if (byte === equals) {
      held = 0;
      at = afterPadding(bytes, at) - 1;
    } else if (value < 64) {
      bits = ((bits << 6) | value) & 0xffff;
      held += 6;
      if (held < 8) continue;
      held -= 8;
      decoded[to++] = (bits >> held) & 0xff;
    }
  }
  return decoded.subarray(0, to);
}

/** The offset from which a further encoding may begin: at once, or on the next line. */
function afterPadding(bytes: Buffer, padding: number): number {
  let at = padding;
  while (bytes[at] === equals) at += 1;
  if (bytes[at] !== space && bytes[at] !== tab) return at;
  const lineEnd = bytes.indexOf(lineFeed, at);
  return lineEnd < 0 ? bytes.length : lineEnd + 1;
}

/** RFC 2045 6.7: spaces before a line end were added on the way, `=` and a line end is a soft break, a broken escape stays as it is. */
function decodeQuotedPrintable(bytes: Buffer): Buffer {
  const decoded = Buffer.allocUnsafe(bytes.length);
  let to = 0;
  let escapedUpTo = 0; // an escaped space at the end of a line is meant
  for (let from = 0; from < bytes.length; from += 1) {
    const byte = bytes[from] ?? 0;
    if (byte === equals) {
      const softBreak = softBreakLength(bytes, from);
      const value = softBreak > 0 ? -1 : hexPair(bytes, from + 1);
      if (value >= 0) decoded[to++] = value;
      else if (softBreak === 0) decoded[to++] = equals;
      if (value >= 0) escapedUpTo = to;
      from += softBreak > 0 ? softBreak - 1 : value >= 0 ? 2 : 0;
      continue;
    }
    if (byte === lineFeed || byte === carriageReturn) to = withoutTrailingSpace(decoded, escapedUpTo, to);
    decoded[to++] = byte;
  }
  return decoded.subarray(0, to);
}

/** Length of `=`, spaces and line end from `at`, 0 where it is no soft break. `=` at the very end is one. */
function softBreakLength(bytes: Buffer, at: number): number {
  let end = at + 1;
  // Hex digits are the rule: spaces are looked for only where there are some, and few.
  while (end < bytes.length && end - at < 78 && (bytes[end] === space || bytes[end] === tab)) end += 1;
  if (end >= bytes.length) return end - at;
  if (bytes[end] === lineFeed) return end + 1 - at;
  if (bytes[end] !== carriageReturn) return 0;
  return bytes[end + 1] === lineFeed ? end + 2 - at : end + 1 - at;
}

function hexPair(bytes: Buffer, at: number): number {
  const high = hexDigit(bytes[at] ?? 0);
  const low = hexDigit(bytes[at + 1] ?? 0);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

function withoutTrailingSpace(decoded: Buffer, from: number, to: number): number {
  let end = to;
  while (end > from && (decoded[end - 1] === space || decoded[end - 1] === tab)) end -= 1;
  return end;
}
