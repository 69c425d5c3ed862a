import { mail } from '../support/mail-factory';
import type { Dice } from './dice';

/** Makes a message of a shape that no person sends. */
export type Shape = (dice: Dice) => Buffer;

function message(headers: string[], body: string | Buffer): Buffer {
  const head = ['From: Eve <eve@hostile.example>', 'To: sales@company.example', ...headers, '', ''].join('\r\n');
  return Buffer.concat([Buffer.from(head), Buffer.from(body)]);
}

/** Containers in one another, each in the one before. */
function nested(depth: number, type: string): Buffer {
  let [headers, body] = ['Content-Type: text/plain', 'inmost'];
  for (let level = 0; level < depth; level += 1) {
    const boundary = `b${String(level)}`;
    body =
      type === 'message/rfc822'
        ? `${headers}\r\n\r\n${body}`
        : `--${boundary}\r\n${headers}\r\n\r\n${body}\r\n--${boundary}--\r\n`;
    headers = type === 'message/rfc822' ? `Content-Type: ${type}` : `Content-Type: ${type}; boundary=${boundary}`;
  }
  return message([headers], body);
}

function many(count: number, make: (index: number) => string, separator: string): string {
  return Array.from({ length: count }, (_, index) => make(index)).join(separator);
}

/** Shapes by their name. Those of many bytes are a few of all, so that a run stays a matter of seconds. */
export const shapes: Readonly<Record<string, Shape>> = {
  'multiparts in multiparts': (dice) =>
    nested(dice.between(2, 130), dice.pick(['multipart/mixed', 'multipart/alternative', 'multipart/related'])),
  'messages in messages': (dice) => nested(dice.between(2, 400), 'message/rfc822'),
  'one boundary for all': (dice) =>
    message(
      ['Content-Type: multipart/mixed; boundary=b'],
      '--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n'.repeat(dice.between(2, 900)),
    ),
  'boundaries that begin alike': (dice) =>
    message(
      ['Content-Type: multipart/mixed; boundary=b'],
      many(
        dice.between(2, 300),
        (n) => `--${'b'.repeat(1 + (n % 5))}\r\nContent-Type: multipart/mixed; boundary=${'b'.repeat(2 + (n % 4))}\r\n`,
        '\r\n',
      ),
    ),
  '5,000 references': (dice) =>
    message(
      [
        `References: ${many(5_000, (n) => `<${String(n)}.${'r'.repeat(dice.between(1, 30))}@x.example>`, dice.pick([' ', '\r\n ', '']))}`,
        'Message-ID: <end@x.example>',
      ],
      'x',
    ),
  'references of 998 characters': (dice) =>
    message(
      [
        `References: ${many(150, (n) => `<${String(n)}${String.fromCodePoint(0x4e00 + dice.between(0, 20_000)).repeat(990)}>`, ' ')}`,
      ],
      'x',
    ),
  'thousands of recipients': (dice) =>
    message([`Cc: ${many(dice.between(1_000, 8_000), (n) => `"n${String(n)}" <u${String(n)}@x.example>`, ', ')}`], 'x'),
  'parameters with holes': (dice) =>
    message(
      [
        `Content-Type: text/plain; ${many(dice.between(10, 3_000), (n) => `name*${String(n * dice.between(1, 3))}${dice.pick(['', '*'])}=${dice.pick(["utf-8''%C3", '%BC', 'a', '"b"', ''])}`, '; ')}`,
      ],
      'x',
    ),
  'encoded words without number': (dice) =>
    message(
      [
        `Subject: ${dice.pick(['=?utf-8?q?=C3?= =?utf-8?q?=BC?= ', '=?iso-2022-jp?b?GyRC?= ', '=?utf-16?b?2AA=?= ']).repeat(dice.between(10, 5_000))}`,
      ],
      'x',
    ),
  'names of halves of pairs': (dice) =>
    message(
      [
        `Content-Type: application/octet-stream; name="${'n'.repeat(dice.between(190, 260))}\u{1f600}${'\u{1f601}'.repeat(dice.between(0, 100))}"`,
        `Content-ID: <${'c'.repeat(dice.between(190, 200))}\u{1f600}>`,
        'Content-Disposition: attachment',
      ],
      'x',
    ),
  'charsets that lie': (dice) =>
    message(
      [
        `Content-Type: text/${dice.pick(['plain', 'html'])}; charset=${dice.pick(['utf-16', 'iso-2022-jp', 'hz-gb-2312', 'utf-32', 'gb18030', 'utf-7', 'euc-jp', 'big5-hkscs'])}`,
        `Content-Transfer-Encoding: ${dice.pick(['8bit', 'base64', 'quoted-printable'])}`,
      ],
      dice.bytes(dice.between(1, 3_000)),
    ),
  'HTML of nothing but beginnings': (dice) =>
    message(
      ['Content-Type: text/html'],
      dice
        .pick(['<', '<a ', '<!', '<!--', '</', '<a b="', '&#', '&#x1', '<td> ', '<style>', '<![CDATA[', '<svg><'])
        .repeat(dice.between(10, 20_000)),
    ),
  bytes: (dice) => dice.bytes(dice.between(0, 5_000)),
  'header names of all kinds': (dice) =>
    message(
      [
        many(
          dice.between(10, 500),
          () =>
            `${dice
              .bytes(8)
              .toString('latin1')
              .replace(/[\r\n]/g, '')}: ${dice.bytes(30).toString('latin1')}`,
          '\r\n',
        ),
      ],
      'x',
    ),
  'attachments of a bad encoder': (dice) =>
    mail({
      text: 'see there',
      attachments: many(dice.between(1, 50), String, ' ')
        .split(' ')
        .map((n) => ({ filename: `${n}.txt`, content: dice.bytes(dice.between(0, 200)) })),
    }),
  'words that fill an index': (dice) =>
    mail({
      text: many(
        dice.between(100, 40_000),
        () => String.fromCodePoint(...[1, 2].map(() => 0x4e00 + dice.between(0, 20_000))),
        ' ',
      ),
    }),
  'words without end': (dice) =>
    mail({
      subject: 'w'.repeat(5_000),
      text: dice.pick(['w', 'ü', '\u{1f600}', '\u0301']).repeat(dice.between(2_000, 60_000)),
    }),
};

/** Beyond a limit, and large: each is made a few times in a run. */
export const bombs: Readonly<Record<string, Shape>> = {
  '100,000 recipients': () => message([`To: ${many(100_000, (n) => `u${String(n)}@x.example`, ',')}`], 'x'),
  '100,000 short recipients': () => message([`To: ${many(100_000, (n) => `${n.toString(36)}@b`, ',')}`], 'x'),
  'a folded header of a megabyte': (dice) =>
    message(
      [`X-Fold: ${dice.pick(['\r\n x', '\r\n\t', '\r\n \r\n ', '\r\r\r\r\n ']).repeat(250_000).slice(0, 1_000_000)}`],
      'x',
    ),
  'a megabyte of carriage returns': () => message([`Subject: a${'\r'.repeat(1_000_000)}b\r\n c`], 'x'),
  'a megabyte of closing brackets': () => message([`Content-ID: <a${'>'.repeat(1_000_000)}b`], 'x'),
  'a megabyte of encoded words': () =>
    message(
      [`Subject: ${'=?utf-8?q?=C3=BC?= '.repeat(52_000)}`, `From: ${'=?utf-8?q?=C3=BC?= '.repeat(100)}<a@b.example>`],
      'x',
    ),
  'cells after a text without end': () =>
    message(['Content-Type: text/html'], `${'a'.repeat(200_000)} ${'<td>'.repeat(500_000)}`),
};
