import { isAscii } from 'node:buffer';

import { decodeUndeclared } from './charset';
import { LimitBreach } from './limit-breach';

const lineFeed = 0x0a;
const carriageReturn = 0x0d;

/** One field as it stands in the bytes: `value` is Latin-1 of the bytes after the colon, with its folding. */
interface RawField {
  /** In lower case. */
  name: string;
  value: string;
}

/** The header of a message or part (RFC 5322 2.2), and where its body begins. */
export class HeaderBlock {
  constructor(
    private readonly fields: RawField[],
    readonly bodyOffset: number,
  ) {}

  /** The first value of a header, unfolded; null where it is absent. `name` in lower case. */
  first(name: string): string | null {
    const field = this.fields.find((candidate) => candidate.name === name);
    return field === undefined ? null : unfold(field.value);
  }

  /** Every value of a header, in order. */
  all(name: string): string[] {
    return this.fields.filter((field) => field.name === name).map((field) => unfold(field.value));
  }

  /** All fields in order, values unfolded. */
  entries(): { name: string; value: string }[] {
    return this.fields.map(({ name, value }) => ({ name, value: unfold(value) }));
  }
}

export interface ByteRange {
  start: number;
  end: number;
}

/**
 * Reads the header that begins at `range.start`. It ends at an empty line, or with the range. A part whose first line cannot be a header
 * has none: its body begins at once.
 * @throws LimitBreach header-too-large
 */
export function readHeaderBlock(bytes: Buffer, range: ByteRange, maxHeaderBytes: number): HeaderBlock {
  const { headerEnd, bodyOffset } = findBody(bytes, range, maxHeaderBytes);
  const fields = fieldsOf(bytes.toString('latin1', range.start, headerEnd));
  if (fields.length === 0 && headerEnd > range.start) return new HeaderBlock([], range.start);
  return new HeaderBlock(fields, bodyOffset);
}

/** The fields at the start of a message that may be of any size: only `maxHeaderBytes` of it are looked at. Never fails. */
export function scanHeader(bytes: Buffer, maxHeaderBytes: number): HeaderBlock {
  return readHeaderBlock(bytes, { start: 0, end: Math.min(bytes.length, maxHeaderBytes) }, maxHeaderBytes);
}

function findBody(bytes: Buffer, { start, end }: ByteRange, maxHeaderBytes: number) {
  const limit = Math.min(end, start + maxHeaderBytes);
  let lineStart = start;
  for (let at = start; at < limit; at += 1) {
    if (bytes[at] !== lineFeed) continue;
    const empty = at === lineStart || (at === lineStart + 1 && bytes[lineStart] === carriageReturn);
    if (empty) return { headerEnd: lineStart, bodyOffset: at + 1 };
    lineStart = at + 1;
  }
  if (limit < end) throw new LimitBreach('header-too-large', { maxHeaderBytes });
  return { headerEnd: end, bodyOffset: end };
}

function fieldsOf(block: string): RawField[] {
  const fields: RawField[] = [];
  for (let start = 0; start < block.length;) {
    const end = fieldEnd(block, start);
    const line = block.slice(start, end);
    const colon = line.indexOf(':');
    const name = colon > 0 ? nameIn(line.slice(0, colon), start) : '';
    // RFC 5322 3.6.8. Lines that are no field (mbox's `From `, a line folded without space) are passed over.
    if (name !== '' && /^[\x21-\x39\x3b-\x7e]+$/.test(name))
      fields.push({ name: name.toLowerCase(), value: line.slice(colon + 1) });
    start = end + 1;
  }
  return fields;
}

/** RFC 5322 4.5.8 allows space before the colon; before the very first name it can only be a slip, for there is nothing to continue. */
function nameIn(text: string, offset: number): string {
  return offset === 0 ? text.trim() : text.trimEnd();
}

/** The line feed that ends the field which begins at `start`: the first one that no space follows. */
function fieldEnd(block: string, start: number): number {
  for (let at = block.indexOf('\n', start); at >= 0; at = block.indexOf('\n', at + 1)) {
    const next = block.charCodeAt(at + 1);
    if (next !== 0x20 && next !== 0x09) return at;
  }
  return block.length;
}

/** Takes out the folding (RFC 5322 2.2.3), and reads bytes above 127 as UTF-8 where they are (RFC 6532), else as windows-1252. */
function unfold(value: string): string {
  const flat = value.includes('\n') ? withoutLineEnds(value) : value;
  const text = flat.trim();
  const bytes = Buffer.from(text, 'latin1');
  if (isAscii(bytes)) return text;
  // A bare byte in an encoded word is in the charset of the word, so it becomes one of its escapes before anything is decoded.
  const escaped = text.replace(/=\?[^?\s]+\?q\?[^?]*\?=/gi, (word) => word.replace(/[\x80-\xff]/g, escapeByte));
  return decodeUndeclared(escaped === text ? bytes : Buffer.from(escaped, 'latin1'));
}

/** Line feeds and the carriage returns before them; a pattern would look at each of a million that end in nothing. */
function withoutLineEnds(value: string): string {
  const lines = value.split('\n');
  return lines.map((line, index) => (index < lines.length - 1 ? withoutReturns(line) : line)).join('');
}

function withoutReturns(line: string): string {
  let end = line.length;
  while (line.charCodeAt(end - 1) === carriageReturn) end -= 1;
  return line.slice(0, end);
}

function escapeByte(character: string): string {
  return `=${character.charCodeAt(0).toString(16)}`;
}
