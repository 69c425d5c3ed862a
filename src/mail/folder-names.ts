// Names of folders as servers send them (modified UTF-7, RFC 3501 5.1.3), and as they are kept here. A name that Postgres cannot store (NUL,
// half a surrogate), or that does not come back to the same bytes when it is encoded again (broken or unusual UTF-7), is kept with what is
// special in it behind a mark, so that a person can read the rest and the server is asked by its own bytes.

/** U+FFFD, which readers show as something that could not be read. */
const mark = '\ufffd';

// With the flag u, a surrogate in a class stands for one that has no partner.
const unstorable = /[\0\ufffd\ud800-\udfff]/gu;
const escaped = /\ufffd(?:\{([0-9a-f]{4})\}|\{=([0-9a-f]{2})\}|&)/g;

const control = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/;

/** One shift into BASE64 and back, or an ampersand that begins none. */
const shifts = /&[^-&]*-?/g;

/**
 * The name of a folder as it is kept, from its bytes as the server listed them: `Entw&APw-rfe` is `Entwürfe`. Reversible by `nameOnServer`,
 * and never the same for two names.
 */
export function keptName(listed: string): string {
  const kept = withShifts(listed, decodedShift);
  // Two shifts side by side, and whatever else no server would write: nothing of it is decoded.
  return nameOnServer(kept) === listed || eightBit.test(listed) ? kept : withShifts(listed, () => null);
}

/** Servers that list UTF-8 although nobody asked for it understand names that are encoded, as far as is known. */
const eightBit = /[^\0-\x7f]/;

function withShifts(listed: string, decode: (shift: string) => string | null): string {
  let kept = '';
  let done = 0;
  for (const { 0: shift, index } of listed.matchAll(shifts)) {
    const text = decode(shift);
    // The ampersand alone is marked; what follows stays as the server has it.
    kept += asListed(listed.slice(done, index)) + (text === null ? `${mark}&${asListed(shift.slice(1))}` : plain(text));
    done = index + shift.length;
  }
  return kept + asListed(listed.slice(done));
}

/** Control characters that stand in a name as they are would be encoded when they are sent. */
function asListed(text: string): string {
  return [...text].map((one) => (control.test(one) ? `${mark}{=${hex(one, 2)}}` : plain(one))).join('');
}

/** The bytes by which the server knows a folder that is kept under this name. */
export function nameOnServer(kept: string): string {
  let name = '';
  let text = '';
  let done = 0;
  for (const escape of kept.matchAll(escaped)) {
    text += kept.slice(done, escape.index);
    if (escape[1] !== undefined) text += String.fromCharCode(parseInt(escape[1], 16));
    else {
      name += encoded(text) + (escape[2] === undefined ? '&' : String.fromCharCode(parseInt(escape[2], 16)));
      text = '';
    }
    done = escape.index + escape[0].length;
  }
  return name + encoded(text + kept.slice(done));
}

/** Whether a folder is opened by its own bytes: its name is marked, or has a line break, which only a literal can carry. */
export function isOddName(kept: string): boolean {
  return kept.includes(mark) || /[\r\n]/.test(kept);
}

function plain(text: string): string {
  return text.replace(unstorable, (one) => `${mark}{${hex(one, 4)}}`);
}

function hex(one: string, digits: number): string {
  return one.charCodeAt(0).toString(16).padStart(digits, '0');
}

/** The text of a shift that is encoded as every server would; else null. */
function decodedShift(shift: string): string | null {
  if (shift === '&-') return '&';
  if (!shift.endsWith('-')) return null;
  const bytes = Buffer.from(shift.slice(1, -1).replaceAll(',', '/'), 'base64');
  if (bytes.length === 0 || bytes.length % 2 !== 0) return null;
  const text = bytes.swap16().toString('utf16le');
  return encoded(text) === shift ? text : null;
}

/** Modified UTF-7: printable ASCII as itself, the rest in BASE64 of UTF-16. Line breaks and tabs are left, for a literal can carry them. */
function encoded(text: string): string {
  return text.replace(/&|[^\t\r\n\x20-\x7e]+/g, (one) => {
    if (one === '&') return '&-';
    const bytes = Buffer.from(one, 'utf16le').swap16();
    return `&${bytes.toString('base64').replace(/=+$/, '').replaceAll('/', ',')}-`;
  });
}
