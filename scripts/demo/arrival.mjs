// @ts-check
import { SetupError } from '../lib/setup-error.mjs';
import { customers, correspondent, demoAddress, mara } from './company.mjs';
import { bytesOf } from './letter.mjs';
import { LmtpClient } from './lmtp.mjs';
import { shownRecord } from './records.mjs';
import { timelineLines } from './show.mjs';

/** @typedef {import('./api.mjs').Api} Api */
/** @typedef {{subject: string, raw: Buffer, from: {name: string, address: string}}} Arrival */

const pollEveryMs = 20;

/** Who writes: a person of the customer whose timeline `npm start` shows, with a copy to the firm, whose timeline it is. */
function writer() {
  const customer = customers.find(({ key }) => shownRecord === `company-${key}`);
  const [person] = customer?.people ?? [];
  if (customer === undefined || person === undefined) throw new Error('The demo has nobody who could write.');
  return { from: correspondent(person), firm: { name: customer.name, address: `info@${customer.domain}` } };
}

/** A new letter of the customer, told from all others by its number. @param {Date} now @returns {Promise<Arrival>} */
export async function newLetter(now) {
  const { from, firm } = writer();
  const number = String(now.getTime() % 100_000).padStart(5, '0');
  const subject = `Two more loggers (enquiry ${number})`;
  const text = [
    `Dear Mara,`,
    '',
    'Could you send us a quote for two more loggers for the Leeds cold store, please? The new rack is in since this morning.',
    '',
    'Kind regards,',
    from.name,
  ].join('\n');
  const messageId = `<enquiry-${number}.${now.getTime()}@${from.address.split('@')[1]}>`;
  const letter = { from, to: [correspondent(mara)], cc: [firm], subject, date: now, messageId, text };
  return { subject, from, raw: await bytesOf(letter) };
}

/**
 * Delivers a letter into the demo mailbox.
 * @param {import('./lmtp.mjs').LmtpServer} server @param {Arrival} letter
 * @returns {Promise<number>} when the mail server said 250 (performance.now)
 */
export async function handOver(server, { from, raw }) {
  const client = await LmtpClient.open(server);
  try {
    return await client.deliver({ from: from.address, to: demoAddress, raw });
  } finally {
    client.close();
  }
}

/** The customer whose timeline is watched. @param {Api} api @returns {Promise<{id: string, name: string} | null>} */
export async function watchedRecord(api) {
  const { items } = await api.get(`/v1/records?externalId=${shownRecord}`);
  return items[0] ?? null;
}

/**
 * Waits until a letter stands in the timeline.
 * @param {Api} api @param {{recordId: string, subject: string, timeoutMs: number}} wanted
 * @returns {Promise<number>} when it was seen (performance.now)
 * @throws {SetupError} not in this time
 */
export async function untilInTimeline(api, { recordId, subject, timeoutMs }) {
  const deadline = performance.now() + timeoutMs;
  while (performance.now() < deadline) {
    const { items } = await api.get(`/v1/records/${recordId}/timeline?limit=5`);
    if (items.some((/** @type {any} */ item) => item.subject === subject)) return performance.now();
    await new Promise((wake) => setTimeout(wake, pollEveryMs));
  }
  throw new SetupError(
    `It was not in the timeline after ${timeoutMs / 1_000} s.`,
    'Look what the mailbox says of itself: GET /v1/mailboxes.',
  );
}

/** The newest letters as lines. @param {Api} api @param {string} recordId @param {number} width */
export async function newestLines(api, recordId, width) {
  const { lines } = await timelineLines(api, recordId, { width, rows: 5 });
  return lines;
}
