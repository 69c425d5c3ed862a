import { createHash, type Hash } from 'node:crypto';

import { canonicalContent, canonicalIdentity, copyWithoutWhiteSpace } from '../../domain/identity';
import type { MailAddress } from '../../domain/message';
import type { DecodedBody } from './body-text';
import { decodeText, isUtf8Text } from './charset';
import type { HeaderBlock } from './header-block';
import { decodeTransfer } from './transfer-encoding';
import type { WalkedPart } from './walk';

/** Used anew for every text: a buffer for each would be garbage at once. */
const scratch = Buffer.alloc(65_536);

/** What the key of a message is made from; all of it is decoded for other reasons anyway. */
export interface KeyedMessage {
  raw: Buffer;
  header: HeaderBlock;
  parts: WalkedPart[];
  bodies: DecodedBody[];
  messageIdHeader: string | null;
  sentAt: Date | null;
  from: MailAddress[];
}

/** The identity of a message, as lower-case hex SHA-256 (domain/identity.ts says why). */
export function messageKeyOf(message: KeyedMessage): string {
  return createHash('sha256').update(canonicalForm(message)).digest('hex');
}

function canonicalForm(message: KeyedMessage): string {
  const { raw, header, messageIdHeader, sentAt, from } = message;
  if (messageIdHeader === null)
    return canonicalContent(header.entries(), contentFingerprint(raw.subarray(header.bodyOffset)));
  return canonicalIdentity({
    messageId: messageIdHeader,
    date: sentAt ?? header.first('date') ?? '',
    from: from[0]?.key ?? from[0]?.address ?? '',
    textFingerprint: textFingerprint(message),
  });
}

/**
 * Of the decoded text. Where there is none, of the attachments: a scanner that sends every page without text, and sets neither clock nor
 * Message-ID, must not hide all pages but one.
 */
function textFingerprint({ raw, parts, bodies }: KeyedMessage): string {
  const hash = createHash('sha256');
  let hashed = 0;
  for (const { part, bytes } of bodies) {
    hashed += updateWithoutWhiteSpace(
      hash,
      isUtf8Text(bytes, part.charset) ? bytes : Buffer.from(decodeText(bytes, part.charset), 'utf8'),
    );
  }
  if (hashed > 0) return hash.digest('hex');
  for (const part of parts) {
    if (part.role !== 'attachment') continue;
    hash.update(decodeTransfer(raw.subarray(part.offset, part.offset + part.length), part.encoding));
  }
  return hash.digest('hex');
}

/** Of the body as it came, whatever its line ends and the empty lines that mailbox files add. */
function contentFingerprint(body: Buffer): string {
  const hash = createHash('sha256');
  updateWithoutWhiteSpace(hash, body);
  return hash.digest('hex');
}

function updateWithoutWhiteSpace(hash: Hash, utf8: Buffer): number {
  let hashed = 0;
  for (let at = 0; at < utf8.length; at += scratch.length) {
    const kept = copyWithoutWhiteSpace(utf8.subarray(at, at + scratch.length), scratch);
    hash.update(scratch.subarray(0, kept));
    hashed += kept;
  }
  return hashed;
}
