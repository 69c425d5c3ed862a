import fc from 'fast-check';

import { parseAddressList } from '../../../src/mail/parse/address-list';
import { messageOf, read } from './message-of';

function shown(header: string): string[] {
  return parseAddressList(header).map(({ name, address }) => `${name}|${address}`);
}

test.each([
  ['ann@example.com', ['|ann@example.com']],
  ['Ann Example <ann@example.com>', ['Ann Example|ann@example.com']],
  ['"Example, Ann" <ann@example.com>, bob@example.com', ['Example, Ann|ann@example.com', '|bob@example.com']],
  ['Example, Ann <ann@example.com>', ['Example, Ann|ann@example.com']],
  ['ann@example.com (Ann Example)', ['Ann Example|ann@example.com']],
  ['ann@example.com; bob@example.com', ['|ann@example.com', '|bob@example.com']],
  ['"a \\"b\\" c" <ann@example.com>', ['a "b" c|ann@example.com']],
  [
    'Friends: ann@example.com, Bob <bob@example.com>;, eve@example.com',
    ['|ann@example.com', 'Bob|bob@example.com', '|eve@example.com'],
  ],
  ['A: B: ann@example.com;;', ['|ann@example.com']],
  ['undisclosed-recipients:;', []],
  ['Undisclosed recipients:;', []],
  ['<@relay.example,@other.example:ann@example.com>', ['|ann@example.com']],
  ['"john doe"@example.com', ['|"john doe"@example.com']],
  ['<"john doe"@example.com>', ['|"john doe"@example.com']],
  ['ann @ example.com', ['|ann@example.com']],
  ['ann@example.com ann@example.com', ['ann@example.com|ann@example.com']],
  ["'ann@example.com' <'ann@example.com'>", ["'ann@example.com'|ann@example.com"]],
  ['<mailto:ann@example.com>', ['|ann@example.com']],
  ['=?utf-8?Q?J=C3=BCrgen?= =?utf-8?Q?_M=C3=BCller?= <j@example.com>', ['Jürgen Müller|j@example.com']],
  ['=?utf-8?Q?M=C3=BCller,_J=C3=BCrgen?= <j@example.com>', ['Müller, Jürgen|j@example.com']],
  ['=?utf-8?Q?Doe,_John?= <j@example.com>', ['Doe, John|j@example.com']],
  ['"=?utf-8?B?SsO8cmdlbg==?=" <j@example.com>', ['Jürgen|j@example.com']],
  ['MAILER-DAEMON', ['MAILER-DAEMON|']],
  ['Ann <>', ['Ann|']],
  ['<>', []],
  ['', []],
  [',,;,', []],
  ['Ann <ann@example.com', ['Ann|<ann@example.com']],
])('%p is read as %p', (header, expected) => {
  expect(shown(header)).toEqual(expected);
});

test.each([
  ['"evil@bank.example" <real@example.com>', 'real@example.com'],
  ['=?utf-8?Q?boss=40bank.example=3E_=3C?= <real@example.com>', 'real@example.com'],
  ['boss@bank.example <real@example.com>', 'real@example.com'],
  ['"<boss@bank.example>" <real@example.com>', 'real@example.com'],
  ['real@example.com (boss@bank.example)', 'real@example.com'],
  ['=?utf-8?Q?=3Cboss=40bank.example=3E?=', null],
  ['a@b@c.example', null],
])('only the address of %p is matched, not what its name pretends', (header, key) => {
  expect(parseAddressList(header).map((address) => address.key)).toEqual([key]);
});

test('any list of names and addresses is read back', () => {
  const word = fc.stringMatching(/^[A-Za-z][A-Za-z0-9 ]{0,15}[A-Za-z]$/).map((name) => name.replace(/ +/g, ' '));
  const address = fc.stringMatching(/^[a-z][a-z0-9.]{0,10}[a-z]@[a-z]{2,8}\.example$/);
  fc.assert(
    fc.property(fc.array(fc.tuple(word, address), { maxLength: 8 }), (pairs) => {
      const header = pairs.map(([name, at]) => `"${name}" <${at}>`).join(', ');
      expect(shown(header)).toEqual(pairs.map(([name, at]) => `${name}|${at}`));
    }),
  );
});

test('no header makes it fail', () => {
  const pieces = fc.constantFrom(
    '"',
    '<',
    '>',
    '(',
    ')',
    ',',
    ';',
    ':',
    '@',
    '\\',
    ' ',
    'a',
    '=?utf-8?Q?',
    '?=',
    'ü',
    '\0',
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 40 }), (parts) => {
      for (const { name, address } of parseAddressList(parts.join(''))) expect(`${name}${address}`).not.toContain('\0');
    }),
  );
});

test('each address header has its place', () => {
  const message = read(
    messageOf({
      headers: [
        ...[
          'From: f@example.com',
          'Sender: s@example.com',
          'Reply-To: r@example.com',
          'To: t@example.com',
          'To: t2@example.com',
        ],
        ...['Cc: c@example.com', 'Bcc: b@example.com', 'Delivered-To: d@example.com', 'X-Original-To: o@example.com'],
        'Envelope-To: e@example.com',
      ],
    }),
  );
  const keys = (list: { key: string | null }[]) => list.map(({ key }) => key?.split('@')[0]).join(' ');
  expect([message.from, message.sender, message.replyTo, message.to].map(keys)).toEqual(['f', 's', 'r', 't t2']);
  expect([message.cc, message.bcc, message.deliveredTo].map(keys)).toEqual(['c', 'b', 'd o e']);
});

test.each([
  ['=?utf-8?Q?Angebot_f=C3=BCr_Sie?=', 'Angebot für Sie'],
  ['=?utf-8?B?QW5nZWJvdCBmw7w=?=\n =?utf-8?B?ciBTaWU=?=', 'Angebot für Sie'],
  ['=?utf-8?B?w?= =?utf-8?B?7w=?=', 'ü'],
  ['=?iso-8859-1?Q?f=FCr?= Sie', 'für Sie'],
  ['=?windows-1250?Q?=9D?=', 'ť'],
  ['=?iso-2022-jp?B?GyRCJCIbKEI=?=', 'あ'],
  ['Long\n subject\n\tfolded', 'Long subject folded'],
  ['=?utf-7?Q?+ADw-script+AD4-?=', '+ADw-script+AD4-'],
  ['=?utf-8?Q?a=00b?=', 'ab'],
  ['=?broken', '=?broken'],
  ['für Sie', 'für Sie'],
])('the subject %p is read as %p', (header, subject) => {
  expect(read(messageOf({ headers: [`Subject: ${header}`] })).subject).toBe(subject);
});

test('bytes above 127 in a header that are not UTF-8 are windows-1252', () => {
  const raw = messageOf({
    headers: ['Subject: Gr\u00fc\u00dfe \u0080 5', 'To: J\u00fcrgen <j@example.com>'],
    encoding: 'latin1',
  });
  expect(read(raw)).toMatchObject({ subject: 'Grüße € 5', to: [{ name: 'Jürgen' }] });
});

test('bytes above 127 in an encoded word are in the charset of the word', () => {
  const raw = messageOf({ headers: ['Subject: =?iso-8859-1?Q?Gr\u00fc=DFe?='], encoding: 'latin1' });
  expect(read(raw).subject).toBe('Grüße');
});

test.each([
  ['a line that is no field', ['This is no field', 'Subject: S']],
  ['the first line of an mbox', ['From ann@example.com Mon Jan  1 00:00:00 2024', 'Subject: S']],
  ['a space before the colon', ['Subject : S']],
  ['any case', ['sUBJECT: S']],
])('a header is found despite %s', (_, headers) => {
  expect(read(Buffer.from([...headers, '', 'x'].join('\r\n'))).subject).toBe('S');
});

test('a header that begins with a byte order mark is a header', () => {
  expect(read(Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from('Subject: S\r\n\r\nx')]))).toMatchObject({
    subject: 'S',
    text: 'x',
  });
});

test('a message that ends with its header has no text', () => {
  expect(read(Buffer.from('Subject: S\r\nTo: a@b.example'))).toMatchObject({
    subject: 'S',
    text: '',
    to: [{ key: 'a@b.example' }],
  });
});

test('a date that cannot be read is no date, never now', () => {
  expect(read(messageOf({ headers: ['Date: Mi, 3 Okt 2023 10:00:00 CET'] })).sentAt).toBeNull();
  expect(read(messageOf({})).sentAt).toBeNull();
});

test('the same bytes are read the same way twice', () => {
  const raw = messageOf({ headers: ['Date: garbage', 'Subject: S'] });
  expect(read(raw)).toEqual(read(raw));
});
