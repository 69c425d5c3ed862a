import fc from 'fast-check';

import { isOddName, keptName, nameOnServer } from '../../src/mail/folder-names';

test.each([
  ['INBOX', 'INBOX'],
  ['Entw&APw-rfe', 'Entwürfe'],
  ['~peter/mail/&U,BTFw-/&ZeVnLIqe-', '~peter/mail/台北/日本語'],
  ['Tom &- Jerry', 'Tom & Jerry'],
  ['&2D3eAA-', '😀'],
])('%s is kept as %s', (listed, kept) => {
  expect(keptName(listed)).toBe(kept);
  expect(nameOnServer(kept)).toBe(listed);
  expect(isOddName(kept)).toBe(false);
});

test.each([
  ['NUL', 'bad&AAA-name', 'bad\ufffd{0000}name'],
  ['half a surrogate', 'half&2AA-', 'half\ufffd{d800}'],
  ['the mark itself', '&,,0-', '\ufffd{fffd}'],
  ['a shift without an end', 'a&b', 'a\ufffd&b'],
  ['a shift of an odd number of bytes', '&AA-', '\ufffd&AA-'],
  ['a shift that is no BASE64', '&Jjo!-x', '\ufffd&Jjo!-x'],
  ['ASCII that needs no shift', '&AGE-', '\ufffd&AGE-'],
  ['two shifts side by side', '&AOQ-&AOQ-', '\ufffd&AOQ-\ufffd&AOQ-'],
  ['a line break in a literal', 'two\r\nlines', 'two\r\nlines'],
  ['a control character as it is', 'a\0b\x07', 'a\ufffd{=00}b\ufffd{=07}'],
  ['a line break in a shift', '&AA0ACg-', '\ufffd&AA0ACg-'],
])('a folder name with %s comes back as it was', (_, listed, kept) => {
  expect(keptName(listed)).toBe(kept);
  expect(nameOnServer(kept)).toBe(listed);
  expect(isOddName(kept)).toBe(true);
});

const unstorable = /[\0\ud800-\udfff]/u;

test('any ASCII that a server lists can be stored, and comes back', () => {
  const unit = fc.constantFrom('a', '/', '&', '-', 'A', 'AA', '2AA', ',', '!', '\r\n', '\0', ' ', 'OQ');
  const name = fc.array(unit, { maxLength: 12 }).map((parts) => parts.join(''));
  fc.assert(
    fc.property(name, (listed) => {
      const kept = keptName(listed);
      return nameOnServer(kept) === listed && !unstorable.test(kept);
    }),
    { numRuns: 3_000 },
  );
});

test('a name in any script comes back', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const listed = nameOnServer(text.replaceAll('\ufffd', ''));
      return nameOnServer(keptName(listed)) === listed;
    }),
  );
});
