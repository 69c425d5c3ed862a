// @ts-check
import MailComposer from 'nodemailer/lib/mail-composer';

import { demoAddress, demoDomain } from './company.mjs';

/** @typedef {{name: string, address: string}} Correspondent */
/**
 * @typedef {object} Letter what is needed to write one message; the same letter is the same bytes
 * @property {Correspondent} from
 * @property {Correspondent[]} to
 * @property {Correspondent[]} [cc]
 * @property {string} subject
 * @property {Date} date
 * @property {string} messageId
 * @property {string[]} [references] oldest first; the last one is what this letter answers
 * @property {string} text
 * @property {string} [html]
 * @property {boolean} [flowed] plain text as RFC 3676 has it
 * @property {Record<string, string>} [headers]
 * @property {import('nodemailer').Attachment[]} [attachments]
 * @property {{method: 'REQUEST' | 'REPLY', content: string} | undefined} [calendar]
 */
/** @typedef {'INBOX' | 'Sent' | 'Archive' | 'Trash' | 'Junk' | typeof import('./company.mjs').zurichFolder} Folder */
/**
 * @typedef {object} DemoMessage
 * @property {Folder} folder
 * @property {string[]} flags
 * @property {Date} internalDate
 * @property {Buffer} raw
 * @property {string[]} kinds what it is an example of; the tests and the curious look here
 */

/** The bytes of a well-formed letter. @param {Letter} letter @returns {Promise<Buffer>} */
export async function bytesOf(letter) {
  const answered = letter.references?.at(-1);
  const composer = new MailComposer({
    from: letter.from,
    to: letter.to,
    cc: letter.cc ?? [],
    subject: letter.subject,
    date: letter.date,
    messageId: letter.messageId,
    ...(answered === undefined ? {} : { inReplyTo: answered, references: letter.references ?? [] }),
    text: letter.flowed === true ? flowedPart(letter.text) : letter.text,
    ...(letter.html === undefined ? {} : { html: letter.html }),
    headers: letter.headers ?? {},
    attachments: letter.attachments ?? [],
    ...(letter.calendar === undefined ? {} : { icalEvent: { ...letter.calendar, filename: 'invite.ics' } }),
    // Boundaries are made from it; without it they would be random.
    baseBoundary: letter.messageId.replace(/[^\w]/g, '').slice(0, 24),
    newline: '\r\n',
  });
  const built = await composer.compile().build();
  return letter.from.address.endsWith(`@${demoDomain}`) ? built : Buffer.concat([trace(letter), built]);
}

/** @param {string} text */
function flowedPart(text) {
  const contentType = 'text/plain; charset=utf-8; format=flowed';
  return { contentType, contentTransferEncoding: 'quoted-printable', content: flow(text) };
}

/** Lines of at most 72 characters, a space at the end of each that goes on (RFC 3676 4.2). @param {string} text */
function flow(text) {
  return text
    .split('\n')
    .flatMap((line) => (line.startsWith('>') ? [line] : wrapped(line)))
    .join('\n');
}

/** @param {string} line */
function wrapped(line) {
  const rows = [''];
  for (const word of line.split(' ')) {
    const row = rows.at(-1) ?? '';
    if (row !== '' && row.length + word.length > 70) rows.push(word);
    else rows[rows.length - 1] = row === '' ? word : `${row} ${word}`;
  }
  return rows.map((row, index) => (index < rows.length - 1 ? `${row} ` : row));
}

/** What servers on the way wrote on top: the address ranges are those of documentation (RFC 5737). @param {Letter} letter */
function trace(letter) {
  const domain = new URL(`http://${letter.from.address.slice(letter.from.address.lastIndexOf('@') + 1)}`).hostname;
  const id = letter.messageId.replace(/\W/g, '').slice(-10).toUpperCase();
  const at = new Date(letter.date.getTime() + 2_000).toUTCString().replace('GMT', '+0000');
  return Buffer.from(
    [
      `Return-Path: <bounce@${domain}>`,
      `Delivered-To: ${demoAddress}`,
      `Received: from mx.${domain} (mx.${domain} [192.0.2.${(id.charCodeAt(0) % 200) + 10}])`,
      `\tby mail.${demoDomain} (Postfix) with ESMTPS id ${id}`,
      `\tfor <${demoAddress}>; ${at}`,
      '',
    ].join('\r\n'),
    'utf8',
  );
}

/** What makes a letter an answer; without a letter before it, it begins a thread. @param {Letter | undefined} previous @param {string} subject @param {string} [prefix] */
export function inThread(previous, subject, prefix = 'Re: ') {
  if (previous === undefined) return { subject, references: [] };
  return { subject: `${prefix}${subject}`, references: [...(previous.references ?? []), previous.messageId] };
}

/** @param {string} text */
export function escapeHtml(text) {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
}

/** Paragraphs and lists of a text as HTML. @param {string} text */
export function htmlOf(text) {
  return text
    .split('\n\n')
    .map((paragraph) => {
      const lines = paragraph.split('\n').map(escapeHtml);
      if (lines.every((line) => line.startsWith('- ')))
        return `<ul>${lines.map((line) => `<li>${line.slice(2)}</li>`).join('')}</ul>`;
      return `<p>${lines.join('<br>')}</p>`;
    })
    .join('\n');
}
