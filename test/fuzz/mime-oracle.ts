import { Parser } from 'htmlparser2';

import type { ParsedMessage, ParseOutcome } from '../../src/domain/message';
import { sanitiseHtml } from '../../src/mail/html/sanitise-html';
import type { ParseLimits } from '../../src/mail/parse/limit-breach';
import { reduceRaw } from '../../src/mail/parse/reduce-raw';
import { readHtml } from '../../src/mail/parse/stored-parts';

/** What a message may be parked for that is in no way the parser's fault. */
const limitCodes = new Set(['too-many-parts', 'too-deep', 'header-too-large', 'too-many-addresses']);

/** What is wrong with what became of a message; nothing where all is as it must be. Each begins with a word that names its kind. */
export function complaintsOf(raw: Buffer, outcome: ParseOutcome, limits: ParseLimits): string[] {
  const said = unstorableIn(outcome).map((path) => `unstorable text in ${path}`);
  if (outcome.kind === 'unreadable') {
    return limitCodes.has(outcome.code)
      ? said
      : [...said, `parked as ${outcome.code} ${JSON.stringify(outcome.detail)}`];
  }
  const { message } = outcome;
  return [
    ...said,
    ...beyondLimits(message, limits),
    ...misplacedParts(raw, message),
    ...reducedWrongly(raw, message),
    ...unsafeHtml(raw, message),
  ];
}

const unstorable = /[\0\ud800-\udfff]/u;

/** Where in an answer a text stands that Postgres or JSON would refuse. */
function unstorableIn(value: unknown, path = 'outcome'): string[] {
  if (typeof value === 'string') return unstorable.test(value) ? [path] : [];
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? [path] : [];
  if (typeof value === 'number') return Number.isSafeInteger(value) ? [] : [path];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, one]) => [
    ...(unstorable.test(name) ? [path] : []),
    ...unstorableIn(one, `${path}.${name}`),
  ]);
}

function beyondLimits(message: ParsedMessage, limits: ParseLimits): string[] {
  const { from, sender, replyTo, to, cc, bcc, deliveredTo } = message;
  const addresses = [from, sender, replyTo, to, cc, bcc, deliveredTo].reduce((sum, list) => sum + list.length, 0);
  const year = message.sentAt?.getUTCFullYear() ?? 2_000;
  const checks: [string, boolean][] = [
    ['addresses', addresses <= limits.maxAddresses],
    ['references', message.references.length <= limits.maxReferences],
    ['text', message.text.length <= limits.maxTextCharacters],
    ['subject', message.subject.length <= 4_096],
    ['Message-ID', (message.messageIdHeader ?? '').length <= 1_000],
    ['parts', message.parts.length <= limits.maxParts],
    ['date', year >= 1_899 && year <= 10_000],
    ['key', /^[0-9a-f]{64}$/.test(message.messageKey)],
    [
      'part texts',
      message.parts.every(({ contentType, charset, contentId, filename }) =>
        [contentType, charset, contentId, filename].every((text) => (text ?? '').length <= 255),
      ),
    ],
  ];
  return checks.flatMap(([name, holds]) => (holds ? [] : [`beyond the limit of ${name}`]));
}

function misplacedParts(raw: Buffer, { parts }: ParsedMessage): string[] {
  const inside = parts.every(({ offset, length }) => offset >= 0 && length >= 0 && offset + length <= raw.length);
  const numbered = parts.every(({ n }, index) => n === index);
  const named = new Set(parts.map(({ section }) => section)).size === parts.length;
  return inside && numbered && named ? [] : ['misplaced parts'];
}

/** Reducing takes attachments out and touches nothing else. */
function reducedWrongly(raw: Buffer, { parts }: ParsedMessage): string[] {
  const reduced = reduceRaw(raw, parts);
  const same = reduced.parts.every((part, index) => {
    const before = parts[index];
    if (before === undefined || part.offset < 0 || part.offset + part.length > reduced.bytes.length) return false;
    if (part.role === 'multipart' || !part.kept) return true;
    const bytes = raw.subarray(before.offset, before.offset + before.length);
    return reduced.bytes.subarray(part.offset, part.offset + part.length).equals(bytes);
  });
  return same ? [] : ['reduced wrongly'];
}

const maxHtmlCharacters = 2_097_152;

function unsafeHtml(raw: Buffer, { parts }: ParsedMessage): string[] {
  const html = readHtml(raw, parts);
  if (html === null) return [];
  if (unstorable.test(html)) return ['unstorable text in the HTML'];
  const blocked = sanitiseHtml(html, { maxCharacters: maxHtmlCharacters, remoteContent: 'block' }).html;
  const allowed = sanitiseHtml(html, { maxCharacters: maxHtmlCharacters, remoteContent: 'allow' }).html;
  const loads = remoteLoadsIn(blocked).map((what) => `remote load: ${what}`);
  return [...loads, ...dangersIn(blocked), ...dangersIn(allowed)];
}

const harmless = new Set(
  `a abbr address article aside b bdi bdo big blockquote br caption center cite code col colgroup dd del details dfn div dl dt em figcaption
   figure font footer h1 h2 h3 h4 h5 h6 header hr i img ins kbd li main mark nav ol p pre q s samp section small span strike strong sub
   summary sup table tbody td tfoot th thead time tr tt u ul var wbr`.split(/\s+/),
);

/** What a browser would run, or obey as the page's own, in HTML that is said to be safe. */
function dangersIn(html: string): string[] {
  return attributesIn(html, (tag, name, value) => {
    if (!harmless.has(tag)) return `tag ${tag}`;
    if (name.startsWith('on') || ['srcdoc', 'formaction', 'srcset', 'id', 'name', 'class'].includes(name))
      return `attribute ${name}`;
    if (name === 'href' && !/^(?:https?:\/\/|mailto:|tel:)/i.test(value)) return 'link to no web address';
    if (name === 'src' && !/^(?:cid:|https?:\/\/|data:image\/(?:png|jpe?g|gif|webp|bmp);base64,)/i.test(value))
      return 'source of another kind';
    if (
      name === 'style' &&
      /expression\s*\(|javascript:|behavior\s*:|-moz-binding|position\s*:\s*(?:fixed|absolute|sticky)|\\/i.test(value)
    )
      return 'style that runs';
    return null;
  });
}

function remoteLoadsIn(html: string): string[] {
  return attributesIn(html, (_, name, value) => {
    if (name === 'background' || name === 'poster') return name;
    if (name === 'src' && /^(?:https?:)?\/\//i.test(value)) return 'src';
    return name === 'style' && /url\s*\(|image\s*\(|image-set|@import|\/\//i.test(value.replace(/\/\*.*?\*\//gs, ''))
      ? 'style'
      : null;
  });
}

function attributesIn(html: string, danger: (tag: string, name: string, value: string) => string | null): string[] {
  const found = new Set<string>();
  const parser = new Parser({
    onopentag: (tag, attributes) => {
      for (const [name, value] of [['', ''], ...Object.entries(attributes)] as [string, string][]) {
        const what = danger(tag, name, value);
        if (what !== null) found.add(`HTML with ${what}`);
      }
    },
    oncomment: () => found.add('HTML with a comment'),
    onprocessinginstruction: () => found.add('HTML with a processing instruction'),
  });
  parser.end(html);
  return [...found];
}
