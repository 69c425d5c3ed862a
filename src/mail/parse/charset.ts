import { isAscii, isUtf8 } from 'node:buffer';

import { decode, normalizeCharset } from 'libmime/lib/charset.js';

/**
 * The text that bytes in a declared charset stand for; null where none is declared. What is undeclared, declared as ASCII, or in a charset
 * that nobody knows is read as UTF-8 if it is valid as such, else as windows-1252. A byte order mark wins over everything and is taken off.
 */
export function decodeText(bytes: Buffer, charset: string | null): string {
  if (isAscii(bytes) && !isStateful(charset)) return bytes.toString('latin1');
  const marked = byBom(bytes);
  if (marked !== null) return marked;
  const name = charset === null ? 'UNDECLARED' : normalizeCharset(charset).toUpperCase();
  if (name === 'UTF-8') return bytes.toString('utf8');
  // WHATWG Encoding 4.2: what calls itself ISO 8859-1 means windows-1252, which differs in C1 controls only.
  if (name === 'ISO-8859-1' || name === 'LATIN1') return decode(bytes, 'windows-1252');
  if (undeclared.has(name)) return isUtf8(bytes) ? bytes.toString('utf8') : decode(bytes, 'windows-1252');
  return decodeNamed(bytes, name);
}

/** Whether bytes in this charset are UTF-8 as they are, so that they need no decoding to be compared. */
export function isUtf8Text(bytes: Buffer, charset: string | null): boolean {
  if (isStateful(charset)) return false;
  return isAscii(bytes) || (isUtf8(bytes) && (charset === null || /^(?:utf-?8|us-ascii)$/i.test(charset)));
}

const undeclared = new Set([
  'UNDECLARED',
  'US-ASCII',
  'ASCII',
  'ANSI_X3.4-1968',
  '7BIT',
  '8BIT',
  'BINARY',
  'UNKNOWN-8BIT',
  'X-UNKNOWN',
  'DEFAULT',
]);

/** Charsets whose bytes are all ASCII and mean something else (ISO 2022, HZ, UTF-16). UTF-7 is never decoded: it smuggles markup. */
function isStateful(charset: string | null): boolean {
  return charset !== null && /2022|^hz|utf-?(?:16|32)|ucs-?[24]|unicode/i.test(charset);
}

function byBom(bytes: Buffer): string | null {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return bytes.toString('utf8', 3);
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return bytes.toString('utf16le', 2);
  return null;
}

/** An unknown name is decoded as UTF-8 by libmime, with replacement characters; then windows-1252 is the better guess. */
function decodeNamed(bytes: Buffer, name: string): string {
  const text = decode(bytes, name);
  return text.includes('\ufffd') && !isUtf8(bytes) && text === bytes.toString('utf8')
    ? decode(bytes, 'windows-1252')
    : text;
}
