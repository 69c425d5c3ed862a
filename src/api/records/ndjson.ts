import { isUtf8 } from 'node:buffer';
import type { Readable } from 'node:stream';

import { bodyTooLarge } from '../problems';

/** One line of an NDJSON body; numbers begin with 1, empty lines are counted and left out. */
export type NdjsonLine =
  | { line: number; kind: 'value'; value: unknown }
  | { line: number; kind: 'unreadable'; reason: 'not-json' | 'not-utf8' | 'too-long' };

const lineFeed = 0x0a;
const endOfLine = Buffer.from([lineFeed]);

/** How much is read, and who is shown the bytes of each line, a line feed after it, before the line itself is given. */
export interface NdjsonOptions {
  maxBytes: number;
  maxLineBytes: number;
  seen?: (bytes: Buffer) => void;
}

/**
 * The lines of a body as they arrive, in flat memory.
 * @throws Problem 413 as soon as the body is larger than `maxBytes`
 */
export async function* ndjsonLines(body: Readable, limits: NdjsonOptions): AsyncGenerator<NdjsonLine> {
  const cutter = new LineCutter(limits);
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > limits.maxBytes) throw bodyTooLarge(limits.maxBytes);
    for (const line of cutter.push(chunk)) yield* read(line);
  }
  yield* read(cutter.end());
}

interface RawLine {
  line: number;
  /** null: longer than a line may be. */
  bytes: Buffer | null;
}

/** Cuts chunks into lines; of a line that is too long nothing is kept. */
class LineCutter {
  private line = 1;
  private pieces: Buffer[] = [];
  private length = 0;

  constructor(private readonly options: NdjsonOptions) {}

  *push(chunk: Buffer): Generator<RawLine> {
    let from = 0;
    for (let end = chunk.indexOf(lineFeed); end >= 0; end = chunk.indexOf(lineFeed, from)) {
      this.keep(chunk.subarray(from, end));
      yield this.end();
      from = end + 1;
    }
    this.keep(chunk.subarray(from));
  }

  /** The line so far, and begins the next. */
  end(): RawLine {
    this.options.seen?.(endOfLine);
    const bytes = this.length > this.options.maxLineBytes ? null : Buffer.concat(this.pieces);
    this.pieces = [];
    this.length = 0;
    return { line: this.line++, bytes };
  }

  private keep(piece: Buffer): void {
    this.options.seen?.(piece);
    this.length += piece.length;
    if (this.length <= this.options.maxLineBytes) this.pieces.push(piece);
    else this.pieces = [];
  }
}

function* read({ line, bytes }: RawLine): Generator<NdjsonLine> {
  if (bytes === null) {
    yield { line, kind: 'unreadable', reason: 'too-long' };
    return;
  }
  if (!isUtf8(bytes)) {
    yield { line, kind: 'unreadable', reason: 'not-utf8' };
    return;
  }
  const text = bytes
    .toString('utf8')
    .replace(/^\ufeff/, '')
    .trim();
  if (text !== '') yield parsed(line, text);
}

function parsed(line: number, text: string): NdjsonLine {
  try {
    return { line, kind: 'value', value: JSON.parse(text) as unknown };
  } catch {
    return { line, kind: 'unreadable', reason: 'not-json' };
  }
}
