import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';

/** A secret at rest: nonce (12 bytes), ciphertext and tag (16 bytes) in one, and the id of the key that opens it. */
export interface SealedSecret {
  bytes: Buffer;
  keyId: string;
}

export interface SecretBox {
  /** Encrypts with the first key. Sealing the same text twice gives different bytes. */
  seal(text: string): SealedSecret;
  /** @throws SecretBoxError where the key is not there any more, or the bytes were changed or belong to another key id */
  open(sealed: SealedSecret): string;
  /**
   * By which a text that holds secrets is known again (32 bytes each): the first by the key that seals, then by each other key, for what
   * was kept before a rotation. Who has them but no key cannot try out texts.
   */
  fingerprintsOf: (text: string) => [Buffer, ...Buffer[]];
}

/** A secret cannot be opened. The message names the key's id and the remedy, never anything secret. */
export class SecretBoxError extends Error {
  override readonly name = 'SecretBoxError';
}

const algorithm = 'aes-256-gcm';
const nonceBytes = 12; // NIST SP 800-38D 8.2: 96 bits are what GCM is made for
const tagBytes = 16;

/**
 * Encrypts secrets with AES-256-GCM. The first key seals, all of them open: a key is rotated by putting a new one in front.
 * The key's id is authenticated with the text, so that bytes cannot be passed off under another key id.
 * @throws SecretBoxError where there is no key, one is not 32 bytes long, or an id stands twice
 */
export function createSecretBox(keys: readonly { id: string; key: Buffer }[]): SecretBox {
  const [first] = keys;
  if (first === undefined) throw new SecretBoxError('There is no key for secrets. Set LETTERBOOK_SECRET_KEYS.');
  const keyOf = new Map(keys.map(({ id, key }) => [id, key]));
  const fingerprint = (text: string, { key }: { key: Buffer }) => {
    return createHmac('sha256', fingerprintKeyOf(key)).update(text).digest();
  };
  if (keyOf.size !== keys.length) throw new SecretBoxError('Two keys for secrets have the same id.');
  if (keys.some(({ key }) => key.length !== 32)) throw new SecretBoxError('A key for secrets must be 32 bytes long.');

  return {
    seal: (text) => ({ bytes: encrypt(text, first), keyId: first.id }),
    open: ({ bytes, keyId }) => {
      const key = keyOf.get(keyId);
      if (key !== undefined) return decrypt(bytes, { id: keyId, key });
      throw new SecretBoxError(`The key "${keyId}" for a secret is not there. Add it to LETTERBOOK_SECRET_KEYS again.`);
    },
    fingerprintsOf: (text) => [fingerprint(text, first), ...keys.slice(1).map((other) => fingerprint(text, other))],
  };
}

/** RFC 5869: a key for one purpose is not used for another. */
function fingerprintKeyOf(key: Buffer): Buffer {
  return Buffer.from(hkdfSync('sha256', key, '', 'letterbook fingerprint', 32));
}

function encrypt(text: string, { id, key }: { id: string; key: Buffer }): Buffer {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv(algorithm, key, nonce).setAAD(Buffer.from(id));
  return Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
}

function decrypt(bytes: Buffer, { id, key }: { id: string; key: Buffer }): string {
  try {
    const decipher = createDecipheriv(algorithm, key, bytes.subarray(0, nonceBytes), { authTagLength: tagBytes });
    decipher.setAAD(Buffer.from(id)).setAuthTag(bytes.subarray(-tagBytes));
    const text = decipher.update(bytes.subarray(nonceBytes, -tagBytes));
    return Buffer.concat([text, decipher.final()]).toString('utf8');
  } catch (cause) {
    throw new SecretBoxError(
      `A secret cannot be opened with the key "${id}": it was changed, or that key is another one.`,
      {
        cause,
      },
    );
  }
}
