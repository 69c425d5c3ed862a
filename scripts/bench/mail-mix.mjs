// @ts-check
import { createCipheriv } from 'node:crypto';

import { diceOf } from '../demo/dice.mjs';

/**
 * A mailbox to measure with: 70 % small texts, 20 % with HTML of 20 to 80 kB, 10 % with an attachment of 100 to 500 kB, half of them
 * answers; 10,000 are 454 MB. The same seed is the same bytes.
 */

/** @typedef {import('../demo/dice.mjs').Dice} Dice */

export const mixVersion = 1;

const words =
  `Angebot Rechnung Kunde Projekt Termin Lieferung Vertrag Müller Straße größer möglich Anfrage meeting proposal pipeline quarter
  revenue forecast contract follow schedule attached regards please confirm order number delivery address question update status
  next week team`.split(/\s+/);
const names = ['Jürgen Müller', 'Anna Schmidt', 'Bob Smith', 'Zoë Ávila'];
/** People who write; every other one is a contact of the CRM. */
export const correspondents = Array.from({ length: 500 }, (_, index) => `p${index}@ex${index % 50}.example`);
const firstDay = Date.UTC(2025, 0, 1);

/**
 * @param {{messages: number, seed?: string}} wanted
 * @returns {Generator<{raw: Buffer, date: Date}>}
 */
export function* mailMix({ messages, seed = 'mix' }) {
  const dice = diceOf(seed);
  const noise = noiseOf(seed);
  /** @type {string[]} */
  const recent = [];
  for (let index = 0; index < messages; index++) {
    const date = new Date(firstDay + index * 37 * 60_000);
    const id = `<${String(index).padStart(6, '0')}.${dice.hex(8)}@gen.example>`;
    const answers = recent.length > 0 && dice.roll() < 0.5 ? dice.pick(recent) : null;
    const head = headOf({ dice, date, id, answers });
    recent.push(id);
    if (recent.length > 50) recent.shift();
    yield { raw: Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n`), bodyOf(dice, noise)]), date };
  }
}

/** @param {{dice: Dice, date: Date, id: string, answers: string | null}} about */
function headOf({ dice, date, id, answers }) {
  const name = Buffer.from(dice.pick(names)).toString('base64');
  const subject = Buffer.from(`${answers === null ? '' : 'Re: '}${speech(dice, 30).replace(/\s+/g, ' ')}`).toString(
    'base64',
  );
  return [
    `From: =?utf-8?B?${name}?= <${dice.pick(correspondents)}>`,
    `To: Sales <sales@corp.example>, x${dice.between(0, 899)}@other.example`,
    `Subject: =?utf-8?B?${subject}?=`,
    `Date: ${date.toUTCString().replace('GMT', '+0000')}`,
    `Message-ID: ${id}`,
    ...(answers === null ? [] : [`In-Reply-To: ${answers}`, `References: ${answers}`]),
    ...Array.from({ length: dice.between(2, 5) }, (_, index) => `X-H${index}: ${'v'.repeat(dice.between(20, 59))}`),
    'MIME-Version: 1.0',
  ];
}

/** @param {Dice} dice @param {(length: number) => Buffer} noise */
function bodyOf(dice, noise) {
  const kind = dice.roll();
  if (kind < 0.7) return textPart('text/plain', speech(dice, dice.between(2_000, 9_000)), dice.roll() < 0.5);
  if (kind < 0.9) return withHtml(dice);
  const size = Math.floor(dice.between(100_000, 500_000) * 0.744);
  const file = Buffer.concat([
    Buffer.from(
      `Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename="Rechnung-${dice.hex(6)}.pdf"\r\n\r\n`,
    ),
    Buffer.from(noise(size).toString('base64').replace(/.{76}/g, '$&\r\n')),
    Buffer.from('\r\n'),
  ]);
  return multipart('mixed', [textPart('text/plain', speech(dice, 1_500), true), file]);
}

/** @param {Dice} dice */
function withHtml(dice) {
  const size = dice.between(20_000, 80_000);
  const paragraphs = Array.from(
    { length: Math.floor((size * 0.75) / 235) },
    () => `<p style='margin:0'>${speech(dice, 200)}</p>`,
  );
  const text = textPart('text/plain', speech(dice, Math.floor(size / 6)), true);
  return multipart('alternative', [
    text,
    textPart('text/html', `<html><body>${paragraphs.join('')}</body></html>`, true),
  ]);
}

/** @param {string} type @param {string} text @param {boolean} quoted */
function textPart(type, text, quoted) {
  const encoding = quoted ? 'quoted-printable' : '8bit';
  const head = `Content-Type: ${type}; charset="utf-8"\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n`;
  return Buffer.from(`${head}${quoted ? quotedPrintable(text) : text.replace(/\n/g, '\r\n')}\r\n`);
}

/** @param {string} subtype @param {Buffer[]} parts */
function multipart(subtype, parts) {
  const boundary = `=_${subtype}_0`;
  const pieces = parts.flatMap((part) => [Buffer.from(`--${boundary}\r\n`), part]);
  return Buffer.concat([
    Buffer.from(`Content-Type: multipart/${subtype}; boundary="${boundary}"\r\n\r\n`),
    ...pieces,
    Buffer.from(`--${boundary}--\r\n`),
  ]);
}

/** RFC 2045 6.7. @param {string} text */
function quotedPrintable(text) {
  const encoded = text.replace(/[^\n -<>-~]/g, (letter) =>
    [...Buffer.from(letter)].map((byte) => `=${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  );
  return encoded
    .split('\n')
    .map((line) => line.replace(/.{1,70}[^=]{0,2}(?=.)/g, '$&=\r\n'))
    .join('\r\n');
}

/** Words without meaning, a line end now and then. @param {Dice} dice @param {number} length */
function speech(dice, length) {
  let text = '';
  while (text.length < length) text += `${dice.pick(words)}${dice.roll() < 0.07 ? '\n' : ' '}`;
  return text.trimEnd();
}

/** Bytes that cannot be compressed, as those of a PDF cannot. @param {string} seed */
function noiseOf(seed) {
  const cipher = createCipheriv('aes-128-ctr', Buffer.from(seed.padEnd(16).slice(0, 16)), Buffer.alloc(16));
  return (/** @type {number} */ length) => cipher.update(Buffer.alloc(length));
}
