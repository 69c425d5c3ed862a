import { createSecretBox } from '../../src/db/secret-box';

const old = { id: 'k1', key: Buffer.alloc(32, 1) };
const current = { id: 'k2', key: Buffer.alloc(32, 2) };
const secret = 'pass wörd 🔑';

test('what was sealed is opened again', () => {
  const box = createSecretBox([current]);
  expect(box.open(box.seal(secret))).toBe(secret);
  expect(box.open(box.seal(''))).toBe('');
});

test('the same text sealed twice gives different bytes, and the text is in neither', () => {
  const box = createSecretBox([current]);
  const [one, two] = [box.seal(secret), box.seal(secret)];
  expect(one.bytes.equals(two.bytes)).toBe(false);
  expect(one.bytes.includes(secret)).toBe(false);
});

test('after a rotation the first key seals, and the old one still opens', () => {
  const sealedBefore = createSecretBox([old]).seal(secret);
  const box = createSecretBox([current, old]);
  expect(box.seal(secret).keyId).toBe('k2');
  expect(box.open(sealedBefore)).toBe(secret);
});

test('a missing key is named by its id, and nothing secret is said', () => {
  const sealed = createSecretBox([old]).seal(secret);
  expect(() => createSecretBox([current]).open(sealed)).toThrow(/"k1".*LETTERBOOK_SECRET_KEYS/);
  expect(() => createSecretBox([current]).open(sealed)).not.toThrow(secret);
});

test.each([
  ['a changed byte', (bytes: Buffer) => Buffer.from(bytes.map((byte, at) => (at === 14 ? byte ^ 1 : byte)))],
  ['a cut-off end', (bytes: Buffer) => bytes.subarray(0, -1)],
  ['too few bytes for a tag', (bytes: Buffer) => bytes.subarray(0, 20)],
  ['nothing', () => Buffer.alloc(0)],
])('%s is noticed', (_name, change) => {
  const box = createSecretBox([current]);
  const { bytes, keyId } = box.seal(secret);
  expect(() => box.open({ bytes: change(bytes), keyId })).toThrow(/cannot be opened/);
});

test('bytes that claim another key id are not opened, though the key is the same', () => {
  const box = createSecretBox([current, { id: 'k3', key: current.key }]);
  expect(() => box.open({ bytes: box.seal(secret).bytes, keyId: 'k3' })).toThrow(/cannot be opened/);
});

test.each([
  ['no key', []],
  ['a short key', [{ id: 'k', key: Buffer.alloc(16) }]],
  ['an id twice', [old, old]],
])('%s is refused at the start', (_name, keys) => {
  expect(() => createSecretBox(keys)).toThrow();
});

test('a text has one fingerprint by each key, the first by the one that seals', () => {
  const [byOld] = createSecretBox([old]).fingerprintsOf(secret);
  const [byCurrent, ...others] = createSecretBox([current, old]).fingerprintsOf(secret);
  expect(others).toEqual([byOld]);
  expect(byCurrent).not.toEqual(byOld);
  expect(createSecretBox([current]).fingerprintsOf('another text')[0]).not.toEqual(byCurrent);
});
