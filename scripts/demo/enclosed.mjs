// @ts-check
import { correspondent, demoAddress, demoDomain, helpers } from './company.mjs';
import { calendar, pdf, photo, readings, zip } from './enclosures.mjs';
import { dayMs, workingDay } from './working-days.mjs';

/** @typedef {import('./company.mjs').Customer} Customer */
/** @typedef {import('./company.mjs').Person} Person */
/**
 * @typedef {object} Enclosed
 * @property {string[]} kinds
 * @property {import('nodemailer').Attachment[]} attachments
 * @property {{method: 'REQUEST' | 'REPLY', content: string}} [calendar]
 */

const titles = {
  en: {
    offer: 'Quotation',
    invoice: 'Invoice',
    report: 'Data integrity',
    certificate: 'Certificate',
    export: 'export',
  },
  de: {
    offer: 'Angebot',
    invoice: 'Rechnung',
    report: 'Datenintegrität',
    certificate: 'Kalibrierschein',
    export: 'Auszug',
  },
  nl: {
    offer: 'Offerte',
    invoice: 'Factuur',
    report: 'Gegevensintegriteit',
    certificate: 'Certificaat',
    export: 'export',
  },
  ro: {
    offer: 'Ofertă',
    invoice: 'Factură',
    report: 'Integritatea datelor',
    certificate: 'Certificat',
    export: 'export',
  },
};

/**
 * @param {import('./conversation.mjs').Enclosure} enclosure
 * @param {{customer: Customer, facts: Record<string, string>, dice: import('./dice.mjs').Dice, date: Date, contact: Person, subject: string}} about
 * @returns {Enclosed}
 */
export function enclosureOf(enclosure, about) {
  const { customer, facts, dice, date } = about;
  const title = titles[customer.language];
  const day = date.toISOString().slice(0, 10);
  const csv = {
    filename: `${title.export}_${day}.csv`,
    content: readings(dice, new Date(`${day}T00:00:00Z`), customer.limit),
    contentType: 'text/csv',
  };
  const page = (/** @type {string} */ name, /** @type {string} */ detail) =>
    pdf([name, '', customer.name, customer.site, day, '', detail, '', 'Nordlicht Messtechnik GmbH']);
  const sheet = (/** @type {string} */ name, /** @type {string} */ detail) => ({
    filename: `${name}.pdf`,
    content: page(name, detail),
    contentType: 'application/pdf',
  });
  const certificates = () =>
    zip(
      [1, 2, 3].map((n) => ({
        name: `${title.certificate}-${n}.pdf`,
        content: page(`${title.certificate} ${n}`, `${facts['serial']}-${n}: -20 °C, 0 °C, +5 °C`),
      })),
    );
  switch (enclosure) {
    case 'offer':
      return {
        kinds: ['attachment'],
        attachments: [
          sheet(`${title.offer} ${facts['offer']}`, `${facts['n']} x ${facts['product']}: ${facts['amount']}`),
        ],
      };
    case 'invoice':
      return {
        kinds: ['attachment'],
        attachments: [sheet(`${title.invoice} ${facts['invoice']}`, `${facts['po']}: ${facts['amount']}`)],
      };
    case 'report':
      return { kinds: ['attachment'], attachments: [sheet(title.report, 'SHA-256, append only'), csv] };
    case 'csv':
      return { kinds: ['attachment'], attachments: [csv] };
    case 'zip':
      return {
        kinds: ['attachment'],
        attachments: [
          {
            filename: `${title.certificate}_${day.slice(0, 4)}.zip`,
            content: certificates(),
            contentType: 'application/zip',
          },
        ],
      };
    case 'photo':
      return {
        kinds: ['attachment'],
        attachments: [
          { filename: `IMG_${dice.between(1000, 9999)}.png`, content: photo(dice), contentType: 'image/png' },
        ],
      };
    case 'invitation':
      return { kinds: ['invitation'], attachments: [], calendar: appointment(about) };
  }
}

/** @param {{customer: Customer, dice: import('./dice.mjs').Dice, date: Date, contact: Person, subject: string}} about */
function appointment({ customer, dice, date, contact, subject }) {
  const day = workingDay(new Date(Math.floor(date.getTime() / dayMs) * dayMs + 20 * dayMs), 1);
  const event = {
    uid: `${dice.hex(16)}@${demoDomain}`,
    method: /** @type {const} */ ('REQUEST'),
    stamp: date,
    start: new Date(day.getTime() + 8.5 * 3_600_000),
    minutes: 240,
    title: subject,
    place: `${customer.name}, ${customer.site}`,
    organizer: demoAddress,
    attendees: [correspondent(contact).address, correspondent(helpers[customer.language]).address],
  };
  return { method: event.method, content: calendar(event) };
}
