import libmime from 'libmime';

import { parseDateHeader } from '../../domain/dates';
import { marksOf } from '../../domain/marks';
import type { MailAddress, ParsedMessage, ParseOutcome, PartDescriptor } from '../../domain/message';
import { messageIdOf, referencesOf } from '../../domain/references';
import { parseAddressList } from './address-list';
import { decodeBodies, textOfBodies } from './body-text';
import { cleanText, cutText } from './clean-text';
import { type HeaderBlock, scanHeader } from './header-block';
import { LimitBreach, type ParseLimits } from './limit-breach';
import { messageKeyOf } from './message-key';
import { walkMessage, type WalkedPart } from './walk';

/** Raised when old messages should be read anew. */
export const parserVersion = 1;

const maxSubjectCharacters = 4_096;
const maxScannedHeaderBytes = 65_536;

/** Reads a message. Whatever the bytes are, there is an outcome: a limit that is broken, or a fault of the parser, is one too. */
export function parseMessage(raw: Buffer, limits: ParseLimits): ParseOutcome {
  try {
    return { kind: 'parsed', message: readMessage(raw, limits) };
  } catch (error) {
    const breach = error instanceof LimitBreach ? error : { code: 'parser-error', detail: { error: errorName(error) } };
    return unreadable(raw, breach);
  }
}

/** The outcome of a message that could not be read; its Message-ID is looked for in the first bytes of its header. */
export function unreadable(
  raw: Buffer,
  { code, detail }: { code: string; detail: Record<string, number | string> },
): ParseOutcome {
  return { kind: 'unreadable', code, detail, messageIdHeader: messageIdIn(scanHeader(raw, maxScannedHeaderBytes)) };
}

function errorName(error: unknown): string {
  return error instanceof Error ? error.name : typeof error;
}

function readMessage(received: Buffer, limits: ParseLimits): ParsedMessage {
  const raw = withLineFeeds(received);
  const { header, parts } = walkMessage(raw, limits);
  const bodies = decodeBodies(raw, parts);
  const { text, truncated } = textOfBodies(bodies, limits.maxTextCharacters);
  const addresses = addressesOf(header, limits.maxAddresses);
  const messageIdHeader = messageIdIn(header);
  const sentAt = parseDateHeader(header.first('date') ?? '');
  return {
    ...addresses,
    messageIdHeader,
    references: referencesIn(header, limits.maxReferences),
    sentAt,
    subject: subjectOf(header),
    text,
    textTruncated: truncated,
    parts: parts.map(descriptorOf),
    marks: marksOf({ header: (name) => header.first(name), parts, text }),
    messageKey: messageKeyOf({ raw, header, parts, bodies, messageIdHeader, sentAt, from: addresses.from }),
  };
}

/** Line ends of the old Mac, and of nothing else since, are read as line feeds; offsets stay the same. */
function withLineFeeds(raw: Buffer): Buffer {
  if (raw.includes('\n') || !raw.includes('\r')) return raw;
  return Buffer.from(raw.map((byte) => (byte === 0x0d ? 0x0a : byte)));
}

/** The Message-ID of a header with its angle brackets; null where there is none in it. */
export function messageIdIn(header: HeaderBlock): string | null {
  const id = messageIdOf(header.first('message-id') ?? '');
  return id === null ? null : cleanText(id);
}

function referencesIn(header: HeaderBlock, maxReferences: number): string[] {
  const [references, inReplyTo] = [header.all('references').join(' '), header.all('in-reply-to').join(' ')];
  return referencesOf({ references, inReplyTo }, maxReferences).map(cleanText);
}

function subjectOf(header: HeaderBlock): string {
  const subject = header.first('subject') ?? '';
  // An encoded word takes at most three bytes for one, and some for its name.
  const bounded = subject.slice(0, maxSubjectCharacters * 8);
  const decoded = bounded.includes('=?') ? libmime.decodeWords(bounded) : bounded;
  return cutText(cleanText(decoded).replace(/\s+/g, ' ').trim(), maxSubjectCharacters);
}

const addressHeaders = {
  from: ['from'],
  sender: ['sender'],
  replyTo: ['reply-to'],
  to: ['to'],
  cc: ['cc'],
  bcc: ['bcc'],
  deliveredTo: ['delivered-to', 'x-original-to', 'envelope-to'],
} as const;

type Addresses = Record<keyof typeof addressHeaders, MailAddress[]>;

function addressesOf(header: HeaderBlock, maxAddresses: number): Addresses {
  const addresses: Addresses = { from: [], sender: [], replyTo: [], to: [], cc: [], bcc: [], deliveredTo: [] };
  let count = 0;
  for (const [role, names] of Object.entries(addressHeaders) as [keyof Addresses, readonly string[]][]) {
    for (const value of names.flatMap((name) => header.all(name))) addresses[role].push(...parseAddressList(value));
    count += addresses[role].length;
  }
  if (count > maxAddresses) throw new LimitBreach('too-many-addresses', { maxAddresses });
  return addresses;
}

function descriptorOf({ parameters: _, ...descriptor }: WalkedPart): PartDescriptor {
  return descriptor;
}
