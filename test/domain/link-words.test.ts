import { languages } from '../../src/domain/languages';
import { linkReasonSentence } from '../../src/domain/link-words';

const byAddress = { kind: 'address', key: 'from:ada@customer.example', recordVersion: 3, recordType: 'company' };
const byDomain = { kind: 'rule', key: 'cc:ada@customer.example', recordVersion: 4, recordType: 'company' };
const byNumber = { kind: 'rule', key: 'cc:1001.sales@us.example', recordVersion: 5, recordType: 'project' };
const reasons = [
  byAddress,
  byDomain,
  byNumber,
  { kind: 'address', key: 'delivered-to:ada@customer.example', recordVersion: 3, recordType: 'company' },
  { kind: 'thread', key: 'reply:0192f0c1', recordVersion: 1, recordType: 'company' },
  { kind: 'thread', key: 'follow:0192f0c1', recordVersion: 1, recordType: 'company' },
  { kind: 'person', key: 'snapshot:0192f0c1', recordVersion: 1, recordType: 'company' },
  { kind: 'person', key: 'unlinked:0192f0c1', recordVersion: 1, recordType: 'company' },
  { kind: 'person', key: 'by-hand', recordVersion: 1, recordType: 'company' },
  { kind: 'person', key: 'taken-away', recordVersion: 1, recordType: 'company' },
  { kind: 'person', key: 'what may come', recordVersion: 1, recordType: 'company' },
];

test.each(languages)('every reason has a sentence of its own in %s, with nothing left to fill', (language) => {
  const sentences = reasons.map((reason) => linkReasonSentence(reason, language));
  expect(new Set(sentences).size).toBe(reasons.length);
  for (const sentence of sentences) expect(sentence).toMatch(/^[^{}]+\.$/);
});

test('an address, its header, its domain and the version of the record are told', () => {
  expect(linkReasonSentence(byAddress, 'en')).toBe(
    'ada@customer.example, an address of the record in its version 3, stands in From.',
  );
  expect(linkReasonSentence(byDomain, 'de')).toBe(
    'ada@customer.example steht in Cc; customer.example ist eine Domain der Firma in ihrer Version 4.',
  );
  expect(linkReasonSentence(byNumber, 'en')).toBe(
    '1001.sales@us.example stands in Cc; it begins with the number of the record in its version 5.',
  );
});

test('what an address says is not taken for a place to fill', () => {
  const reason = { kind: 'address', key: 'to:{version}@customer.example', recordVersion: 9, recordType: 'lead' };
  expect(linkReasonSentence(reason, 'nl')).toContain('{version}@customer.example');
});
