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
  const flush = () => {
    const address = addressOf(entry);
    if (address !== null) addresses.push(address);
    entry = [];
  };
  for (const token of tokensOf(header)) {
    if (token.kind === 'separator') flush();
    // A colon ends the name of a group (RFC 5322 3.4), unless an address with a route is being read.
    else if (token.kind === 'group') entry = [];
    else entry.push(token);
  }
  flush();
  return addresses;
}

function addressOf(tokens: AddressToken[]): MailAddress | null {
  if (tokens.length === 0) return null;
  const angle = tokens.find((token) => token.kind === 'angle');
  const words = tokens.filter((token) => token.kind === 'atom' || token.kind === 'quoted');
  const comment = decoded(tokens.filter((token) => token.kind === 'comment'));
  if (angle !== undefined) return mailAddress(decoded(words) || comment, withoutRoute(angle.text));
  const at = addressWords(words);
  if (at === null) return mailAddress(comment, decoded(words));
  const name = decoded([...words.slice(0, at.from), ...words.slice(at.to)]);
  return mailAddress(name || comment, at.address);
}

/** Which words of an entry without angle brackets are its address: the last one with an `@`, and what touches it (`"john doe"@example.com`). */
function addressWords(words: AddressToken[]): { from: number; to: number; address: string } | null {
  const at = words.findLastIndex((word) => word.kind === 'atom' && word.text.includes('@'));
  if (at < 0) return null;
  let from = at;
  let to = at + 1;
  // RFC 5322 4.4 allows white space around the @, where the rest stands by itself.
  if (words[at]?.text.startsWith('@') === true && from > 0) from -= 1;
  if (words[at]?.text.endsWith('@') === true && to < words.length) to += 1;
  const address = words
    .slice(from, to)
    .map((word) => (word.kind === 'quoted' ? `"${word.text.replace(/[\\"]/g, '\\$&')}"` : word.text))
    .join('');
  return { from, to, address };
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

function mailAddress(name: string, address: string): MailAddress | null {
  const clean = cleanText(address).trim();
  // Outlook puts apostrophes around an address that it repeats as a name.
  const bare = /^'[^']+@[^']+'$/.test(clean) ? clean.slice(1, -1) : clean;
  if (name === '' && bare === '') return null;
  return { name, address: cutText(bare, maxAddressCharacters), key: normaliseAddress(bare) };
}
