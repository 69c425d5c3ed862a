import type { ByteRange } from './header-block';

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const dash = 0x2d;
const space = 0x20;
const tab = 0x09;

/**
 * The parts between the delimiter lines of a multipart (RFC 2046 5.1.1), without the line end that belongs to the delimiter; preamble and
 * epilogue are left out. A missing close delimiter is forgiven. An inner multipart cannot reach over a delimiter of the outer one, because
 * the outer one is split first.
 */
export function splitMultipart(
  bytes: Buffer,
  body: ByteRange,
  { boundary, maxParts }: { boundary: string; maxParts: number },
): ByteRange[] | 'too-many' {
  const name = boundary.trimEnd();
  if (name === '') return [];
  // Looking for the line end with it finds line starts only, at the speed of the engine's search.
  const needle = Buffer.from(`\n--${name}`, /^[\0-\xff]*$/.test(name) ? 'latin1' : 'utf8');
  const searched = bytes.subarray(0, body.end);
  const children: ByteRange[] = [];
  let childStart = -1;
  let at = searched.indexOf(needle, Math.max(0, body.start - 1));
  while (at >= 0) {
    const delimiter = delimiterAt(searched, at + needle.length);
    if (delimiter === null) {
      at = searched.indexOf(needle, at + needle.length);
      continue;
    }
    if (childStart >= 0) children.push({ start: childStart, end: Math.max(childStart, endBefore(searched, at)) });
    if (children.length >= maxParts) return 'too-many';
    childStart = delimiter.closes ? -1 : delimiter.end;
    if (delimiter.closes) break;
    // The line end of one delimiter may be the one that the next begins with.
    at = searched.indexOf(needle, delimiter.end - 1);
  }
  if (childStart >= 0) children.push({ start: childStart, end: Math.max(childStart, body.end) });
  return children;
}

/** What follows a boundary's name: nothing but `--`, spaces and a line end, or it is another, longer name. */
function delimiterAt(bytes: Buffer, nameEnd: number): { closes: boolean; end: number } | null {
  const closes = bytes[nameEnd] === dash && bytes[nameEnd + 1] === dash;
  let at = closes ? nameEnd + 2 : nameEnd;
  while (bytes[at] === space || bytes[at] === tab || bytes[at] === carriageReturn) at += 1;
  if (at >= bytes.length) return { closes, end: bytes.length };
  return bytes[at] === lineFeed ? { closes, end: at + 1 } : null;
}

function endBefore(bytes: Buffer, lineFeedOffset: number): number {
  return bytes[lineFeedOffset - 1] === carriageReturn ? lineFeedOffset - 1 : lineFeedOffset;
}
