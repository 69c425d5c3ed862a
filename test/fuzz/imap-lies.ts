import type { Dice } from './dice';

/** Lines of an answer as they go over the wire: each with its line end, and with the literals in it. */
export type Answer = Buffer[];

/** What a lie does with the answer to one command. `after` says what the server does when it has been sent. */
export interface Lie {
  lines: Answer;
  after: 'goes-on' | 'cuts' | 'falls-silent';
}

export interface LieContext {
  dice: Dice;
  tag: string;
  command: string;
  /** UIDs that are in the folder. */
  uids: readonly number[];
}

type Liar = (lines: Answer, context: LieContext) => Lie;

const text = (line: Buffer): string => line.toString('latin1');
const bytes = (line: string): Buffer => Buffer.from(line, 'latin1');

function goesOn(lines: Answer): Lie {
  return { lines, after: 'goes-on' };
}

/** Changes one line of the answer, one that the pattern is in where there are such. */
function inOneLine(change: (line: string, context: LieContext) => string, pattern = /./): Liar {
  return (lines, context) => {
    const places = lines.flatMap((line, index) => (pattern.test(text(line)) ? [index] : []));
    if (places.length === 0) return goesOn(lines);
    const at = context.dice.pick(places);
    return goesOn(lines.map((line, index) => (index === at ? bytes(change(text(line), context)) : line)));
  };
}

/** Changes one place of a line that a pattern matches. */
function replacedOnce(
  line: string,
  dice: Dice,
  { pattern, wish }: { pattern: RegExp; wish: (was: string) => string },
): string {
  const matches = [...line.matchAll(pattern)];
  if (matches.length === 0) return line;
  const match = dice.pick(matches);
  return line.slice(0, match.index) + wish(match[0]) + line.slice(match.index + match[0].length);
}

function withInserted(lines: Answer, dice: Dice, line: Buffer): Answer {
  const at = dice.between(0, lines.length);
  return [...lines.slice(0, at), line, ...lines.slice(at)];
}

const numbers = [
  ...['0', '-1', '', '00', '2147483648', '4294967295', '4294967296', '9007199254740993', '9223372036854775807', '1.5'],
  ...['9223372036854775808', '18446744073709551616', '1'.repeat(40), '1e9', '0x10', 'NIL', '*', '(', '{3}', '"7"'],
];

const codes = [
  ...['EXPUNGEISSUED', 'LIMIT', 'UNAVAILABLE', 'INUSE', 'OVERQUOTA', 'SERVERBUG', 'ALERT', 'TRYCREATE', 'NONEXISTENT'],
  ...['AUTHENTICATIONFAILED', 'CORRUPTION', 'NOPERM', 'MESSAGELIMIT 1 1', 'UIDVALIDITY 0', 'UIDNEXT 1', 'CLOSED', ''],
  ...[
    'HIGHESTMODSEQ 99999999999999999999',
    'CAPABILITY',
    'CAPABILITY IMAP4rev2 QRESYNC OBJECTID IDLE',
    'PARSE',
    '[',
    'BADCHARSET',
  ],
];

/** What a server may say at any time, whether it is true or not. */
function unsolicited({ dice, uids }: LieContext): string {
  const uid = dice.pick([0, 1, 999, 4_294_967_295, ...uids]);
  const number = dice.pick(numbers);
  return dice.pick([
    `* ${number} EXISTS`,
    `* ${number} EXPUNGE`,
    `* ${number} RECENT`,
    `* ${number} FETCH (FLAGS (\\Seen))`,
    `* 1 FETCH (UID ${uid} FLAGS (\\Deleted \0 ${'x'.repeat(dice.between(0, 300))}) MODSEQ (${number}))`,
    `* 1 FETCH (UID ${uid} RFC822.SIZE ${number} BODY[] NIL)`,
    `* 1 FETCH (UID ${uid} RFC822.SIZE 5 INTERNALDATE "99-Foo-9999 99:99:99 +9999" BODY[] "short")`,
    `* VANISHED ${dice.pick(['', '(EARLIER) '])}${uid}:${number}`,
    `* SEARCH ${uid} ${number}`,
    '* SEARCH',
    `* ESEARCH (TAG "${number}") UID ALL 1:${number}`,
    `* OK [${dice.pick(codes)}] so it is`,
    `* NO [${dice.pick(codes)}] so it is`,
    `* STATUS INBOX (MESSAGES ${number} UIDNEXT ${number} UIDVALIDITY ${number} HIGHESTMODSEQ ${number})`,
    `* LIST (\\Noselect \\${number}) NIL "${dice.pick(['INBOX', 'a\\"b', '&AGFf', '&', '\u00fc', 'x\0y', ''])}"`,
    `* CAPABILITY IMAP4rev1 ${dice.pick(['CONDSTORE QRESYNC', 'OBJECTID', 'X-GM-EXT-1', 'IMAP4rev2', 'LOGINDISABLED', number])}`,
    '* FLAGS',
    '* BYE',
    '+ go on',
    '*',
    '',
    dice
      .bytes(dice.between(1, 80))
      .toString('latin1')
      .replace(/[\r\n]/g, ''),
  ]);
}

const ended: Liar = (lines, { tag, dice }) => {
  const said = `${dice.pick([tag, tag, '*'])} ${dice.pick(['NO', 'BAD', 'OK', 'BYE', 'PREAUTH', ''])} ${dice.pick(codes.map((code) => (code === '' ? '' : `[${code}]`)))} ${dice.pick(['said the server', 'Request is throttled. Suggested Backoff Time: 2 milliseconds', ''])}\r\n`;
  return goesOn([...lines.slice(0, -1).slice(0, dice.between(0, lines.length)), bytes(said)]);
};

function partOf(lines: Answer, dice: Dice): Answer {
  const whole = Buffer.concat(lines);
  return [whole.subarray(0, dice.between(0, whole.length))];
}

/** Every way to lie, by its name. */
export const liars: Readonly<Record<string, Liar>> = {
  'a line left out': (lines, { dice }) => {
    const at = dice.between(0, lines.length - 1);
    return goesOn(lines.filter((_, index) => index !== at));
  },
  'an untagged line left out': (lines, { dice }) => {
    const at = dice.between(0, Math.max(0, lines.length - 2));
    return goesOn(lines.filter((_, index) => index !== at || index === lines.length - 1));
  },
  'a line twice': (lines, { dice }) => goesOn(withInserted(lines, dice, dice.pick(lines))),
  'lines in another order': (lines, { dice }) => goesOn([...lines].sort(() => dice.roll() - 0.5)),
  'a line cut short': inOneLine((line, { dice }) => `${line.slice(0, dice.between(0, line.length))}\r\n`),
  'bits flipped': inOneLine((line, { dice }) => {
    const damaged = bytes(line);
    const at = dice.between(0, Math.max(0, damaged.length - 3));
    damaged[at] = (damaged[at] ?? 0) ^ (1 << dice.between(0, 7));
    return text(damaged);
  }),
  'garbage in a line': inOneLine((line, { dice }) => {
    const at = dice.between(0, line.length);
    return (
      line.slice(0, at) +
      dice.pick(['\0', '\r', '\n', '"', '\\', '(', ')', '{', '{5}\r\n', '\xff\xfe', '%', ' ', '~{3}\r\n']) +
      line.slice(at)
    );
  }),
  'another number': inOneLine(
    (line, { dice }) => replacedOnce(line, dice, { pattern: /\d+/g, wish: () => dice.pick(numbers) }),
    /\d/,
  ),
  'a number that is near': inOneLine(
    (line, { dice }) =>
      replacedOnce(line, dice, { pattern: /\d+/g, wish: (was) => String(Number(was) + dice.pick([-1, 1, 10])) }),
    /\d/,
  ),
  'a literal of another length': inOneLine(
    (line, { dice }) =>
      replacedOnce(line, dice, {
        pattern: /\{\d+\}/g,
        wish: (was) =>
          `{${dice.pick([...numbers, String(Number(was.slice(1, -1)) + dice.pick([-7, -1, 1, 7, 100]))])}}`,
      }),
    /\{\d+\}\r\n/,
  ),
  'no literal': inOneLine((line) => line.replace(/\{\d+\}\r\n[^]*\)\r\n$/, 'NIL)\r\n'), /\{\d+\}\r\n/),
  'a row without UID': inOneLine((line) => line.replace(/UID \d+ ?/, ''), /FETCH/),
  'a row of another': inOneLine(
    (line, { dice, uids }) => line.replace(/UID \d+/, `UID ${dice.pick([...uids, 77])}`),
    /FETCH.*UID/,
  ),
  'another tag': inOneLine(
    (line, { dice, tag }) => line.replace(tag, dice.pick(['A0', '*', '+', tag.toLowerCase(), `${tag}1`, '', '\0'])),
    /^[A-Z0-9]+ (?:OK|NO|BAD)/,
  ),
  'something unasked': (lines, context) =>
    goesOn(withInserted(lines, context.dice, bytes(`${unsolicited(context)}\r\n`))),
  'much that is unasked': (lines, context) =>
    goesOn(
      Array.from({ length: context.dice.between(2, 40) }).reduce<Answer>(
        (all) => withInserted(all, context.dice, bytes(`${unsolicited(context)}\r\n`)),
        lines,
      ),
    ),
  'another ending': ended,
  'goodbye at once': (_, { dice }) => ({
    lines: [bytes(`* BYE ${dice.pick(['', '[UNAVAILABLE] ', 'Too many connections'])}\r\n`)],
    after: 'cuts',
  }),
  'cut in the middle': (lines, { dice }) => ({ lines: partOf(lines, dice), after: 'cuts' }),
  'silence in the middle': (lines, { dice }) => ({ lines: partOf(lines, dice), after: 'falls-silent' }),
  'a giant line': (lines, { dice }) =>
    goesOn(
      withInserted(
        lines,
        dice,
        bytes(
          `* ${dice.pick(['OK ', 'SEARCH ', '1 FETCH (', 'LIST ('])}${dice.pick(['a', '(', '"', '1 ', '\\', '{', ')'].map((piece) => piece.repeat(dice.between(1_000, 60_000))))}\r\n`,
        ),
      ),
    ),
  'answers to nobody': (lines, { tag }) => goesOn([...lines, bytes(`${tag} OK again\r\n`)]),
  'nothing but OK': (_, { tag }) => goesOn([bytes(`${tag} OK done\r\n`)]),
};

/** Silence costs the client its patience, so it is rarer than what is answered at once. */
const rare = new Set([
  'silence in the middle',
  'a line left out',
  'a line cut short',
  'another tag',
  'much that is unasked',
  'a giant line',
  'lines in another order',
]);
const common = Object.keys(liars).filter((name) => !rare.has(name));

export function lieOf(dice: Dice): string {
  return dice.happens(0.15) ? dice.pick([...rare]) : dice.pick(common);
}
