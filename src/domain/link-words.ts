import type { Language } from './languages';

/** Why a message is linked, in one language. In the texts stand {address}, {header}, {domain} and {version} of the record. */
interface LinkTexts {
  /** Names of headers are the same in every language; a delivery header is told by its kind. */
  deliveryHeader: string;
  address: string;
  domain: string;
  number: string;
  reply: string;
  follow: string;
  snapshot: string;
  byHand: string;
  unlinked: string;
  takenAway: string;
  otherwise: string;
}

const texts: Readonly<Record<Language, LinkTexts>> = {
  en: {
    deliveryHeader: 'a delivery header',
    address: '{address}, an address of the record in its version {version}, stands in {header}.',
    domain: '{address} stands in {header}; {domain} is a domain of the company in its version {version}.',
    number: '{address} stands in {header}; it begins with the number of the record in its version {version}.',
    reply: 'It answers a message that is linked to the record.',
    follow: 'Somebody linked its thread to the record, with all that comes later.',
    snapshot: 'Somebody linked its thread to the record, as it stood then.',
    byHand: 'Somebody linked the message to the record.',
    unlinked: 'Somebody took its thread away from the record.',
    takenAway: 'Somebody took the message away from the record.',
    otherwise: 'It was linked to the record.',
  },
  de: {
    deliveryHeader: 'einer Zustellungszeile',
    address: '{address}, eine Adresse des Datensatzes in seiner Version {version}, steht in {header}.',
    domain: '{address} steht in {header}; {domain} ist eine Domain der Firma in ihrer Version {version}.',
    number:
      'Die Adresse {address} steht in {header}; sie beginnt mit der Nummer des Datensatzes in seiner Version {version}.',
    reply: 'Sie antwortet auf eine Nachricht, die mit dem Datensatz verknüpft ist.',
    follow: 'Jemand hat ihre Unterhaltung mit dem Datensatz verknüpft, samt allem, was später kommt.',
    snapshot: 'Jemand hat ihre Unterhaltung mit dem Datensatz verknüpft, so wie sie damals war.',
    byHand: 'Jemand hat die Nachricht mit dem Datensatz verknüpft.',
    unlinked: 'Jemand hat ihre Unterhaltung vom Datensatz gelöst.',
    takenAway: 'Jemand hat die Nachricht vom Datensatz gelöst.',
    otherwise: 'Sie wurde mit dem Datensatz verknüpft.',
  },
  nl: {
    deliveryHeader: 'een bezorgregel',
    address: '{address}, een adres van het record in versie {version}, staat in {header}.',
    domain: '{address} staat in {header}; {domain} is een domein van het bedrijf in versie {version}.',
    number: '{address} staat in {header}; het begint met het nummer van het record in versie {version}.',
    reply: 'Het antwoordt op een bericht dat aan het record is gekoppeld.',
    follow: 'Iemand heeft het gesprek aan het record gekoppeld, met alles wat later komt.',
    snapshot: 'Iemand heeft het gesprek aan het record gekoppeld, zoals het toen was.',
    byHand: 'Iemand heeft het bericht aan het record gekoppeld.',
    unlinked: 'Iemand heeft het gesprek van het record losgekoppeld.',
    takenAway: 'Iemand heeft het bericht van het record losgekoppeld.',
    otherwise: 'Het is aan het record gekoppeld.',
  },
  ro: {
    deliveryHeader: 'un antet de livrare',
    address: '{address}, o adresă a înregistrării în versiunea {version}, apare în {header}.',
    domain: '{address} apare în {header}; {domain} este un domeniu al companiei în versiunea {version}.',
    number: '{address} apare în {header}; începe cu numărul înregistrării în versiunea {version}.',
    reply: 'Răspunde la un mesaj care este legat de înregistrare.',
    follow: 'Cineva a legat conversația de înregistrare, cu tot ce urmează.',
    snapshot: 'Cineva a legat conversația de înregistrare, așa cum era atunci.',
    byHand: 'Cineva a legat mesajul de înregistrare.',
    unlinked: 'Cineva a dezlegat conversația de înregistrare.',
    takenAway: 'Cineva a dezlegat mesajul de înregistrare.',
    otherwise: 'A fost legat de înregistrare.',
  },
};

const headerNames: Readonly<Record<string, string>> = {
  from: 'From',
  sender: 'Sender',
  'reply-to': 'Reply-To',
  to: 'To',
  cc: 'Cc',
  bcc: 'Bcc',
};

/** By what stands before the colon of a key (link-reasons.ts). */
const textOfKey: Readonly<Record<string, keyof LinkTexts>> = {
  reply: 'reply',
  follow: 'follow',
  snapshot: 'snapshot',
  unlinked: 'unlinked',
  'by-hand': 'byHand',
  'taken-away': 'takenAway',
};

/** Why a message is linked to a record of a type, or not any more, as a sentence for a person. A rule links companies by their domains, others by their numbers. */
export function linkReasonSentence(
  reason: { kind: string; key: string; recordVersion: number; recordType: string },
  language: Language,
): string {
  const { kind, key, recordVersion, recordType } = reason;
  const words = texts[language];
  const colon = key.indexOf(':');
  const before = colon < 0 ? key : key.slice(0, colon);
  if (kind !== 'address' && kind !== 'rule') return words[textOfKey[before] ?? 'otherwise'];
  const address = key.slice(colon + 1);
  const values: Record<string, string> = {
    address,
    header: headerNames[before] ?? words.deliveryHeader,
    domain: address.slice(address.lastIndexOf('@') + 1),
    version: String(recordVersion),
  };
  // In one go: what an address says is never taken for a place to fill.
  const byRule = recordType === 'company' ? words.domain : words.number;
  return (kind === 'rule' ? byRule : words.address).replace(
    /\{(\w+)\}/g,
    (whole, name: string) => values[name] ?? whole,
  );
}
