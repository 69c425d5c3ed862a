/*
 * When two copies are the same message. Identity is content: a Message-ID is reused by devices and broken senders, so it is never
 * enough by itself. Where only the text differs (a banner, rewritten links, a list's footer), there are two messages: a double display
 * is a nuisance, a hidden message is a loss.
 *
 * Everything here is deterministic and independent of settings. A change here changes every key, so it comes with a new identityVersion
 * and with the job that computes keys again.
 */
const identityVersion = 1;

export interface MessageIdentity {
  /** With its angle brackets. */
  messageId: string;
  /** The Date header as an instant, or as it came where it cannot be read. */
  date: Date | string;
  /** Normal form of the first From address, else as it came. */
  from: string;
  /** Hex SHA-256 of the decoded text without white space. */
  textFingerprint: string;
}

/** The string whose SHA-256 is the key of a message that has a Message-ID. */
export function canonicalIdentity({ messageId, date, from, textFingerprint }: MessageIdentity): string {
  const instant = date instanceof Date ? date.toISOString() : date.replace(/\s+/g, ' ').trim();
  return JSON.stringify([identityVersion, 'message-id', messageId, instant, from.toLowerCase(), textFingerprint]);
}

/** The string whose SHA-256 is the key of a message without a Message-ID: its header fields without the traces of transport, and its body. */
export function canonicalContent(fields: { name: string; value: string }[], bodyFingerprint: string): string {
  const kept = fields
    .filter(({ name }) => !isTraceHeader(name))
    .map(({ name, value }) => [name.toLowerCase(), value.replace(/\s+/g, ' ').trim()]);
  return JSON.stringify([identityVersion, 'content', kept, bodyFingerprint]);
}

/** What the sender wrote into the header of a message, each value as it came. */
type SentHeader = Record<'messageId' | 'date' | 'from' | 'subject' | 'to' | 'cc' | 'contentType', string>;

/**
 * The string whose SHA-256 is the key of a message of which only the header is known. It is never that of a message that was read whole: what
 * is said of a body that nobody has seen could hide another.
 */
export function canonicalHeader({ messageId, date, from, subject, to, cc, contentType }: SentHeader): string {
  const flat = [messageId, date, from, subject, to, cc, contentType].map((value) => value.replace(/\s+/g, ' ').trim());
  return JSON.stringify([identityVersion, 'header', ...flat]);
}

/** The same where the header does not tell the message from all others: it is one with itself alone. `fingerprint` is of the header and the size. */
export function canonicalAlone(fingerprint: string): string {
  return JSON.stringify([identityVersion, 'alone', fingerprint]);
}

const traceHeaders = new Set([
  'received',
  'received-spf',
  'return-path',
  'delivered-to',
  'envelope-to',
  'authentication-results',
  'domainkey-signature',
  'dkim-signature',
  'dkim-filter',
  'message-id',
  'bcc', // only the sender's own copy has it
  'status',
  'lines',
  'content-length',
]);

/** Whether a header is added or changed on the way, and so says nothing of what was sent. `name` in any case. */
function isTraceHeader(name: string): boolean {
  const lower = name.toLowerCase();
  return traceHeaders.has(lower) || lower.startsWith('x-') || lower.startsWith('arc-') || lower.startsWith('resent-');
}

/**
 * Copies the bytes of a text that are neither ASCII white space nor controls to `target`, which is as long, and returns their number.
 * Servers that encode a text anew change its line ends, its folding and its trailing spaces, never the rest.
 */
export function copyWithoutWhiteSpace(utf8: Uint8Array, target: Uint8Array): number {
  let kept = 0;
  const { length } = utf8;
  for (let at = 0; at < length; at += 1) {
    const byte = utf8[at] ?? 0; // an index is several times faster here than an iterator
    if (byte > 0x20) {
      target[kept] = byte;
      kept += 1;
    }
  }
  return kept;
}
