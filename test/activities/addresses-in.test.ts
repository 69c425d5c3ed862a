import { addressesIn, addressesInText } from '../../src/activities/addresses-in';
import { holdsAny } from '../../src/activities/holds-address';
import { normaliseAddress } from '../../src/domain/address';

const ada = 'ada@customer.example';

async function* inPieces(bytes: Buffer, size: number): AsyncIterable<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size));
}

async function keysIn(bytes: Buffer, size: number): Promise<Set<string>> {
  const keys = new Set<string>();
  for await (const candidates of addressesIn(inPieces(bytes, size))) {
    for (const candidate of candidates) keys.add(normaliseAddress(candidate) ?? '');
  }
  return keys;
}

test.each([
  ['From: Ada <ADA@Customer.example>\r\n', ada],
  [`to=${ada}, and others`, ada],
  [`é${ada}.\r\n`, ada],
  [`x!y/${ada}_z`, ada],
  ['zoë@customer.example', 'zoë@customer.example'],
  ['bounce+ada=x.example@y.example', 'bounce+ada=x.example@y.example'],
  ['"ada lovelace"@customer.example', '"ada lovelace"@customer.example'],
  [String.raw`"ada \"the\" lovelace"@customer.example`, String.raw`"ada \"the\" lovelace"@customer.example`],
  [String.raw`"so called" "ada\\"@customer.example`, String.raw`"ada\\"@customer.example`],
  ['root@[192.0.2.1]', 'root@[192.0.2.1]'],
  [`${'n'.repeat(250)}@customer.example`, `${'n'.repeat(250)}@customer.example`],
])('what is known to stand in %j is found without being known, in pieces of any size', async (text, key) => {
  const bytes = Buffer.from(`${'word '.repeat(120)}${text}${' more'.repeat(120)}`);
  expect(await holdsAny(inPieces(bytes, bytes.length), [key])).toBe(true);
  for (const size of [1, 7, 64, bytes.length]) expect(await keysIn(bytes, size)).toContain(key);
  expect(addressesInText(text).map(normaliseAddress)).toContain(key);
});

test('an address that only ends or begins like another is not taken for it', async () => {
  const bytes = Buffer.from(`jo${ada} ${ada}.org ${ada}-x`);
  expect(await holdsAny(inPieces(bytes, 9), [ada])).toBe(false);
  expect(await keysIn(bytes, 9)).not.toContain(ada);
});

test('bytes that are no mail have no address, however many signs of one', async () => {
  const bytes = Buffer.from('@'.repeat(100_000) + `${'a'.repeat(100_000)}@${'b'.repeat(100_000)}`);
  expect([...(await keysIn(bytes, 4_096))].filter((key) => key !== '')).toEqual([]);
});

test.each([String.raw`"ada\"@customer.example`, '"@customer.example', String.raw`\"@customer.example`])(
  'what ends in a quote that opens nothing is no address: %s',
  async (text) => {
    expect([...(await keysIn(Buffer.from(text), 64))].filter((key) => key !== '')).toEqual([]);
  },
);
