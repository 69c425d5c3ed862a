import { companiesOf, matchReasons, mayHaveNumber, numberKeys, type Candidate } from '../../src/domain/matching';
import { defaultPolicy, type Policy } from '../../src/domain/policy';

const record = (recordId: string, type: string, by: Candidate['by'], companyId: string | null = null): Candidate => {
  return { recordId, type, version: 1, companyId, by };
};
const business: Candidate['by'] = { way: 'address', kind: 'business' };
const own: Candidate['by'] = { way: 'address', kind: 'private' };
const gmail: Candidate['by'] = { way: 'gmail', kind: 'business' };
const domain: Candidate['by'] = { way: 'domain' };
const number: Candidate['by'] = { way: 'number' };

const candidates = new Map<string, Candidate[]>([
  ['ada@one.example', [record('ada', 'contact', business, 'one'), record('one', 'company', domain)]],
  ['ada@home.example', [record('ada', 'contact', own, 'one')]],
  ['bob@two.example', [record('bob', 'contact', business, 'two'), record('lead', 'lead', business)]],
  ['sales@two.example', [record('two', 'company', business)]],
  ['eve@free.example', [record('eve', 'contact', business)]],
  ['a.da@gmail.com', [record('ada', 'contact', gmail, 'one'), record('shop', 'company', domain)]],
  ['1001.sales@us.example', [record('project', 'project', number), record('deal', 'opportunity', number, 'three')]],
  ['1002.sales@us.example', [record('deal', 'opportunity', number), record('bob', 'contact', business)]],
  ['max@broker.example', [record('max', 'intermediary', business, 'three')]],
]);

/** `record kind key`, in order. */
function reasons(addresses: Record<string, string>, policy: Partial<Policy> = {}): string[] {
  const heads = Object.entries(addresses).map(([role, addressKey]) => ({ role, addressKey }));
  return matchReasons(heads, candidates, { ...defaultPolicy, ...policy })
    .map(({ recordId, kind, key }) => `${recordId} ${kind} ${key}`)
    .sort();
}

test('by default records have the mail of their addresses of every kind, as they are written, and of no domain', () => {
  expect(reasons({ from: 'ada@one.example', to: 'ada@home.example', cc: 'a.da@gmail.com' })).toEqual([
    'ada address from:ada@one.example',
    'ada address to:ada@home.example',
  ]);
});

test.each<[string, Record<string, string>, Partial<Policy>, string[]]>([
  ['a kind of address that does not count', { from: 'ada@home.example' }, { matchKinds: ['business'] }, []],
  ['a header that does not count', { cc: 'eve@free.example' }, { matchHeaders: ['From'] }, []],
  [
    'an account of Gmail',
    { from: 'a.da@gmail.com' },
    { gmailAddresses: 'fold-dots-and-tags' },
    ['ada address from:a.da@gmail.com'],
  ],
  [
    'an account of Gmail by a kind that does not count',
    { from: 'a.da@gmail.com' },
    { gmailAddresses: 'fold-dots-and-tags', matchKinds: ['private'] },
    [],
  ],
  [
    'a domain, beside the address',
    { from: 'ada@one.example' },
    { companyDomains: 'link' },
    ['ada address from:ada@one.example', 'one rule from:ada@one.example'],
  ],
  [
    'a domain, whatever kinds of address count',
    { from: 'ada@one.example' },
    { companyDomains: 'link', matchKinds: [] },
    ['one rule from:ada@one.example'],
  ],
  ['a domain at which anybody can have an address', { from: 'a.da@gmail.com' }, { companyDomains: 'link' }, []],
  [
    'the first type of an order',
    { from: 'bob@two.example' },
    { matchTypes: ['lead', 'contact'] },
    ['lead address from:bob@two.example'],
  ],
  [
    'the next type, where the first has none',
    { from: 'bob@two.example' },
    { matchTypes: ['ticket', 'contact', 'lead'] },
    ['bob address from:bob@two.example'],
  ],
  ['no type of the order', { from: 'bob@two.example' }, { matchTypes: ['ticket'] }, []],
  [
    'an order in which the person goes before the company',
    { from: 'ada@one.example' },
    { companyDomains: 'link', matchTypes: ['contact', 'company'] },
    ['ada address from:ada@one.example'],
  ],
  [
    'an order for each address by itself',
    { from: 'bob@two.example', to: 'ada@one.example' },
    { matchTypes: ['lead', 'contact'] },
    ['ada address to:ada@one.example', 'lead address from:bob@two.example'],
  ],
  [
    'several companies: all are linked by default',
    { from: 'ada@one.example', to: 'sales@two.example' },
    {},
    ['ada address from:ada@one.example', 'two address to:sales@two.example'],
  ],
  [
    'several companies: neither contacts nor companies',
    { from: 'ada@one.example', to: 'sales@two.example', cc: 'eve@free.example' },
    { severalCompanies: 'link-none' },
    [],
  ],
  [
    'several companies: leads and brokers all the same',
    { from: 'ada@one.example', to: 'bob@two.example', cc: 'max@broker.example' },
    { severalCompanies: 'link-none' },
    ['lead address to:bob@two.example', 'max address cc:max@broker.example'],
  ],
  [
    'one company with its contact, and a contact of none',
    { from: 'bob@two.example', to: 'sales@two.example', cc: 'eve@free.example' },
    { severalCompanies: 'link-none', matchTypes: ['contact', 'company'] },
    ['bob address from:bob@two.example', 'eve address cc:eve@free.example', 'two address to:sales@two.example'],
  ],
  [
    'several companies, of which one stands in a header that does not count',
    { from: 'ada@one.example', 'delivered-to': 'bob@two.example' },
    { severalCompanies: 'link-none' },
    ['ada address from:ada@one.example'],
  ],
  [
    'a number, of a project before an opportunity',
    { to: '1001.sales@us.example' },
    {},
    ['project rule to:1001.sales@us.example'],
  ],
  [
    'a number, beside an address',
    { cc: '1002.sales@us.example' },
    {},
    ['bob address cc:1002.sales@us.example', 'deal rule cc:1002.sales@us.example'],
  ],
  [
    'a number in a delivery header or Bcc, whatever counts of addresses',
    { bcc: '1001.sales@us.example', 'delivered-to': '1002.sales@us.example' },
    { matchHeaders: [], matchKinds: [], matchTypes: ['contact'], severalCompanies: 'link-none' },
    ['deal rule delivered-to:1002.sales@us.example', 'project rule bcc:1001.sales@us.example'],
  ],
  [
    'a number in a header that says who wrote',
    { from: '1001.sales@us.example', sender: '1001.sales@us.example', 'reply-to': '1001.sales@us.example' },
    {},
    [],
  ],
])('%s', (_name, addresses, policy, expected) => {
  expect(reasons(addresses, policy)).toEqual(expected);
});

test('the companies of records are themselves and those of contacts, each once', () => {
  const companies = companiesOf([
    record('one', 'company', business, 'mother'),
    record('ada', 'contact', business, 'one'),
    record('eve', 'contact', business),
    record('max', 'intermediary', business, 'three'),
    record('bob', 'contact', business, 'two'),
  ]);
  expect(companies).toEqual(['one', 'two']);
});

test.each<[string, string, boolean]>([
  ['to', '1001.sales@us.example', true],
  ['delivered-to', 'p-2026.7.sales@us.example', true],
  ['from', '1001.sales@us.example', false],
  ['reply-to', '1001.sales@us.example', false],
  ['to', 'sales@us.example', false],
  ['to', '.sales@us.example', false],
])('in %s, %s may have a number: %s', (role, addressKey, expected) => {
  expect(mayHaveNumber({ role, addressKey })).toBe(expected);
});

test('projects and opportunities have mail by their number, in the case of addresses', () => {
  expect(numberKeys({ type: 'project', number: 'P-1' })).toEqual(['number:p-1']);
  expect(numberKeys({ type: 'opportunity', number: '7' })).toEqual(['number:7']);
  expect(numberKeys({ type: 'ticket', number: '7' })).toEqual([]);
  expect(numberKeys({ type: 'project', number: null })).toEqual([]);
});
