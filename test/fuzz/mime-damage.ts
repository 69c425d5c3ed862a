import type { Dice } from './dice';

/** Changes the bytes of a message in one way; `other` is another message of the corpus. */
export type Damage = (raw: Buffer, dice: Dice, other: Buffer) => Buffer;

const place = (raw: Buffer, dice: Dice): number => dice.between(0, Math.max(0, raw.length - 1));

function put(raw: Buffer, at: number, bytes: Buffer | string): Buffer {
  return Buffer.concat([raw.subarray(0, at), Buffer.from(bytes), raw.subarray(at)]);
}

function replaced(raw: Buffer, [from, to]: readonly [number, number], bytes: Buffer | string): Buffer {
  return Buffer.concat([raw.subarray(0, from), Buffer.from(bytes), raw.subarray(to)]);
}

/** Where a match of a pattern in Latin-1 begins and ends, a different one each time; null without any. */
function found(raw: Buffer, dice: Dice, pattern: RegExp): readonly [number, number] | null {
  const matches = [...raw.toString('latin1').matchAll(pattern)];
  if (matches.length === 0) return null;
  const match = dice.pick(matches);
  return [match.index, match.index + match[0].length];
}

/** Replaces one match of a pattern, or leaves the message as it is. */
function instead(pattern: RegExp, wish: (dice: Dice, was: string) => Buffer | string): Damage {
  return (raw, dice) => {
    const at = found(raw, dice, pattern);
    return at === null ? raw : replaced(raw, at, wish(dice, raw.toString('latin1', ...at)));
  };
}

const headLine = /^[\w-]+:[^\r\n]*(?:\r?\n[ \t][^\r\n]*)*/gm;
const charsets = [
  ...['utf-8', 'us-ascii', 'iso-8859-1', 'iso-8859-8-i', 'utf-16', 'utf-16le', 'utf-32', 'utf-7', 'iso-2022-jp'],
  ...['iso-2022-kr', 'hz-gb-2312', 'gb18030', 'big5', 'shift_jis', 'euc-kr', 'windows-1258', 'x-user-defined', 'cp437'],
  ...['__proto__', 'constructor', 'ebcdic-cp-us', '\u00fc', '"', 'x'.repeat(300), '=?utf-8?q?utf-8?=', '\0'],
];
const names = [
  ...['\u202egpj.exe', 'a\u200b\u2066b', '\ud83d\ude00', '../../etc/passwd', 'C:\\x\\y.txt', 'con', '.', '\0.txt'],
  ...['x'.repeat(400), `${'x'.repeat(199)}\ud83d\ude00`, `${'x'.repeat(254)}\ud83d\ude00`, '%00%', '=?utf-8?b?w7w=?='],
];
const dates = [
  ...['Thu, 1 Jan 1970 00:00:00 +0000', 'Mon, 31 Dec 9999 23:59:59 -1500', 'Sat, 30 Feb 2026 10:00:00 +0000'],
  ...[
    '1 Jan 0000 00:00:00 +0000',
    '1 Jan 275761 00:00:00 +0000',
    '1 Jan 1900 00:00:00 +1559',
    '99 Foo 99 99:99:99 +9999',
  ],
  ...['Tue, 2 Mar 2026 09:30:00 (((((', '', '-1', '2026-03-02T09:30:00Z', '31 Dec 9999 23:59:60 -1559'],
];

/** Bytes without regard to what they mean. */
const blind: Record<string, Damage> = {
  'bits flipped': (raw, dice) => {
    const damaged = Buffer.from(raw);
    for (let left = dice.between(1, 20); left > 0 && raw.length > 0; left -= 1) {
      const at = place(raw, dice);
      damaged[at] = (damaged[at] ?? 0) ^ (1 << dice.between(0, 7));
    }
    return damaged;
  },
  'cut short': (raw, dice) => raw.subarray(0, place(raw, dice)),
  'begun late': (raw, dice) => raw.subarray(place(raw, dice)),
  'a piece taken out': (raw, dice) => {
    const from = place(raw, dice);
    return replaced(raw, [from, Math.min(raw.length, from + dice.between(1, 2_000))], '');
  },
  'a piece doubled': (raw, dice) => {
    const from = place(raw, dice);
    return put(raw, from, raw.subarray(from, from + dice.between(1, 2_000)));
  },
  'spliced with another': (raw, dice, other) =>
    Buffer.concat([raw.subarray(0, place(raw, dice)), other.subarray(place(other, dice))]),
  'NUL bytes': (raw, dice) => put(raw, place(raw, dice), Buffer.alloc(dice.between(1, 50))),
  'eight-bit garbage': (raw, dice) => put(raw, place(raw, dice), dice.bytes(dice.between(1, 200))),
  'broken UTF-8': (raw, dice) =>
    put(
      raw,
      place(raw, dice),
      dice.pick([Buffer.from([0xed, 0xa0, 0x80]), Buffer.from([0xf8, 0x88]), Buffer.from([0xc0, 0x80])]),
    ),
  'a byte order mark': (raw, dice) =>
    put(raw, dice.pick([0, place(raw, dice)]), dice.pick(['\ufeff', Buffer.from([0xff, 0xfe])])),
  'line ends of another kind': (raw, dice) =>
    Buffer.from(
      raw.toString('latin1').replace(/\r?\n/g, dice.pick(['\n', '\r', '\r\r\n', '\n\r', '\u0085'])),
      'latin1',
    ),
  'one giant line': (raw, dice) =>
    put(
      raw,
      place(raw, dice),
      dice.pick(['a', ' ', '=', '<', '>', '"', '\\', 'ü']).repeat(dice.between(10_000, 100_000)),
    ),
};

/** What a mail program could have got wrong, or somebody right who means harm. */
const knowing: Record<string, Damage> = {
  'a boundary renamed': instead(/boundary="?[^"\s;]+"?/gi, (dice) =>
    dice.pick([
      'boundary=""',
      'boundary=x',
      'boundary="="',
      'boundary*0=a;boundary*2=c',
      `boundary="${'b'.repeat(5_000)}"`,
      'boundary="--"',
    ]),
  ),
  'a delimiter changed': instead(/^--[^\r\n]+/gm, (dice, was) =>
    dice.pick([
      `${was}--`,
      `${was} \t`,
      `-${was}`,
      was.slice(1),
      `${was}x`,
      '',
      `${was}\r\n${was}`,
      `${was}\r\n\r\n${was}`,
    ]),
  ),
  'a header folded without end': instead(
    headLine,
    (dice, was) => `${was}${dice.pick(['\r\n ', '\r\n\t', '\r\n \r\n ', '\r\r\n ']).repeat(dice.between(100, 5_000))}x`,
  ),
  'a header doubled': instead(headLine, (dice, was) => `${was}\r\n`.repeat(dice.between(2, 30)) + was),
  'a header emptied': instead(headLine, (_, was) => was.slice(0, was.indexOf(':') + 1)),
  'a header without colon': instead(headLine, (_, was) => was.replace(':', ' ')),
  'another charset': instead(/charset="?[^"\s;]+"?/gi, (dice) => `charset="${dice.pick(charsets)}"`),
  'another encoding': instead(
    /^content-transfer-encoding:[^\r\n]*/gim,
    (dice) =>
      `Content-Transfer-Encoding: ${dice.pick(['base64', 'quoted-printable', '8bit', 'x-uuencode', 'BASE64;', '"base64"', '(base64)', 'gzip'])}`,
  ),
  'another type': instead(
    /^content-type:[^\r\n]*/gim,
    (dice) =>
      `Content-Type: ${dice.pick(['text/html', 'message/rfc822', 'multipart/digest; boundary=x', 'text', '/', 'multipart/alternative', 'application/ms-tnef', 'text/plain; format=flowed; delsp=yes', 'message/external-body'])}`,
  ),
  'parameters in pieces': instead(/;\s*(?:file)?name="?[^";\r\n]*"?/gi, (dice) => {
    const name = dice.pick(names);
    return dice.pick([
      `; filename*0="a"; filename*2="c"; filename*7*=utf-8''%C3`,
      `; filename*=utf-8''${encodeURIComponent(name.replace(/[\ud800-\udfff]/g, ''))}%F0%9F%98`,
      `; filename*=utf-16''%D8%00%DC`,
      `; filename="${name}"; filename*1*=x''y; filename*0*=utf-8'en'%`,
      `; filename="${name}"`,
      `; filename*${'9'.repeat(30)}=x; filename*-1=y; filename**=z`,
    ]);
  }),
  'another date': instead(/^date:[^\r\n]*/gim, (dice) => `Date: ${dice.pick(dates)}`),
  'another Message-ID': instead(
    /^message-id:[^\r\n]*/gim,
    (dice) =>
      `Message-ID: ${dice.pick(['<>', '<<a@b>>', 'bare', '', `<${'/'.repeat(400)}@x>`, `<${'ü'.repeat(990)}@x>`, `<${'\u{1f600}'.repeat(498)}>`, '<a b@c>', '<a@b> <c@d>', '<\0@x>'])}`,
  ),
  'another Content-ID': (raw, dice) =>
    put(
      raw,
      0,
      `Content-ID: ${dice.pick([`<${'x'.repeat(199)}\u{1f600}>`, '>'.repeat(3_000), '<'.repeat(3_000), '<\0>'])}\r\n`,
    ),
  'another sender': instead(
    /^(?:from|to|cc|sender|reply-to):[^\r\n]*/gim,
    (dice, was) =>
      `${was.slice(0, was.indexOf(':'))}: ${dice.pick(['<>', '"\u202emoc.elpmaxe@nna" <a@b.example>', 'a@b@c', '@', `"${'x'.repeat(600)}\u{1f600}" <y@z.example>`, 'undisclosed-recipients:;', 'g: a@b, c@d;', '=?utf-8?b?8J+Y?= <q@r.example>', `${'l'.repeat(300)}@x.example`, `a@${'x.'.repeat(200)}example`, '<@a,@b:c@d.example>', '"a\\', '((((', 'ü@ü.example'])}`,
  ),
  'another subject': instead(
    /^subject:[^\r\n]*/gim,
    (dice) =>
      `Subject: ${dice.pick(['=?utf-8?b?7aCA?=', '=?utf-16?b?2AA=?=', '=?x?y?z?=', '=?utf-8?q?=00=00?=', '=?utf-8?q?=ED=A0=80?= =?utf-8?q?=ED=B0=80?=', '=?utf-8?b?8J+Y?= =?utf-8?b?gA==?=', '\0\0', '=?iso-2022-jp?b?GyRC?=', '=?utf-8?q?'.repeat(500)])}`,
  ),
  'base64 damaged': instead(/^[A-Za-z0-9+/]{40,}={0,2}$/gm, (dice, was) =>
    dice.pick([
      was.slice(0, -1),
      `=${was}`,
      `${was.slice(0, 9)}====${was.slice(9)}`,
      was.replaceAll('A', '-'),
      `${was}!`,
      was.split('').join(' '),
    ]),
  ),
  'quoted-printable damaged': instead(/=[0-9A-F]{2}/g, (dice) =>
    dice.pick(['=', '=X', '==', '=3', '= ', '=\r', '=00', '=D8=00', '=\r\n=\r\n=']),
  ),
  'HTML that bites': instead(/<[a-z][^>]*>/gi, (dice, was) => dice.pick(bites(was))),
};

function bites(was: string): string[] {
  return [
    `<script>x</script>${was}`,
    '<img src=x onerror=alert(1)>',
    '<svg/onload=alert(1)><style>*{background:url(//x)}</style>',
    '<a href="java\tscript:alert(1)">x</a>',
    '<div style="background:u\\rl(http://x/y)">',
    '<div style="background:url(http://x/y',
    '<img src="http://x/1.gif" srcset="http://x/2.gif 2x">',
    '<table background=http://x/1.gif><td background="//x">',
    '<link rel=stylesheet href=http://x><meta http-equiv=refresh content="0;url=http://x"><base href=http://x>',
    '<math><mtext><table><mglyph><style><!--</style><img src=x onerror=alert(1)>',
    '<!--><img src=x onerror=alert(1)>-->',
    '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
    '<iframe srcdoc="<script>x</script>"><form action=http://x><input type=image src=http://x>',
    '<video poster=http://x><source src=http://x><object data=http://x><embed src=http://x>',
    '<p style="width:expression(alert(1));behavior:url(x);position:fixed">',
    '<a href="&#106;avascript:alert(1)">x</a><a href="data:text/html,x">y</a><img src="data:image/svg+xml,x">',
    `<${'b'.repeat(500)} `,
    '<div>'.repeat(400),
  ];
}

/** Every way to damage a message, by its name. */
export const damages: Readonly<Record<string, Damage>> = { ...blind, ...knowing };
