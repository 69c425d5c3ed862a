// @ts-check
import { LmtpClient } from '../demo/lmtp.mjs';

/** Who writes all the mail of a bench: one contact, so that one timeline shows all of it. */
export const writer = 'arrivals@customer.example';

/** @typedef {{to: string, atMs: number}} Planned `atMs` from the beginning */
/** @typedef {{subject: string, to: string, at: number}} Delivered `at`: performance.now() at the 250 */

/**
 * A record for the writer, in whose timeline everything is to be seen.
 * @param {import('../demo/api.mjs').Api} api
 * @returns {Promise<string>} its id
 */
export async function writersRecord(api) {
  const addresses = [{ address: writer, kind: 'business' }];
  const { id } = await api.post('/v1/records', { type: 'contact', name: 'Arrivals', addresses });
  return id;
}

/**
 * Hands messages over by LMTP when it is their time, on several connections; where all are busy a message is late.
 * @param {{host: string, port: number}} server
 * @param {object} plan
 * @param {string} plan.name of the case, which is in the subjects
 * @param {Planned[]} plan.messages by their time
 * @param {import('./timeline-watch.mjs').TimelineWatch} plan.watch
 * @param {number} plan.connections
 * @param {() => boolean} [plan.isOver] ends it early
 * @returns {Promise<Delivered[]>} in the order of their 250
 */
export async function deliverAll(server, { name, messages, watch, connections, isOver = () => false }) {
  const began = performance.now();
  /** @type {Delivered[]} */
  const delivered = [];
  let next = 0;
  const lane = async () => {
    const client = await LmtpClient.open(server);
    for (let index = next++; index < messages.length; index = next++) {
      const { to, atMs } = messages[index] ?? { to: '', atMs: 0 };
      const early = began + atMs - performance.now();
      if (early > 0) await new Promise((wake) => setTimeout(wake, early));
      if (isOver()) break;
      const subject = `${name} ${String(index).padStart(5, '0')}`;
      const date = Date.now();
      watch.expect(subject, date);
      const at = await client.deliver({ from: writer, to, raw: letter({ subject, to, date }) });
      watch.delivered(subject, at);
      delivered.push({ subject, to, at });
    }
    client.close();
  };
  await Promise.all(Array.from({ length: Math.min(connections, messages.length) }, lane));
  return delivered.sort((a, b) => a.at - b.at);
}

const text = 'Could you send us the offer for the second quarter, please?\r\nWe need it by Friday.\r\n'.repeat(12);

/** @param {{subject: string, to: string, date: number}} about */
function letter({ subject, to, date }) {
  const lines = [
    `From: Arrivals <${writer}>`,
    `To: ${to}`,
    `Subject: ${subject}`,
    `Date: ${new Date(date).toUTCString().replace('GMT', '+0000')}`,
    `Message-ID: <${subject.replaceAll(' ', '.')}.${date}@customer.example>`,
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    '',
    text,
  ];
  return Buffer.from(lines.join('\r\n'));
}
