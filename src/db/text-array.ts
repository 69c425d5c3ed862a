// pg_type.dat of PostgreSQL: the type whose values the array holds.
const textOid = 25;
const headerBytes = 20;
const lengthBytes = 4;

/**
 * Texts as a parameter of the type `text[]`, in PostgreSQL's binary form (`array_recv` in arrayfuncs.c): number of dimensions, whether there are
 * NULLs, the type of the elements, their number, the index of the first, then each with its length before it. pg sends a Buffer in binary.
 * Long texts go so instead of in JSON, which would be escaped here and read again there.
 */
export function textArray(texts: string[]): Buffer {
  const lengths = texts.map((text) => Buffer.byteLength(text));
  const array = Buffer.allocUnsafe(headerBytes + lengths.reduce((sum, length) => sum + lengthBytes + length, 0));
  let at = 0;
  for (const value of [1, 0, textOid, texts.length, 1]) at = array.writeInt32BE(value, at);
  texts.forEach((text, index) => {
    at = array.writeInt32BE(lengths[index] ?? 0, at);
    at += array.write(text, at);
  });
  return array;
}
