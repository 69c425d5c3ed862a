import { parseMessage } from '../../../src/mail/parse/parse-message';
import type { ParseLimits } from '../../../src/mail/parse/limit-breach';
import type { ParsedMessage } from '../../../src/domain/message';

/** The product's own limits, so that what is proven here holds there. */
export const parseLimits: ParseLimits = {
  maxParts: 1_000,
  maxDepth: 100,
  maxHeaderBytes: 1_048_576,
  maxAddresses: 5_000,
  maxReferences: 100,
  maxTextCharacters: 262_144,
};

/** A message of header lines and a body, with CRLF line ends as IMAP gives it. Strings become UTF-8, `latin1` says otherwise. */
export function messageOf({
  headers = [],
  body = 'Hello.',
  encoding = 'utf8',
}: {
  headers?: string[];
  body?: string;
  encoding?: 'utf8' | 'latin1';
}): Buffer {
  const from = headers.some((header) => header.startsWith('From:')) ? [] : ['From: Ann <ann@example.com>'];
  const text = [...from, ...headers, '', body].join('\n').replaceAll('\n', '\r\n');
  return Buffer.from(text, encoding);
}

/** What is read of a message that can be read. */
export function read(raw: Buffer, limits: Partial<ParseLimits> = {}): ParsedMessage {
  const outcome = parseMessage(raw, { ...parseLimits, ...limits });
  if (outcome.kind === 'unreadable') throw new Error(`unreadable: ${outcome.code} ${JSON.stringify(outcome.detail)}`);
  return outcome.message;
}
