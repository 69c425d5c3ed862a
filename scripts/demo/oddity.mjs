// @ts-check
import iconv from 'iconv-lite';

import { demoAddress } from './company.mjs';

/**
 * @typedef {object} Oddity a message written by hand, byte by byte, as no sound program would write it but many do
 * @property {string} kind
 * @property {number} daysAgo
 * @property {import('./letter.mjs').Folder} [folder]
 * @property {(string | Buffer)[]} head header lines, without Date and Message-ID
 * @property {string | Buffer} body
 * @property {string | null} [date] in place of the right one; null leaves it out
 * @property {string | null} [messageId]
 */

/** @param {string | Buffer} content */
export function base64(content) {
  return Buffer.from(content)
    .toString('base64')
    .replace(/.{1,76}/g, '$&\r\n');
}

/** @param {string} charset @param {string} text */
export function encodedWord(charset, text) {
  return `=?${charset}?B?${iconv.encode(text, charset).toString('base64')}?=`;
}

export const to = `To: Mara Lindner <${demoAddress}>`;
export const plain = (/** @type {string} */ charset) => [
  `MIME-Version: 1.0`,
  `Content-Type: text/plain; charset=${charset}`,
  'Content-Transfer-Encoding: 8bit',
];
