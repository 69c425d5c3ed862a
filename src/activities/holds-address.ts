/** What may stand before an address that is another one's end, or behind one that is another one's beginning. */
const partOfAddress = /[a-z0-9._%+'-]/;
const partOfDomain = /[a-z0-9-]/;

/** Whether one of these addresses (in lower case) stands in a message's bytes as they are, in flat memory. Bytes that are encoded are not decoded. */
export async function holdsAny(content: AsyncIterable<Buffer>, addressKeys: string[]): Promise<boolean> {
  const longest = Math.max(0, ...addressKeys.map((key) => Buffer.byteLength(key)));
  // Byte for byte: an address outside ASCII is looked for as the bytes it has in UTF-8.
  const wanted = addressKeys.map((key) => Buffer.from(key).toString('latin1'));
  let tail = '\n';
  for await (const piece of content) {
    const text = tail + piece.toString('latin1').replace(/[A-Z]+/g, (capitals) => capitals.toLowerCase());
    if (wanted.some((address) => stands(text, address, 'more'))) return true;
    tail = text.slice(-(longest + 3));
  }
  return wanted.some((address) => stands(tail, address, 'end'));
}

/** Where the text goes on, an address at its very end is left to the next piece. */
function stands(text: string, address: string, then: 'more' | 'end'): boolean {
  for (let at = text.indexOf(address); at >= 0; at = text.indexOf(address, at + 1)) {
    const behind = text.slice(at + address.length, at + address.length + 2);
    if (then === 'more' && behind.length < 2) return false;
    const goesOn = partOfDomain.test(behind[0] ?? '') || (behind.startsWith('.') && partOfDomain.test(behind[1] ?? ''));
    if (!goesOn && !partOfAddress.test(text[at - 1] ?? '\n')) return true;
  }
  return false;
}
