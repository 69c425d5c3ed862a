// @ts-check
import { correspondent, demoDomain, mara } from './company.mjs';
import { diceOf } from './dice.mjs';
import { bytesOf } from './letter.mjs';
import { to } from './oddity.mjs';
import { shelf } from './shelf.mjs';
import { atWork, dayMs } from './working-days.mjs';

/** @typedef {import('./letter.mjs').DemoMessage} DemoMessage */

/** Letters to addresses with a slip of the pen, and the notices that came back. @param {string} seed @param {Date} end @returns {Promise<DemoMessage[]>} */
export async function misaddressed(seed, end) {
  const slips = [
    {
      daysAgo: 377,
      name: 'Priya Nair',
      address: 'priya.nayr@whitmore.example',
      subject: 'Data sheet PT-100',
      text: 'Hi Priya,\n\nthe data sheet you asked for on the phone is on our site under Downloads, the third one from the top.\n\nBest regards\nMara Lindner',
      reason: 'User unknown',
    },
    {
      daysAgo: 245,
      name: 'Annika Straub',
      address: 'buchaltung@löwenberg.example',
      subject: 'Neue Bankverbindung',
      text: 'Guten Tag Frau Straub,\n\nunsere Bankverbindung ändert sich zum Monatsende. Das Schreiben der Bank schicke ich Ihnen auf Papier, damit Sie sicher sein können.\n\nFreundliche Grüße\nMara Lindner',
      reason: 'Recipient address rejected',
    },
    {
      daysAgo: 53,
      name: 'Andrei Popa',
      address: 'andrei.popa@dunarea-logistic.example',
      subject: 'Programare verificare anuală',
      text: 'Bună ziua, domnule Popa,\n\nvă propunem data de 14 pentru verificarea anuală. Vă convine?\n\nCu stimă\nMara Lindner',
      reason: 'Domain not found',
    },
  ];
  const pairs = await Promise.all(
    slips.map(async ({ daysAgo, name, address, subject, text, reason }) => {
      const dice = diceOf(`${seed}/slip/${subject}`);
      const date = atWork(new Date(end.getTime() - daysAgo * dayMs), new Date(0), dice);
      const letter = {
        from: correspondent(mara),
        to: [{ name, address }],
        subject,
        date,
        messageId: `<${dice.hex(24)}@nordlicht.example>`,
        text,
      };
      const back = new Date(date.getTime() + 40_000);
      /** @type {DemoMessage[]} */
      const pair = [
        { folder: 'Sent', flags: ['\\Seen'], internalDate: date, raw: await bytesOf(letter), kinds: ['letter'] },
        {
          folder: shelf(back, end),
          flags: ['\\Seen'],
          internalDate: back,
          raw: bounceOf(letter, back, reason),
          kinds: ['bounce'],
        },
      ];
      return pair;
    }),
  );
  return pairs.flat();
}

/**
 * A notice that a letter could not be delivered (RFC 3464), with the head of the letter.
 * @param {import('./letter.mjs').Letter} letter @param {Date} date @param {string} reason
 */
function bounceOf(letter, date, reason) {
  const [recipient = { name: '', address: '' }] = letter.to;
  const id = letter.messageId.replace(/\W/g, '').slice(0, 12);
  const lines = [
    'Return-Path: <>',
    `From: Mail Delivery System <MAILER-DAEMON@mail.${demoDomain}>`,
    to,
    'Subject: Undelivered Mail Returned to Sender',
    `Date: ${date.toUTCString().replace('GMT', '+0000')}`,
    `Message-ID: <${id}@mail.${demoDomain}>`,
    'Auto-Submitted: auto-replied',
    'MIME-Version: 1.0',
    `Content-Type: multipart/report; report-type=delivery-status; boundary="${id}"`,
    '',
    `--${id}`,
    'Content-Type: text/plain; charset=us-ascii',
    '',
    `I'm sorry to have to inform you that your message could not be delivered to\r\n<${recipient.address}>: ${reason}`,
    `--${id}`,
    'Content-Type: message/delivery-status',
    '',
    `Reporting-MTA: dns; mail.${demoDomain}\r\nArrival-Date: ${letter.date.toUTCString().replace('GMT', '+0000')}`,
    '',
    `Final-Recipient: rfc822; ${recipient.address}\r\nAction: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 ${reason}`,
    '',
    `--${id}`,
    'Content-Type: text/rfc822-headers',
    '',
    `From: ${letter.from.name} <${letter.from.address}>\r\nTo: <${recipient.address}>\r\nSubject: ${letter.subject}\r\nMessage-ID: ${letter.messageId}`,
    '',
    `--${id}--`,
    '',
  ];
  return Buffer.from(lines.join('\r\n'), 'utf8');
}
