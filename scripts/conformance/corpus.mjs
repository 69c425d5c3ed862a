// @ts-check
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

const extensions = ['.eml', '.msg', '.raw'];

/**
 * Every message file under a folder, in the order of their names.
 * @param {string} dir
 * @returns {string[]}
 */
export function messageFiles(dir) {
  return readdirSync(dir, { withFileTypes: true })
    .sort((one, other) => (one.name < other.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(dir, entry.name);
      if (entry.isDirectory()) return messageFiles(path);
      return entry.isFile() && extensions.some((extension) => entry.name.endsWith(extension)) ? [path] : [];
    });
}

/**
 * What a message should be read as, where a file of the same name says so (`x.json` beside `x.eml`, as a list of parts with parsed headers).
 * @typedef {{ subject: string, from: string, to: string, date: string, attachments: string }} Facts
 * @param {string} file
 * @returns {Facts | null}
 */
export function expectedFacts(file) {
  const path = file.replace(/\.[^.]+$/, '.json');
  if (!statSync(path, { throwIfNoEntry: false })?.isFile()) return null;
  const expected = JSON.parse(readFileSync(path, 'utf8'));
  const [root] = expected.parts ?? [];
  if (!Array.isArray(root?.headers) || !Array.isArray(expected.attachments)) return null;
  const value = (/** @type {string} */ name) =>
    root.headers.find((/** @type {any} */ header) => header.name === name)?.value;
  return {
    subject: plain(value('subject')?.Text),
    from: addresses(value('from')),
    to: addresses(value('to')),
    date: instant(value('date')?.DateTime),
    attachments: String(expected.attachments.length),
  };
}

/**
 * The same of what we read.
 * @param {import('../../src/domain/message').ParsedMessage} message
 * @returns {Facts}
 */
export function readFacts(message) {
  const list = (/** @type {{ address: string }[]} */ of) => of.map(({ address }) => address.toLowerCase()).join(', ');
  return {
    subject: message.subject,
    from: list(message.from),
    to: list(message.to),
    date: message.sentAt?.toISOString() ?? '',
    attachments: String(message.parts.filter((part) => part.role === 'attachment').length),
  };
}

/** @param {unknown} text */
function plain(text) {
  return typeof text === 'string' ? text.replaceAll('\0', '').replace(/\s+/g, ' ').trim() : '';
}

/** @param {any} value a list of addresses, or of groups of them */
function addresses(value) {
  const groups = value?.Address?.Group ?? [{ addresses: value?.Address?.List ?? [] }];
  const all = groups.flatMap((/** @type {any} */ group) => group.addresses);
  return all.map((/** @type {any} */ one) => String(one.address ?? '').toLowerCase()).join(', ');
}

/** @param {any} date */
function instant(date) {
  if (!date) return '';
  const utc = Date.UTC(date.year, date.month - 1, date.day, date.hour, date.minute, date.second);
  const offset = (date.tz_hour * 60 + date.tz_minute) * 60_000 * (date.tz_before_gmt ? 1 : -1);
  return Number.isNaN(utc + offset) ? '' : new Date(utc + offset).toISOString();
}
