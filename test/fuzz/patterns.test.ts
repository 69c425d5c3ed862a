import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { normaliseAddress } from '../../src/domain/address';
import { failureOf } from '../../src/mail/classify';
import { readHtml } from '../../src/mail/parse/stored-parts';
import { read } from '../mail/parse/message-of';
import { filesThatMakePatterns, patternsOfSource, verdictOn } from './patterns';

/* No pattern that meets mail, or what a server says, takes more than linear time; or nothing long ever comes to it. */
const mega = 1_000_000;

/** What recheck has found safe before: it takes seconds for some. `npm run fuzz -- --patterns` asks it again about all. */
const safe: ReadonlySet<string> = new Set(
  JSON.parse(readFileSync(join(__dirname, 'safe-patterns.json'), 'utf8')) as string[],
);

/** Patterns that could take long if something long came to them, and how it is proven that it does not. */
interface Exception {
  pattern: RegExp;
  reason: string;
  proof: () => unknown;
}

const answer = (piece: string) => () =>
  failureOf(
    Object.assign(new Error('refused'), { responseStatus: 'NO', responseText: piece.repeat(mega / piece.length) }),
    'SELECT',
  );
const ofServerTexts = 'Of what a server says, classify.ts hands on 2,048 characters.';

const exceptions: Exception[] = [
  {
    pattern: /<meta[^>]{1,200}charset\s{0,9}=\s{0,9}["']?([\w-]{1,40})/i,
    reason: 'Only the first 1,024 bytes of a document are looked at.',
    proof: () => {
      const head = 'From: a@b.example\r\nContent-Type: text/html\r\n\r\n';
      const raw = Buffer.from(head + '<meta charset charset'.repeat(mega / 20));
      return readHtml(raw, read(raw).parts);
    },
  },
  {
    pattern: /\.+$/,
    reason: 'Of a host name, which has at most 255 characters before it is looked at.',
    proof: () => normaliseAddress(`a@${'.'.repeat(mega)}ü`),
  },
  {
    pattern: /too many (?:\w+ ){0,3}(?:logins?|attempts|requests|failures|commands)/i,
    reason: ofServerTexts,
    proof: answer('too many '),
  },
  {
    pattern: /\b(?:tenant|organi[sz]ation)\b.{0,80}\b(?:throttl|limit|quota|exceed)/i,
    reason: ofServerTexts,
    proof: answer('busy tenant '),
  },
  {
    pattern: /\b(?:throttl\w*|limit\w*|quota|exceed\w*)\b.{0,80}\b(?:tenant|organi[sz]ation)\b/i,
    reason: ofServerTexts,
    proof: answer('limit quota '),
  },
  {
    pattern:
      /\b(?:connections|sessions|logins?|attempts|requests)\b.{0,40}\bfrom (?:your|this|the same) (?:ip|host|network|client|address)/i,
    reason: ofServerTexts,
    proof: answer('sessions from '),
  },
  {
    pattern:
      /(?:back-?off time|(?:try again|retry|wait)(?: \w+){0,2}?|(?:locked|blocked|suspended|throttled|limited) for)[:=\s]+(\d{1,9})\s*([a-z]+)/i,
    reason: ofServerTexts,
    proof: answer('throttled, retry : '),
  },
  {
    pattern: /(?:^|\.)(?:yahoo|aol|yahoodns|ymail)\.[a-z.]+$/i,
    reason: 'Of the name of a host that a connection was made to, which has at most 253 characters.',
    proof: () => null,
  },
  { pattern: /=+$/, reason: 'Of the base64 of our own making, which ends in at most two.', proof: () => null },
];
const excepted = new Map(exceptions.map((exception) => [String(exception.pattern), exception]));

test('every pattern of the source that touches mail is linear', async () => {
  const news = patternsOfSource().filter(({ literal }) => !safe.has(literal) && !excepted.has(literal));
  const verdicts = await Promise.all(news.map(async (one) => ({ ...one, verdict: await verdictOn(one.literal) })));
  expect(verdicts.filter(({ verdict }) => verdict !== 'safe')).toEqual([]);
});

test('recheck tells a pattern of quadratic time from one of linear time', async () => {
  expect(await verdictOn(String.raw`/\s+$/`)).toBe('2nd degree polynomial');
  expect(await verdictOn(String.raw`/^\s+/`)).toBe('safe');
});

test.each(exceptions)('what could be slow never meets what is long: $pattern', ({ proof }) => {
  const began = process.cpuUsage();
  proof();
  const { user, system } = process.cpuUsage(began);
  expect((user + system) / 1_000).toBeLessThan(2_000);
});

test('only the reader of HTML puts a pattern together, from a name that it knows', () => {
  expect(filesThatMakePatterns()).toEqual(['src/mail/parse/html-to-text.ts']);
});
