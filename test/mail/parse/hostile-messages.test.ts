import { parseMessage } from '../../../src/mail/parse/parse-message';
import { messageOf, parseLimits, read } from './message-of';

/*
 * Messages that were made to hurt. Each must come to an outcome in a time that leaves room under the product's time limit of 20 s, on a
 * machine that does other things as well.
 */
const mega = 1_000_000;
const timeLimitMs = 8_000;

function outcomeOf(raw: Buffer) {
  const began = performance.now();
  const outcome = parseMessage(raw, parseLimits);
  expect(performance.now() - began).toBeLessThan(timeLimitMs);
  return outcome;
}

function codeOf(raw: Buffer): string {
  const outcome = outcomeOf(raw);
  return outcome.kind === 'unreadable' ? outcome.code : 'parsed';
}

function textOf(raw: Buffer): string {
  const outcome = outcomeOf(raw);
  return outcome.kind === 'parsed' ? outcome.message.text : outcome.code;
}

const mixed = 'Content-Type: multipart/mixed; boundary=b';
const part = '--b\nContent-Type: text/plain\n\nx\n';

test('100,000 parts are too many', () => {
  expect(codeOf(messageOf({ headers: [mixed], body: part.repeat(100_000) }))).toBe('too-many-parts');
});

test('as many parts as are allowed are read', () => {
  const { parts } = read(messageOf({ headers: [mixed], body: part.repeat(999) }));
  expect(parts).toHaveLength(1_000);
});

test('one part more than is allowed is too many, and the limit is named', () => {
  expect(parseMessage(messageOf({ headers: [mixed], body: part.repeat(1_000) }), parseLimits)).toMatchObject({
    kind: 'unreadable',
    code: 'too-many-parts',
    detail: { maxParts: 1_000 },
  });
});

test('what is nested 10,000 deep is too deep', () => {
  const levels = Array.from(
    { length: 10_000 },
    (_, n) => `Content-Type: multipart/mixed; boundary=b${String(n)}\n\n--b${String(n)}\n`,
  );
  expect(codeOf(messageOf({ headers: [mixed], body: `--b\n${levels.join('')}\nx` }))).toBe('too-deep');
});

test('500,000 header lines are too large a header', () => {
  expect(codeOf(messageOf({ headers: Array<string>(500_000).fill('X-Line: 1') }))).toBe('header-too-large');
});

test('a header line of 20 MB is too large a header', () => {
  expect(codeOf(messageOf({ headers: [`Subject: ${'a'.repeat(20 * mega)}`] }))).toBe('header-too-large');
});

test('the header of a part obeys the limit too', () => {
  const body = `--b\nX-Long: ${'a'.repeat(2 * mega)}\n\nx\n--b--`;
  expect(codeOf(messageOf({ headers: [mixed], body }))).toBe('header-too-large');
});

test('a message that breaks a limit still tells its Message-ID', () => {
  const headers = ['Message-ID: <big@example.com>', `X-Long: ${'a'.repeat(2 * mega)}`];
  expect(outcomeOf(messageOf({ headers }))).toMatchObject({ messageIdHeader: '<big@example.com>' });
});

test('30,000 recipients are too many', () => {
  const to = Array.from({ length: 30_000 }, (_, n) => `u${String(n)}@example.com`).join(',');
  expect(codeOf(messageOf({ headers: [`To: ${to}`] }))).toBe('too-many-addresses');
});

test.each([
  ['quotes', '"'],
  ['escaped quotes', '\\"'],
  ['opening brackets', '<'],
  ['opening parentheses', '('],
  ['a quote and a bracket', '"<'],
  ['spaces', ' '],
  ['at signs', '@'],
  ['words', 'a '],
  ['beginnings of encoded words', '=?'],
  ['encoded words without end', '=?utf-8?Q?'],
  ['whole encoded words', '=?utf-8?Q?=C3=BC?= '],
  ['commas', ','],
  ['colons', ':'],
  ['routes', '<@a,'],
])('a million characters of %s in every structured header are read', (_, piece) => {
  const value = piece.repeat(Math.floor(140_000 / piece.length));
  const names = ['To', 'Subject', 'Message-ID', 'References', 'Date', 'Content-Type', 'Content-Disposition'];
  const headers = names.map((name) => `${name}: ${value}x`);
  expect(['parsed', 'too-many-addresses']).toContain(codeOf(messageOf({ headers })));
});

test.each([
  ['brackets after a Content-ID', `Content-ID: <a${'>'.repeat(900_000)}b`],
  ['carriage returns before a folding', `Subject: a${'\r'.repeat(900_000)}b\r\n c`],
  ['at signs in apostrophes', `To: "'${'@'.repeat(900_000)}" <'${'@'.repeat(900_000 / 10)}x>`],
  ['spaces in a yes or no', `X-Autoreply: no${' '.repeat(900_000)}x`],
])('900,000 %s are read', (_, header) => {
  expect(codeOf(messageOf({ headers: [header] }))).toBe('parsed');
});

test('half a million cells after a long text are read', () => {
  const body = `${'a'.repeat(200_000)} ${'<td>'.repeat(500_000)}`;
  expect(codeOf(messageOf({ headers: ['Content-Type: text/html'], body }))).toBe('parsed');
});

test('a Content-ID that is cut in the middle of a character is cut before it', () => {
  const { parts } = read(messageOf({ headers: [`Content-ID: <${'x'.repeat(199)}\u{1f600}>`] }));
  expect(parts[0]?.contentId).toBe('x'.repeat(199));
});

test('80,000 parameters are read', () => {
  const parameters = Array.from({ length: 80_000 }, (_, n) => `p*${String(n)}=a`).join('; ');
  expect(codeOf(messageOf({ headers: [`Content-Type: text/plain; ${parameters}`] }))).toBe('parsed');
});

test('of 50,000 references the first and the last are kept', () => {
  const ids = Array.from({ length: 50_000 }, (_, n) => `<${String(n)}@example>`);
  const { references } = read(messageOf({ headers: [`References: ${ids.join(' ')}`] }));
  expect(references).toHaveLength(parseLimits.maxReferences);
  expect([references[0], references.at(-1)]).toEqual(['<0@example>', '<49999@example>']);
});

test('30 MB of text are read, and cut', () => {
  const message = read(messageOf({ body: Buffer.alloc(30 * mega, 'word word word word word word\r\n') }));
  expect(message.text).toHaveLength(parseLimits.maxTextCharacters);
  expect(message.textTruncated).toBe(true);
});

test.each([
  ['one line', '7bit', 'a'],
  ['quoted-printable', 'quoted-printable', '=C3=BC'],
  ['equals signs', 'quoted-printable', '='],
  ['equals signs and spaces', 'quoted-printable', '=  '],
  ['spaces', 'quoted-printable', ' '],
  ['padding', 'base64', '='],
  ['padded base64', 'base64', 'YQ=='],
  ['line ends', 'quoted-printable', '\r\n'],
  ['lines of a space', 'quoted-printable', ' \r\n'],
])('30 MB of %s are read', (_, encoding, piece) => {
  const body = Buffer.alloc(30 * mega, piece);
  expect(codeOf(messageOf({ headers: [`Content-Transfer-Encoding: ${encoding}`], body }))).toBe('parsed');
});

test('10 MB of flowed text are read', () => {
  const flowed = messageOf({
    headers: ['Content-Type: text/plain; format=flowed'],
    body: Buffer.alloc(10 * mega, '> soft line \r\n'),
  });
  expect(textOf(flowed)).toMatch(/^> soft line soft line/);
});

test.each([
  '<div>',
  '<',
  '<a href="',
  '<!--',
  '<style>',
  '&lt',
  '&#',
  "<a b='",
  '<a ">',
  '</x',
  '<table><tr><td>',
  ' \n',
  '<script>x',
])('20 MB of %p as HTML are read', (piece) => {
  const body = piece.repeat(Math.floor((20 * mega) / piece.length));
  expect(codeOf(messageOf({ headers: ['Content-Type: text/html'], body }))).toBe('parsed');
});

test('a delimiter that begins every line and ends none is read', () => {
  expect(codeOf(messageOf({ headers: [mixed], body: Buffer.alloc(20 * mega, '--bx\r\n') }))).toBe('parsed');
});

test('a charset of 20 MB that has to be decoded is read', () => {
  const raw = messageOf({
    headers: ['Content-Type: text/plain; charset=iso-2022-jp'],
    body: Buffer.alloc(20 * mega, '\u001b$B$"\u001b(B'),
  });
  expect(textOf(raw)).toMatch(/^あああ/);
});

test('an empty message is a message', () => {
  expect(read(Buffer.alloc(0))).toMatchObject({ subject: '', text: '', from: [], messageIdHeader: null });
});

test.each([
  ['NUL', Buffer.alloc(100_000)],
  ['0xff', Buffer.alloc(100_000, 0xff)],
  ['line feeds', Buffer.alloc(100_000, '\n')],
  ['carriage returns', Buffer.alloc(100_000, '\r')],
  ['colons', Buffer.alloc(100_000, ':')],
  ['delimiters', Buffer.alloc(100_000, '--')],
])('a message of nothing but %s is a message', (_, raw) => {
  expect(codeOf(raw)).toBe('parsed');
});
