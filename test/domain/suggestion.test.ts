import { namesToCompare, suggestionsOf } from '../../src/domain/suggestion';

test.each([
  ['Anna Beck', ['anna beck']],
  ['Beck,  Anna', ['beck, anna', 'anna beck']],
  ['  ', []],
  ['A', []],
  ['anna@acme.example', []],
])('a sender who is called %j may be kept under %j', (written, names) => {
  expect(namesToCompare(written)).toEqual(names);
});

test('a record comes once with all reasons, and the likeliest comes first', () => {
  const anna = { recordId: 'a', type: 'contact', name: 'Anna' };
  const acme = { recordId: 'b', type: 'company', name: 'Acme' };
  const found = [
    { ...acme, reason: 'same-domain' as const },
    { ...anna, reason: 'same-domain' as const },
    { ...anna, reason: 'same-thread' as const },
    { ...anna, reason: 'same-domain' as const },
  ];
  expect(suggestionsOf(found, 5)).toEqual([
    { ...anna, reasons: ['same-thread', 'same-domain'] },
    { ...acme, reasons: ['same-domain'] },
  ]);
  expect(suggestionsOf(found, 1)).toHaveLength(1);
});
