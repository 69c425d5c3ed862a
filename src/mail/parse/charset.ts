import { isAscii, isUtf8 } from 'node:buffer';

import { decode, normalizeCharset } from 'libmime/lib/charset.js';

/**
 * The text that bytes in a declared charset stand for; null where none is declared. What is undeclared, declared as ASCII, or in a charset
 * that nobody knows is read as `decodeUndeclared` does, and so is what is declared as UTF-8. A byte order mark wins over everything and is taken off.
 */
export function decodeText(bytes: Buffer, charset: string | null): string {
  if (isAscii(bytes) && !isStateful(charset)) return bytes.toString('latin1');
  const marked = byBom(bytes);
  if (marked !== null) return marked;
  const name = charset === null ? 'UNDECLARED' : normalizeCharset(charset).toUpperCase();
  // WHATWG Encoding 4.2: what calls itself ISO 8859-1 means windows-1252, which differs in C1 controls only.
  if (name === 'ISO-8859-1' || name === 'LATIN1') return decode(bytes, 'windows-1252');
  if (undeclared.has(name)) return decodeUndeclared(bytes);
  return decodeNamed(bytes, name);
}

/**
 * Bytes of which nothing says in which charset they are, or something that cannot be relied on: UTF-8, with what is broken in it replaced,
 * unless nothing in them is UTF-8. Then windows-1252, which is what most of such mail was written in.
 */
export function decodeUndeclared(bytes: Buffer): string {
  if (isAscii(bytes)) return bytes.toString('latin1');
  const text = bytes.toString('utf8');
  return isUtf8(bytes) || /[^\0-\x7f\ufffd]/.test(text) ? text : decode(bytes, 'windows-1252');
}

/** Whether bytes in this charset are UTF-8 as they are, so that they need no decoding to be compared. */
export function isUtf8Text(bytes: Buffer, charset: string | null): boolean {
  if (isStateful(charset)) return false;
  return isAscii(bytes) || (isUtf8(bytes) && (charset === null || /^(?:utf-?8|us-ascii)$/i.test(charset)));
}

const undeclared = new Set([
  'UTF-8',
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

/** libmime decodes what it does not know, or refuses, as UTF-8 with replacement characters. */
function decodeNamed(bytes: Buffer, name: string): string {
  const text = decode(bytes, name);
  return text.includes('\ufffd') && text === bytes.toString('utf8') ? decodeUndeclared(bytes) : text;
}
