import { createHash } from 'node:crypto';

import { canonicalAlone, canonicalHeader } from '../../domain/identity';
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
