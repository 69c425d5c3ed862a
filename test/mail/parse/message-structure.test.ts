import type { PartDescriptor } from '../../../src/domain/message';
import { parseMessage } from '../../../src/mail/parse/parse-message';
import { reduceRaw } from '../../../src/mail/parse/reduce-raw';
import { decodePart, readHtml } from '../../../src/mail/parse/stored-parts';
import { messageOf, parseLimits, read } from './message-of';

const mixed = 'Content-Type: multipart/mixed; boundary="=_b"';

const letterWithFile = messageOf({
  headers: ['Message-ID: <letter@example.com>', mixed],
  body: [
    'This is the preamble.',
    '--=_b',
    'Content-Type: multipart/alternative; boundary=inner',
    '',
    '--inner',
    'Content-Type: text/plain; charset=utf-8',
    '',
    'Plain text',
    '--inner',
    'Content-Type: text/html',
    '',
    '<p>HTML</p>',
    '--inner--',
    '--=_b',
    'Content-Type: application/pdf; name="offer.pdf"',
    'Content-Transfer-Encoding: base64',
    'Content-Disposition: attachment; filename="offer.pdf"',
    '',
    'JVBERi0xLjQKJVBERi0xLjQKJVBERi0xLjQK',
    '--=_b--',
    'This is the epilogue.',
  ].join('\n'),
});

function bodyOf(raw: Buffer, part: PartDescriptor | undefined): Buffer {
  if (part === undefined) throw new Error('no such part');
  return raw.subarray(part.offset, part.offset + part.length);
}

function rolesOf(raw: Buffer): string[] {
  return read(raw).parts.map((part) => `${part.section} ${part.contentType} ${part.role}`);
}

test('every part is there, numbered as IMAP numbers them', () => {
  expect(rolesOf(letterWithFile)).toEqual([
    ' multipart/mixed multipart',
    '1 multipart/alternative multipart',
    '1.1 text/plain text',
    '1.2 text/html html',
    '2 application/pdf attachment',
  ]);
});

test('offsets and lengths are those of the encoded body, without the line end before the delimiter', () => {
  const { parts } = read(letterWithFile);
  expect(bodyOf(letterWithFile, parts[2]).toString()).toBe('Plain text');
  expect(bodyOf(letterWithFile, parts[4]).toString()).toBe('JVBERi0xLjQKJVBERi0xLjQKJVBERi0xLjQK');
});

test('an attachment is decoded when it is asked for', () => {
  const part = read(letterWithFile).parts[4];
  expect(part).toMatchObject({ filename: 'offer.pdf', encoding: 'base64', disposition: 'attachment', kept: true });
  expect(decodePart(bodyOf(letterWithFile, part), { encoding: 'base64' }).toString()).toBe('%PDF-1.4\n'.repeat(3));
});

test('a message of one part has section 1', () => {
  expect(rolesOf(messageOf({}))).toEqual(['1 text/plain text']);
});

test('line feeds alone are line ends', () => {
  const raw = Buffer.from(letterWithFile.toString().replaceAll('\r\n', '\n'));
  expect(rolesOf(raw)).toEqual(rolesOf(letterWithFile));
  expect(bodyOf(raw, read(raw).parts[2]).toString()).toBe('Plain text');
});

test('carriage returns alone are line ends', () => {
  const raw = Buffer.from(letterWithFile.toString().replaceAll('\r\n', '\r'));
  expect(rolesOf(raw)).toEqual(rolesOf(letterWithFile));
  expect(read(raw).text).toBe('Plain text');
});

test('a boundary that another one begins with is not mistaken for it', () => {
  const body =
    '--a\nContent-Type: multipart/mixed; boundary=ab\n\n--ab\n\none\n--ab\n\ntwo\n--ab--\n--a\n\nthree\n--a--';
  const raw = messageOf({ headers: ['Content-Type: multipart/mixed; boundary=a'], body });
  expect(rolesOf(raw)).toHaveLength(5);
  expect(read(raw).text).toBe('one\ntwo\nthree');
});

test('an outer delimiter ends an inner multipart that is not closed', () => {
  const body = '--a\nContent-Type: multipart/mixed; boundary=i\n\n--i\n\none\n--a\n\ntwo\n--a--';
  expect(read(messageOf({ headers: ['Content-Type: multipart/mixed; boundary=a'], body })).text).toBe('one\ntwo');
});

test.each([
  ['spaces after the delimiter', '--=_b \t\n\nx\n--=_b--  \n'],
  ['no close delimiter', '--=_b\n\nx'],
  ['no line end after the close delimiter', '--=_b\n\nx\n--=_b--'],
])('a part is found with %s', (_, body) => {
  expect(read(messageOf({ headers: [mixed], body })).text).toBe('x');
});

test('parts without content or header are parts', () => {
  const { parts } = read(messageOf({ headers: [mixed], body: '--=_b\n--=_b\n\n--=_b\nno header here\n--=_b--' }));
  expect(parts.map(({ length }) => length).slice(1)).toEqual([0, 0, 'no header here'.length]);
});

test('a multipart without boundary, or without parts, is shown as text', () => {
  expect(read(messageOf({ headers: ['Content-Type: multipart/mixed'], body: 'Hello' })).text).toBe('Hello');
  expect(read(messageOf({ headers: [mixed], body: 'Hello' })).text).toBe('Hello');
});

test('a forwarded message is one attachment, not looked into', () => {
  const inner = 'Subject: inner\nContent-Type: multipart/mixed; boundary=x\n\n--x\n\ninner text\n--x--';
  const raw = messageOf({
    headers: [mixed],
    body: `--=_b\n\nSee below\n--=_b\nContent-Type: message/rfc822\n\n${inner}\n--=_b--`,
  });
  expect(rolesOf(raw)).toEqual([' multipart/mixed multipart', '1 text/plain text', '2 message/rfc822 attachment']);
  expect(read(raw)).toMatchObject({ text: 'See below', marks: ['forwarded-as-attachment'] });
});

test('the parts of a digest are messages', () => {
  const raw = messageOf({
    headers: ['Content-Type: multipart/digest; boundary=b'],
    body: '--b\n\nSubject: one\n\none\n--b--',
  });
  expect(rolesOf(raw)).toEqual([' multipart/digest multipart', '1 message/rfc822 attachment']);
});

test.each([
  ['Content-Disposition: attachment', 'attachment'],
  ['Content-Disposition: attachment; filename=a.txt', 'attachment'],
  ['Content-Disposition: something-new', 'attachment'],
  ['Content-Disposition: inline; filename=a.txt', 'attachment'],
  ['Content-Disposition: inline', 'text'],
  ['X-None: 1', 'text'],
])('a second text part with %p is shown as %p', (header, role) => {
  const raw = messageOf({ headers: [mixed], body: `--=_b\n\nfirst\n--=_b\n${header}\n\nsecond\n--=_b--` });
  expect(read(raw).parts[2]?.role).toBe(role);
});

test('an invitation is an attachment and a mark', () => {
  const body = '--=_b\n\nCome\n--=_b\nContent-Type: text/calendar; method=REQUEST\n\nBEGIN:VCALENDAR\n--=_b--';
  expect(read(messageOf({ headers: [mixed], body }))).toMatchObject({ text: 'Come', marks: ['invitation'] });
});

test('a bounce shows its explanation, and its report as an attachment', () => {
  const headers = ['Content-Type: multipart/report; report-type=delivery-status; boundary="=_b"'];
  const body = '--=_b\n\nNot delivered\n--=_b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; x\n--=_b--';
  const message = read(messageOf({ headers, body }));
  expect(message).toMatchObject({ text: 'Not delivered', marks: ['bounce'] });
  expect(message.parts[2]?.role).toBe('attachment');
});

test.each([
  ["attachment; filename*=utf-8''Stra%C3%9Fe.pdf", 'Straße.pdf'],
  ["attachment; filename*0*=utf-8''Stra%C3%9F; filename*1=e.pdf", 'Straße.pdf'],
  ['attachment; filename="=?utf-8?B?U3RyYcOfZS5wZGY=?="', 'Straße.pdf'],
  ['attachment; filename="Straße.pdf"', 'Straße.pdf'],
  ['attachment; filename="C:\\\\fakepath\\\\offer.pdf"', 'offer.pdf'],
  ['attachment; filename="../../etc/passwd"', 'passwd'],
  ['attachment; filename="invoice\u202efdp.exe"', 'invoicefdp.exe'],
  ['attachment; filename=""', null],
  ['attachment', null],
])('%p names the file %p', (disposition, filename) => {
  expect(read(messageOf({ headers: [`Content-Disposition: ${disposition}`] })).parts[0]?.filename).toBe(filename);
});

test('a content id is kept without its brackets', () => {
  const raw = messageOf({ headers: ['Content-Type: image/png', 'Content-ID: <logo@example.com>'] });
  expect(read(raw).parts[0]).toMatchObject({ contentId: 'logo@example.com', role: 'attachment' });
});

test('reduced bytes have a marker where an attachment was, and descriptors that fit them', () => {
  const { parts } = read(letterWithFile);
  const reduced = reduceRaw(letterWithFile, parts);
  expect(reduced.bytes.toString()).toBe(
    letterWithFile.toString().replace('JVBERi0xLjQKJVBERi0xLjQKJVBERi0xLjQK', '[not kept]'),
  );
  expect(reduced.parts[4]).toMatchObject({ kept: false, filename: 'offer.pdf' });
  const again = read(reduced.bytes).parts.map(({ offset, length }) => ({ offset, length }));
  expect(reduced.parts.map(({ offset, length }) => ({ offset, length }))).toEqual(again);
});

test('what has no attachments is not reduced', () => {
  const raw = messageOf({});
  expect(reduceRaw(raw, read(raw).parts).bytes.equals(raw)).toBe(true);
});

test('the HTML of a message is that of the alternative that has it', () => {
  expect(readHtml(letterWithFile, read(letterWithFile).parts)).toBe('<p>HTML</p>');
});

test('a message without HTML has none', () => {
  expect(readHtml(messageOf({}), read(messageOf({})).parts)).toBeNull();
});

test('text beside HTML is shown with it, and cannot become markup', () => {
  const raw = messageOf({
    headers: [mixed],
    body: '--=_b\nContent-Type: text/html\n\n<p>A</p>\n--=_b\n\n<b> & c\n--=_b--',
  });
  expect(readHtml(raw, read(raw).parts)).toBe('<p>A</p>\n<hr>\n<pre>&lt;b> &amp; c</pre>');
});

test('HTML that declares its charset itself is read in it', () => {
  const raw = messageOf({
    headers: ['Content-Type: text/html'],
    body: '<meta http-equiv=Content-Type content="text/html; charset=iso-8859-2"><p>\u00b1',
    encoding: 'latin1',
  });
  expect(readHtml(raw, read(raw).parts)).toContain('<p>ą');
});

test('a fault of the parser is an outcome', () => {
  const limits = Object.defineProperty({ ...parseLimits }, 'maxParts', {
    get: () => {
      throw new TypeError('broken');
    },
  });
  expect(parseMessage(messageOf({ headers: ['Message-ID: <a@b>'] }), limits)).toEqual({
    kind: 'unreadable',
    code: 'parser-error',
    detail: { error: 'TypeError' },
    messageIdHeader: '<a@b>',
  });
});
