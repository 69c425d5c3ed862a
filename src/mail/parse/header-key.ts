import { createHash } from 'node:crypto';

import { canonicalAlone, canonicalContent, canonicalHeader } from '../../domain/identity';
import { contentHeaderOf } from './content-header';
import { scanHeader } from './header-block';
import { LimitBreach } from './limit-breach';
import { messageIdIn } from './parse-message';

/** A delimiter this long is drawn by chance in all mail programs that have files to send. */
const shortestDelimiter = 12;

/**
 * The identity of a message by its header alone, as lower-case hex SHA-256: of what the sender wrote, without the traces of transport.
 * Null where that proves nothing. Who knows of a message knows its Message-ID, date and people; the delimiter of its parts (RFC 2046 5.1.1) only
 * who has it: without one, a forged header would open somebody else's mail.
 */
export function headerKeyOf(raw: Buffer, maxHeaderBytes: number): string | null {
  const header = headerIn(raw, maxHeaderBytes);
  const messageId = header === null ? null : messageIdIn(header);
  if (header === null || messageId === null) return null;
  const first = (name: string) => header.first(name) ?? '';
  if (first('date') === '' || first('from') === '') return null;
  const { contentType, parameters } = contentHeaderOf(header, 'text/plain');
  const delimiter = parameters['boundary'] ?? '';
  if (!contentType.startsWith('multipart/') || delimiter.length < shortestDelimiter) return null;
  return sha256Of(
    canonicalHeader({
      messageId,
      date: first('date'),
      from: first('from'),
      subject: first('subject'),
      to: header.all('to').join(', '),
      cc: header.all('cc').join(', '),
      contentType: `${contentType} ${delimiter}`,
    }),
  );
}

/** The identity of a message of which nothing is known but these bytes, given by their SHA-256. */
export function keyAlone(sha: Buffer): string {
  return sha256Of(canonicalAlone(sha.toString('hex')));
}

const halfOfSha = 16;

/**
 * The fingerprint of a message of which only the header was fetched, in place of its SHA-256 that nobody knows: its first half is of what was
 * sent in the header (`sentHeaderOf`), its second tells it by all of the header and the size from others.
 */
export function headerOnlySha(header: Buffer, size: number, maxHeaderBytes: number): Buffer {
  const whole = createHash('sha256')
    .update(`headers-only ${String(size)} `)
    .update(header)
    .digest();
  return Buffer.concat([sentHeaderOf(header, maxHeaderBytes), whole.subarray(halfOfSha)]);
}

/** Of the header fields but the traces of transport, 16 bytes: two headers for which it is the same say the same, so far as they are read. */
function sentHeaderOf(raw: Buffer, maxHeaderBytes: number): Buffer {
  const sent = canonicalContent(scanHeader(raw, maxHeaderBytes).entries(), '');
  return createHash('sha256').update(sent).digest().subarray(0, halfOfSha);
}

/** The header at the beginning of these bytes, so far as it is read, where it says what the one of this fingerprint (`headerOnlySha`) does; else null. */
export function headerThatSays(sha: Buffer, raw: Buffer, maxHeaderBytes: number): Buffer | null {
  if (!sentHeaderOf(raw, maxHeaderBytes).equals(sha.subarray(0, halfOfSha))) return null;
  return raw.subarray(0, scanHeader(raw, maxHeaderBytes).bodyOffset);
}

function headerIn(raw: Buffer, maxHeaderBytes: number) {
  try {
    return scanHeader(raw, maxHeaderBytes);
  } catch (error) {
    if (error instanceof LimitBreach) return null;
    throw error;
  }
}

function sha256Of(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
