// @ts-check
/**
 * The demo company: Nordlicht Messtechnik keeps an eye on cold stores. It sells loggers, gateways and a web portal, calibrates
 * them, and writes with its customers in four languages. Every domain is reserved (RFC 2606).
 */

/** @typedef {'en' | 'de' | 'nl' | 'ro'} Language */
/** @typedef {'business' | 'private' | 'other'} AddressKind */
/** @typedef {'outlook' | 'thunderbird' | 'apple' | 'webmail'} MailProgram */
/**
 * @typedef {object} Person
 * @property {string} key
 * @property {string} first
 * @property {string} last
 * @property {'f' | 'm'} sex
 * @property {string} role
 * @property {string} firm name of the company, as it stands in a signature
 * @property {string} domain
 * @property {MailProgram} program
 * @property {{address: string, kind: AddressKind}[]} addresses the first is the one they write from
 */
/**
 * @typedef {object} Customer
 * @property {string} key
 * @property {string} name
 * @property {Language} language
 * @property {string} domain
 * @property {string} site a cold store of theirs, as they call it
 * @property {string} currency
 * @property {number} limit degrees above which an alarm is given there
 * @property {Person[]} people
 */

export const demoAddress = 'demo@nordlicht.example';
export const demoDomain = 'nordlicht.example';
export const zurichFolder = /** @type {const} */ ('Projekte & Kunden Zürich');

const ownFirm = 'Nordlicht Messtechnik GmbH';

/** @param {string} key @param {string} name @param {'f' | 'm'} sex @param {string} role @returns {Person} */
function colleague(key, name, sex, role) {
  const [first = '', ...rest] = name.split(' ');
  const address = key === 'mara' ? demoAddress : `${key}@${demoDomain}`;
  return {
    key,
    first,
    last: rest.join(' '),
    sex,
    role,
    firm: ownFirm,
    domain: demoDomain,
    program: 'apple',
    addresses: [{ address, kind: 'business' }],
  };
}

/** The owner of the mailbox and the people around her. */
export const mara = colleague('mara', 'Mara Lindner', 'f', 'Key Account Management');
export const jonas = colleague('jonas.weber', 'Jonas Weber', 'm', 'Service & Technik');
export const ioana = colleague('ioana.muntean', 'Ioana Muntean', 'f', 'Customer Support');
const pieter = colleague('pieter.devries', 'Pieter de Vries', 'm', 'Field Engineering');
const sarah = colleague('accounts', 'Sarah Whitfield', 'f', 'Accounts');
/** Who stands in for Mara, by language. */
export const helpers = { en: jonas, de: jonas, nl: pieter, ro: ioana };
export const colleagues = [mara, jonas, ioana, pieter, sarah];

/**
 * Each line of `people` is `name | f or m | role | mail program | addresses`; addresses without `@` are at the company, a leading
 * `~` marks a private one.
 * @param {Omit<Customer, 'people'>} company @param {string} people
 * @returns {Customer}
 */
function customer(company, people) {
  return {
    ...company,
    people: people
      .trim()
      .split('\n')
      .map((line) => personOf(company, line)),
  };
}

/** @param {Omit<Customer, 'people'>} company @param {string} line @returns {Person} */
function personOf({ key, name, domain }, line) {
  const [fullName = '', sex, role = '', program, addresses = ''] = line.split('|').map((cell) => cell.trim());
  const [first = '', ...rest] = fullName.split(' ');
  return {
    key: `${key}-${first
      .toLowerCase()
      .normalize('NFD')
      .replace(/\P{ASCII}/gu, '')}`,
    first,
    last: rest.join(' '),
    sex: sex === 'f' ? 'f' : 'm',
    role,
    firm: name,
    domain,
    program: /** @type {MailProgram} */ (program),
    addresses: addresses.split(' ').map((address) => ({
      address: address.startsWith('~') ? address.slice(1) : `${address}@${domain}`,
      kind: address.startsWith('~') ? 'private' : 'business',
    })),
  };
}

/** @type {Customer[]} */
export const customers = [
  customer(
    {
      key: 'alpstein',
      name: 'Käserei Alpstein AG',
      language: 'de',
      domain: 'alpstein.example',
      site: 'Reifekeller 2',
      currency: 'CHF',
      limit: 12,
    },
    `
    Regula Ammann | f | Leiterin Qualitätssicherung | outlook | regula.ammann ~regula.ammann@bergpost.example
    Urs Zürcher | m | Betriebsleiter | outlook | urs.zuercher
    Béatrice Favre | f | Einkauf | outlook | einkauf b.favre`,
  ),
  customer(
    {
      key: 'sonnenhof',
      name: 'Klinikum Sonnenhof gGmbH',
      language: 'de',
      domain: 'klinikum-sonnenhof.example',
      site: 'Kühlzelle 4',
      currency: 'EUR',
      limit: 8,
    },
    `
    Katrin Vogelsang | f | Leitende Apothekerin | outlook | k.vogelsang ~katrin.vogelsang@heimpost.example
    Thomas Grüner | m | Medizintechnik | thunderbird | t.gruener`,
  ),
  customer(
    {
      key: 'loewenberg',
      name: 'Brauhaus Löwenberg GmbH',
      language: 'de',
      domain: 'löwenberg.example',
      site: 'Lagerkeller Nord',
      currency: 'EUR',
      limit: 6,
    },
    `
    Jürgen Pfäffle | m | Braumeister | thunderbird | juergen.pfaeffle ~jp.brauer@heimpost.example
    Annika Straub | f | Buchhaltung | outlook | buchhaltung`,
  ),
  customer(
    {
      key: 'whitmore',
      name: 'Whitmore Foods Ltd',
      language: 'en',
      domain: 'whitmore.example',
      site: 'the Leeds cold store',
      currency: 'GBP',
      limit: 4,
    },
    `
    Tom Hargreaves | m | Operations Manager | outlook | tom.hargreaves ~tom@hargreaves.example
    Priya Nair | f | Quality & Compliance | outlook | priya.nair
    Owen Clarke | m | Accounts Payable | outlook | ap`,
  ),
  customer(
    {
      key: 'finch',
      name: 'Harbour & Finch Wines',
      language: 'en',
      domain: 'harbourfinch.example',
      site: 'the Bristol cellar',
      currency: 'GBP',
      limit: 14,
    },
    `
    Eleanor Finch | f | Managing Partner | apple | eleanor ~eleanor.finch@homemail.example
    Declan O'Rourke | m | Warehouse Manager | webmail | declan`,
  ),
  customer(
    {
      key: 'corrib',
      name: 'Corrib Seafoods',
      language: 'en',
      domain: 'corribseafoods.example',
      site: 'the Galway blast freezer',
      currency: 'EUR',
      limit: -18,
    },
    `
    Aoife Brennan | f | Technical Manager | outlook | aoife.brennan
    Seán Kelly | m | Maintenance | thunderbird | maintenance`,
  ),
  customer(
    {
      key: 'bakker',
      name: 'Bakker Koelhuizen B.V.',
      language: 'nl',
      domain: 'bakkerkoelhuizen.example',
      site: 'hal 7',
      currency: 'EUR',
      limit: -20,
    },
    `
    Sanne Bakker | f | Directie | apple | sanne ~sannebakker@thuispost.example
    Ruben Hoekstra | m | Technische dienst | outlook | r.hoekstra
    Joëlle Mulder | f | Administratie | outlook | administratie`,
  ),
  customer(
    {
      key: 'vandermeer',
      name: 'Van der Meer Bloemen B.V.',
      language: 'nl',
      domain: 'vandermeerbloemen.example',
      site: 'koelcel 12',
      currency: 'EUR',
      limit: 5,
    },
    `
    Daan van der Meer | m | Logistiek | webmail | daan
    Fenna Visser | f | Kwaliteit | outlook | kwaliteit fenna.visser`,
  ),
  customer(
    {
      key: 'carpati',
      name: 'Carpați Farma S.R.L.',
      language: 'ro',
      domain: 'carpatifarma.example',
      site: 'depozitul din Brașov',
      currency: 'EUR',
      limit: 8,
    },
    `
    Ștefan Ionescu | m | Director depozit | outlook | stefan.ionescu ~stefan.ionescu@posta.example
    Mădălina Țurcanu | f | Asigurarea calității | outlook | madalina.turcanu
    Raluca Dănilă | f | Contabilitate | outlook | contabilitate`,
  ),
  customer(
    {
      key: 'dunarea',
      name: 'Dunărea Logistic S.A.',
      language: 'ro',
      domain: 'dunarealogistic.example',
      site: 'camera frigorifică 3 din Galați',
      currency: 'EUR',
      limit: -18,
    },
    `
    Andrei Popa | m | Șef tură | webmail | andrei.popa
    Cristina Bălan | f | Achiziții | outlook | achizitii ~cristina.balan@posta.example`,
  ),
];

/** The name and one of the addresses of a person. @param {Person} person @param {number} [nth] which of their addresses */
export function correspondent(person, nth = 0) {
  const { address } = person.addresses[nth] ?? person.addresses[0] ?? { address: '' };
  return { name: `${person.first} ${person.last}`, address };
}
