import libmime from 'libmime';

import { normaliseAddress } from '../../domain/address';
import type { MailAddress } from '../../domain/message';
import { type AddressToken, tokensOf } from './address-tokens';
import { cleanText, cutText } from './clean-text';

const maxNameCharacters = 500;
const maxAddressCharacters = 500;

/**
 * Reads an address header (RFC 5322 3.4 with its obsolete forms): groups are flattened, encoded words in names decoded after the list has
 * been taken apart, so that nothing in a name can pass for an address. What has a name and no address is kept with an empty one.
 * Linear in the header's length.
 */
export function parseAddressList(header: string): MailAddress[] {
  const addresses: MailAddress[] = [];
  let entry: AddressToken[] = [];
  /** A name without address before a comma: perhaps the first half of an unquoted `Doe, John <john@example.com>`. */
  let half: AddressToken[] = [];
  const flush = (separator: string) => {
    const whole = half.length > 0 && isNameAndAngle(entry) ? joined(half, entry) : entry;
    if (whole === entry) add(addresses, half);
    half = separator === ',' && isNameOnly(entry) ? entry : [];
    if (half.length === 0) add(addresses, whole);
    entry = [];
  };
  for (const token of tokensOf(header)) {
    // A colon ends the name of a group.
    if (token.kind === 'group') entry = [];
    else if (token.kind === 'separator') flush(token.text);
    else entry.push(token);
  }
  flush('');
  return addresses;
}

function isNameOnly(tokens: AddressToken[]): boolean {
  return tokens.length > 0 && tokens.every(({ kind, text }) => kind === 'atom' && !text.includes('@'));
}

function isNameAndAngle(tokens: AddressToken[]): boolean {
  return tokens.length > 1 && tokens.at(-1)?.kind === 'angle' && isNameOnly(tokens.slice(0, -1));
}

function joined(half: AddressToken[], rest: AddressToken[]): AddressToken[] {
  return [
    ...half,
    { kind: 'atom', text: ',', spaceBefore: false },
    ...rest.map((token, index) => (index === 0 ? { ...token, spaceBefore: true } : token)),
  ];
}

function add(addresses: MailAddress[], tokens: AddressToken[]): void {
  const angle = tokens.find((token) => token.kind === 'angle');
  const words = tokens.filter((token) => token.kind === 'atom' || token.kind === 'quoted');
  const comment = decoded(tokens.filter((token) => token.kind === 'comment'));
  const at = angle ? { address: withoutRoute(angle.text), rest: words } : addressIn(words);
  const name = decoded(at.rest) || comment;
  const address = bareAddress(at.address);
  if (name !== '' || address !== '') {
    addresses.push({ name, address: cutText(address, maxAddressCharacters), key: normaliseAddress(address) });
  }
}

/** In an entry without angle brackets, the last word with an `@` is the address, with what touches it (`"john doe"@example.com`). */
function addressIn(words: AddressToken[]): { address: string; rest: AddressToken[] } {
  const at = words.findLastIndex((word) => word.kind === 'atom' && word.text.includes('@'));
  if (at < 0) return { address: '', rest: words };
  // RFC 5322 4.4 allows white space around the @, where the rest stands by itself.
  const from = words[at]?.text.startsWith('@') === true ? Math.max(0, at - 1) : at;
  const to = words[at]?.text.endsWith('@') === true ? at + 2 : at + 1;
  const address = words
    .slice(from, to)
    .map((word) => (word.kind === 'quoted' ? `"${word.text.replace(/[\\"]/g, '\\$&')}"` : word.text))
    .join('');
  return { address, rest: [...words.slice(0, from), ...words.slice(to)] };
}

/** RFC 5322 4.4: `<@one.example,@two.example:user@three.example>`. */
function withoutRoute(content: string): string {
  const text = content.trim().replace(/^mailto:/i, '');
  if (!text.startsWith('@')) return text;
  return text.slice(text.indexOf(':') + 1).trim();
}

function decoded(words: AddressToken[]): string {
  let text = '';
  for (const word of words) text += (word.spaceBefore && text !== '' ? ' ' : '') + word.text;
  return cutText(cleanText(text.includes('=?') ? libmime.decodeWords(text) : text).trim(), maxNameCharacters);
}

/** Outlook puts apostrophes around an address that it repeats as a name. */
function bareAddress(address: string): string {
  const clean = cleanText(address).trim();
  const inside = clean.startsWith("'") && clean.endsWith("'") ? clean.slice(1, -1) : '';
  // A pattern would look for the end from each of a million at signs.
  const isAddress = !inside.includes("'") && inside.lastIndexOf('@', inside.length - 2) > 0;
  return isAddress ? inside : clean;
}
