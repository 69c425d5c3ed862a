import { messageIdOf, referencesOf } from '../../src/domain/references';

test.each([
  ['<a@b>', ['<a@b>']],
  ['<a@b> <c@d>', ['<a@b>', '<c@d>']],
  ['<a@b><c@d>', ['<a@b>', '<c@d>']],
  ['<a@b>,\t<c@d>', ['<a@b>', '<c@d>']],
  ['<a@b> (sent on Monday)', ['<a@b>']],
  ['Message of "Mon, 1 Jan" <a@b>', ['<a@b>']],
  ['<<a@b>>', ['<a@b>']],
  ['<a b@c> <d@e', []],
  ['', []],
])('the ids in %p are %p', (value, ids) => {
  expect(referencesOf({ references: value, inReplyTo: '' }, 10)).toEqual(ids);
});

test('an id longer than a line can be is none', () => {
  expect(referencesOf({ references: `<${'a'.repeat(1_000)}@b> <c@d>`, inReplyTo: '' }, 10)).toEqual(['<c@d>']);
});

test.each([
  ['<a@b>', '<a@b>'],
  [' <a@b> ', '<a@b>'],
  ['a@b', '<a@b>'],
  ['<a@b> <c@d>', '<a@b>'],
  ['<>', null],
  ['', null],
  ['two words', null],
])('the Message-ID in %p is %p', (value, id) => {
  expect(messageIdOf(value)).toBe(id);
});

test('In-Reply-To comes after References, each id once', () => {
  expect(referencesOf({ references: '<a@x> <b@x>', inReplyTo: '<b@x> <c@x>' }, 10)).toEqual([
    '<a@x>',
    '<b@x>',
    '<c@x>',
  ]);
});

test('of too many the first and the last are kept', () => {
  const references = Array.from({ length: 10 }, (_, n) => `<${String(n)}@x>`).join(' ');
  expect(referencesOf({ references, inReplyTo: '<reply@x>' }, 4)).toEqual(['<0@x>', '<8@x>', '<9@x>', '<reply@x>']);
});

test('as many as are allowed are all kept', () => {
  expect(referencesOf({ references: '<a@x><b@x>', inReplyTo: '' }, 2)).toEqual(['<a@x>', '<b@x>']);
});
