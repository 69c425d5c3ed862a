// @ts-check
import { customers } from './company.mjs';

/** @typedef {import('./company.mjs').AddressKind} AddressKind */

/** Whose timeline is shown. */
export const shownRecord = 'company-whitmore';

/**
 * @typedef {object} RecordLine a line of `POST /v1/records/bulk`, with `company` in place of an id that is not known yet
 * @property {string} externalId
 * @property {string} type
 * @property {string} name
 * @property {string} [number]
 * @property {string} [company] externalId of its company
 * @property {{address: string, kind: AddressKind}[]} addresses
 */

/** The 40 records of the demo, companies first. @returns {RecordLine[]} */
export function demoRecords() {
  /** @type {RecordLine[]} */
  const companies = customers.map(({ key, name, domain }) => ({
    externalId: `company-${key}`,
    type: 'company',
    name,
    addresses: [{ address: `info@${domain}`, kind: 'business' }],
  }));
  const contacts = customers.flatMap(({ key, people }) =>
    people.map((person) => ({
      externalId: `contact-${person.key}`,
      type: 'contact',
      name: `${person.first} ${person.last}`,
      company: `company-${key}`,
      addresses: person.addresses,
    })),
  );
  return [...companies, ...contacts, ...dealings()];
}

/** @param {string} address @returns {RecordLine['addresses']} */
const at = (address) => [{ address, kind: 'business' }];

/** @returns {RecordLine[]} */
function dealings() {
  return [
    // The same address as the contact: he asks for his family's farm shop as well.
    {
      externalId: 'lead-hargreaves',
      type: 'lead',
      name: 'Hargreaves Farm Shop (Tom Hargreaves)',
      addresses: at('tom.hargreaves@whitmore.example'),
    },
    {
      externalId: 'lead-kaiserhof',
      type: 'lead',
      name: 'Hotel Kaiserhof, Küche',
      addresses: at('kueche@kaiserhof.example'),
    },
    {
      externalId: 'opportunity-sonnenhof',
      type: 'opportunity',
      name: 'Sonnenhof: zweiter Standort',
      number: 'V-2031',
      company: 'company-sonnenhof',
      addresses: at('standort-west@klinikum-sonnenhof.example'),
    },
    {
      externalId: 'project-1001',
      type: 'project',
      name: 'Bakker hal 7: meetnet vernieuwen',
      number: '1001',
      company: 'company-bakker',
      addresses: at('project1001@bakkerkoelhuizen.example'),
    },
    {
      externalId: 'ticket-4711',
      type: 'ticket',
      name: 'Galway: freezer alarm at night',
      number: '4711',
      company: 'company-corrib',
      addresses: at('nightshift@corribseafoods.example'),
    },
    {
      externalId: 'intermediary-willems',
      type: 'intermediary',
      name: 'Henk Willems (Willems Cold Chain Advice)',
      addresses: at('henk@willems-advice.example'),
    },
  ];
}
