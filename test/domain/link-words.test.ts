import { languages } from '../../src/domain/languages';
import { linkReasonSentence } from '../../src/domain/link-words';

const byAddress = { kind: 'address', key: 'from:ada@customer.example', recordVersion: 3 };
const byDomain = { kind: 'rule', key: 'cc:ada@customer.example', recordVersion: 4 };
const reasons = [
  byAddress,
  byDomain,
  { kind: 'address', key: 'delivered-to:ada@customer.example', recordVersion: 3 },
  { kind: 'thread', key: 'reply:0192f0c1', recordVersion: 1 },
  { kind: 'thread', key: 'follow:0192f0c1', recordVersion: 1 },
  { kind: 'person', key: 'snapshot:0192f0c1', recordVersion: 1 },
  { kind: 'person', key: 'unlinked:0192f0c1', recordVersion: 1 },
  { kind: 'person', key: 'by-hand', recordVersion: 1 },
  { kind: 'person', key: 'taken-away', recordVersion: 1 },
  { kind: 'person', key: 'what may come', recordVersion: 1 },
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
});

test('what an address says is not taken for a place to fill', () => {
  const reason = { kind: 'address', key: 'to:{version}@customer.example', recordVersion: 9 };
  expect(linkReasonSentence(reason, 'nl')).toContain('{version}@customer.example');
});
