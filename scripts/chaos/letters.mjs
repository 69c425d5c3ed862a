// @ts-check

/**
 * Mail that says which one it is: its subject is `chaos <key>`, and no two have the same key. What is derived from it (a text, an attachment, another
 * mail with its Message-ID) comes from the dice alone.
 * @typedef {object} Letter
 * @property {string} key
 * @property {string} from
 * @property {Buffer} raw with CRLF line ends
 */

const firstDate = Date.UTC(2026, 0, 5, 8);
const lineOf = 76;

/** Those who write: every other one has a record. */
export const writers = Array.from({ length: 12 }, (_, index) => `writer${index}@customer${index % 4}.example`);

/** The key of a message, from its bytes. @param {Buffer} raw @returns {string | null} */
export function keyOf(raw) {
  return /^Subject: chaos (\S+)\r$/m.exec(raw.subarray(0, 4_000).toString('latin1'))?.[1] ?? null;
}

/**
 * @param {import('../demo/dice.mjs').Dice} dice
 * @param {{number: number, to: string, twinOf?: number}} wish `twinOf`: carries the Message-ID of another letter and is another message
 * @returns {Letter}
 */
export function letterOf(dice, { number, to, twinOf }) {
  const key = `${number}`;
  const from = dice.pick(writers);
  const head = [
    `From: ${from}`,
    `To: ${to}`,
    `Date: ${new Date(firstDate + number * 61_000).toUTCString().replace('GMT', '+0000')}`,
    `Subject: chaos ${key}`,
    `Message-ID: <chaos-${twinOf ?? number}@customer.example>`,
    'MIME-Version: 1.0',
  ];
  const text = `Letter ${key}.\r\n\r\n${prose(dice, dice.between(1, 30))}`;
  const raw = dice.roll() < 0.25 ? withAttachment(dice, head, text) : [...head, ...plain, '', text].join('\r\n');
  return { key, from, raw: Buffer.from(raw, 'latin1') };
}

const plain = ['Content-Type: text/plain; charset=us-ascii', 'Content-Transfer-Encoding: 7bit'];

/** @param {import('../demo/dice.mjs').Dice} dice @param {number} lines */
function prose(dice, lines) {
  return Array.from({ length: lines }, () => `${dice.hex(lineOf)}\r\n`).join('');
}

/** Some are above the size from which messages are streamed. @param {import('../demo/dice.mjs').Dice} dice @param {string[]} head @param {string} text */
function withAttachment(dice, head, text) {
  const boundary = `=_${dice.hex(16)}`;
  const lines = dice.roll() < 0.1 ? dice.between(1_000, 4_000) : dice.between(5, 400);
  const line = dice.hex(lineOf);
  return [
    ...head,
    `Content-Type: multipart/mixed; boundary="${boundary}"`,
    '',
    `--${boundary}`,
    ...plain,
    '',
    text,
    `--${boundary}`,
    'Content-Type: application/octet-stream; name="file.bin"',
    'Content-Transfer-Encoding: base64',
    'Content-Disposition: attachment; filename="file.bin"',
    '',
    ...Array.from({ length: lines }, () => line),
    `--${boundary}--`,
    '',
  ].join('\r\n');
}
