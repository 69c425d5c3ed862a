// @ts-check
import { createRequire } from 'node:module';
import { join } from 'node:path';

import { projectDir } from '../lib/places.mjs';
import { idOf, isShown, sortAtOf } from './timeline-mail.mjs';

const require = createRequire(join(projectDir, 'package.json'));

/** What a page shows, for a member. */
export const pageSize = 50;

/** @typedef {'contact' | 'company' | 'intermediary' | 'big'} Place */
/**
 * What is asked for again and again: the first page of records of a kind, or pages anywhere in them; with a filter or without.
 * @typedef {{name: string, place: Place, where: 'newest' | 'anywhere', query: string}} Case
 */

/** The pages that everybody looks at: what is asked of the product is asked of all of these together. @type {Case[]} */
export const plainCases = [
  { name: 'a contact', place: 'contact', where: 'newest', query: '' },
  { name: 'a company', place: 'company', where: 'newest', query: '' },
  { name: 'an intermediary', place: 'intermediary', where: 'anywhere', query: '' },
  { name: 'a quarter of all mail', place: 'big', where: 'newest', query: '' },
  { name: '  deep in it', place: 'big', where: 'anywhere', query: '' },
];

/** At the record with a quarter of the mail. @param {{mailboxId: string, messages: number}} made @returns {Case[]} */
export const filteredCases = ({ mailboxId, messages }) =>
  [
    'fold=threads',
    'direction=outgoing',
    'type=mail',
    'type=mailing-list',
    'type=bounce',
    'type=activity',
    'address=reader7@partner.example',
    'address=nobody@partner.example',
    `mailboxId=${mailboxId}`,
    'hasAttachments=true',
    'unread=true',
    'status=closed',
    `since=${sortAtOf(messages / 4, messages)}&until=${sortAtOf(messages / 2, messages)}`,
    'fold=threads&type=mail&direction=incoming&status=open',
  ].map((query) => ({
    name: query.startsWith('mailboxId=') ? 'mailboxId=' : query.startsWith('since=') ? 'since=&until=' : query,
    place: 'big',
    where: query.startsWith('since=') ? 'newest' : 'anywhere',
    query,
  }));

/** A page as the API is asked for it. @typedef {{recordId: string, query: string}} WantedPage */
/** @typedef {{messages: number, records: number, cursorOf: (page: WantedPage) => Promise<string | null>}} Made */

/** The pages of a case. @param {Case} one @param {number} count @param {Made} made @returns {Promise<WantedPage[]>} */
export async function pagesOf({ place, where, query }, count, { messages, records, cursorOf }) {
  const asked = `limit=${pageSize}${query === '' ? '' : `&${query}`}`;
  const some = recordsOf(place, records);
  /** @type {WantedPage[]} */
  const pages = [];
  /** @type {Map<string, string | null>} */
  const cursors = new Map();
  for (let n = 0; n < count; n += 1) {
    const recordId = idOf('record', some[(n * 6_089) % some.length] ?? 0);
    if (where === 'anywhere' && !cursors.has(recordId))
      cursors.set(recordId, await cursorOf({ recordId, query: asked }));
    // Half of the pages that may be anywhere are first ones.
    const cursor = n % 2 === 1 ? (cursors.get(recordId) ?? null) : null;
    const at = sortAtOf((n * 104_729) % messages, messages);
    pages.push({ recordId, query: cursor === null ? asked : `${asked}&cursor=${movedTo(cursor, at)}` });
  }
  return pages;
}

/** The records of a kind that the member may see. @param {Place} place @param {number} records */
function recordsOf(place, records) {
  if (place === 'big') return [0];
  const all = Array.from({ length: records }, (_, n) => n).filter((n) => n > 0 && isShown(n));
  if (place === 'intermediary') return all.filter((n) => n < 10);
  return all.filter((n) => n >= 10 && (n % 10 === 0) === (place === 'company'));
}

/** A cursor of the same list at another time. @param {string} cursor @param {string} at */
function movedTo(cursor, at) {
  const read = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  return Buffer.from(JSON.stringify({ ...read, k: [at, idOf('message', 0)] })).toString('base64url');
}

/** Made once, as the API makes its own when it starts. @type {any} */
let querySchema;

/** The query as the API reads it. @param {string} query @returns {any} */
export function wishOf(query) {
  querySchema ??= require('zod').z.strictObject(require('./dist/api/messages/list.js').messageListQuery(pageSize));
  return querySchema.parse(Object.fromEntries(new URLSearchParams(query)));
}
